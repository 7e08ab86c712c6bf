//! Where things are kept, and the key that seals the secrets among them.

use std::path::PathBuf;

use super::{ConfigError, Layers};
use crate::model::secret::Secret;

#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// For the SQLite file, the key and compiled plugins.
    pub data: PathBuf,
    pub database: Database,
    pub key: KeySource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// 32 bytes, base64. Made at the first start if it isn't there and `make` allows it.
    File {
        path: PathBuf,
        make: bool,
    },
    Given(Secret),
}

impl StorageConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let data: PathBuf = layers.parse("data")?.unwrap_or_else(|| PathBuf::from("data"));
        let database = match layers.parse::<String>("database")? {
            None => Database::Sqlite(data.join("waxwing.db")),
            Some(url) => database(&url).map_err(|message| layers.invalid("database", message))?,
        };
        let key = match (layers.parse::<String>("key")?, layers.parse::<PathBuf>("key-file")?) {
            (Some(_), Some(_)) => {
                return Err(layers.invalid("key", "the key file is named too; keep one of them".into()));
            }
            (Some(key), None) => KeySource::Given(Secret::new(key.trim())),
            // A file that somebody named should be there: making another one would only hide the mistake.
            (None, Some(path)) => KeySource::File { path, make: false },
            (None, None) => KeySource::File { path: data.join("key"), make: true },
        };
        Ok(Self { data, database, key })
    }
}

fn database(url: &str) -> Result<Database, String> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Err("PostgreSQL is not supported by this version; use sqlite:PATH".into());
    }
    let path = url.strip_prefix("sqlite:").ok_or("must be sqlite:PATH, such as sqlite:/var/lib/waxwing/waxwing.db")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err("must name a file: sqlite:PATH, without parameters".into());
    }
    Ok(Database::Sqlite(path.into()))
}
