//! An SQLite file as one end of a copy.

use std::path::Path;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::connect::{Connector, schema_version};
use super::lock::LockFile;
use super::{SqliteOptions, schema};
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::copy::CopyError;
use crate::store::copy::rows::{Rows, Values};

/// The most rows that one statement writes.
const ROWS_AT_ONCE: usize = 64;

pub struct SqliteCopying {
    pub(super) connection: SqliteConnection,
    /// Holds the lock file.
    _connector: Connector,
}

impl SqliteCopying {
    /// To be read: the file must be there, its schema this program's.
    pub async fn source(path: &Path, now: Timestamp) -> Result<Self, CopyError> {
        if !path.is_file() {
            return Err(CopyError::NotThere { path: path.to_owned() });
        }
        let opened = async {
            let connector = Connector::new(path, SqliteOptions::default(), LockFile::take(path, now)?);
            let mut connection = connector.reading().await?;
            let version = schema_version(&mut connection).await?;
            Ok((Self { connection, _connector: connector }, version))
        };
        let (place, version) = opened.await.map_err(CopyError::Source)?;
        schema::is_current(version, "start `waxwing serve` of this version on it once")?;
        Ok(place)
    }

    /// To be written: made if it isn't there (its folder must be), its schema brought up to date.
    pub async fn target(path: &Path, now: Timestamp) -> Result<Self, CopyError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
        if let Some(folder) = folder {
            return Err(CopyError::NotThere { path: folder.to_owned() });
        }
        let opened = async {
            let connector = Connector::new(path, SqliteOptions::default(), LockFile::take(path, now)?);
            let mut connection = connector.writing().await?;
            schema::migrate(&mut connection).await?;
            Ok(Self { connection, _connector: connector })
        };
        opened.await.map_err(CopyError::Target)
    }

    /// Any row finds room here.
    #[allow(clippy::unused_async, reason = "the other database has to ask")]
    pub(super) async fn make_room(&mut self, _rows: &Rows) -> Result<()> {
        Ok(())
    }
}

/// Holding the lock file, this process is.
#[allow(clippy::unused_async, reason = "the other database has to ask")]
pub(super) async fn is_left_alone(_connection: &mut SqliteConnection) -> Result<()> {
    Ok(())
}

/// The lock file does.
#[allow(clippy::unused_async, reason = "the other database has to see to it")]
pub(super) async fn keep_servers_out(_transaction: &mut SqliteConnection) -> Result<()> {
    Ok(())
}

pub(super) async fn insert(transaction: &mut SqliteConnection, rows: &Rows) -> Result<()> {
    let names: Vec<&str> = rows.table.columns.iter().map(|column| column.name).collect();
    let begins = format!("INSERT INTO {} ({}) ", rows.table.name, names.join(", "));
    let all: Vec<usize> = (0..rows.len()).collect();
    for some in all.chunks(ROWS_AT_ONCE) {
        let mut query = QueryBuilder::<Sqlite>::new(&begins);
        query.push_values(some, |mut row, at| {
            for values in &rows.columns {
                match values {
                    Values::Integers(list) => row.push_bind(list.get(*at).copied().flatten()),
                    Values::Booleans(list) => row.push_bind(list.get(*at).copied().flatten()),
                    Values::Texts(list) => row.push_bind(list.get(*at).cloned().flatten()),
                    Values::Bytes(list) => row.push_bind(list.get(*at).cloned().flatten()),
                };
            }
        });
        query.build().execute(&mut *transaction).await?;
    }
    Ok(())
}

/// What the source's nodes had in hand is freed at the next start, like everything that another process had.
#[allow(clippy::unused_async, reason = "the other database has to do something")]
pub(super) async fn settle(_transaction: &mut SqliteConnection, _now: Timestamp) -> Result<()> {
    Ok(())
}
