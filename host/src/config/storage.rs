//! Where things are kept, and the key that seals the secrets among them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{ConfigError, Layers};
use crate::model::secret::Secret;

#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// For the SQLite file, the key and compiled plugins.
    pub data: PathBuf,
    pub database: Database,
    /// How long a start waits for a database that doesn't answer yet; `None`: until it does.
    pub wait: Option<Duration>,
    pub key: KeySource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(DatabaseUrl),
}

/// Where a PostgreSQL database is, and how to get in. Shows itself without user, password and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Secret,
    shown: String,
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
            Some(url) => Database::parse(&url).map_err(|message| layers.invalid("database", message))?,
        };
        let key = match (layers.parse::<String>("key")?, layers.parse::<PathBuf>("key-file")?) {
            (Some(_), Some(_)) => {
                return Err(layers.invalid("key", "the key file is named too; keep one of them".into()));
            }
            (Some(key), None) => KeySource::Given(Secret::new(key.trim())),
            // A file that somebody named should be there: making another one would only hide the mistake.
            (None, Some(path)) => KeySource::File { path, make: false },
            // Every node must have the same one, and none of them knows which is the first.
            (None, None) if matches!(database, Database::Postgres(_)) => {
                let message = "a PostgreSQL database needs a key that all its nodes share: name it with --key-file or \
                               WAXWING_KEY; `head -c 32 /dev/urandom | base64` makes one";
                return Err(layers.invalid("key", message.into()));
            }
            (None, None) => KeySource::File { path: data.join("key"), make: true },
        };
        let wait = match layers.says("wait-for-database") {
            true => Some(Duration::from_secs(layers.number("wait-for-database", 0, 0..=86_400)?)),
            false => None,
        };
        Ok(Self { data, database, wait, key })
    }
}

impl Database {
    /// What `--database` says.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return DatabaseUrl::parse(url).map(Self::Postgres);
        }
        let path = url
            .strip_prefix("sqlite:")
            .ok_or("must be sqlite:PATH, such as sqlite:/var/lib/waxwing/waxwing.db, or postgres://HOST/DATABASE")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
            return Err("must name a file: sqlite:PATH, without parameters".into());
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl DatabaseUrl {
    /// What a URL may say besides; an unknown one is refused, since it may have been meant to make the connection safe.
    const PARAMETERS: [&str; 13] = [
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
        "statement-cache-capacity",
    ];

    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "must be postgres://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE";
        let url = Url::parse(text).map_err(|error| format!("{FORM}: {error}"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(FORM.into());
        }
        let mut named = url.path().trim_start_matches('/').to_owned();
        for (name, value) in url.query_pairs() {
            if !Self::PARAMETERS.contains(&&*name) {
                return Err(format!("'{name}' is no parameter that is known here: {}", Self::PARAMETERS.join(", ")));
            }
            if name == "dbname" {
                named = value.into_owned();
            }
        }
        if named.is_empty() {
            return Err(format!("names no database: {FORM}"));
        }
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let shown = format!("postgres://{}{port}/{named}", url.host_str().unwrap_or_default());
        Ok(Self { url: Secret::new(text), shown })
    }

    /// The whole URL; the caller takes care where it goes.
    pub fn expose(&self) -> &str {
        self.url.expose()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
