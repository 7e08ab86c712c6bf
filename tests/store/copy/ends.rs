//! Databases that nobody has open, as ends of a copy, and what no verb of a store says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use waxwing::model::time::Timestamp;
use waxwing::store::StoreError;
use waxwing::store::copy::{CopyError, Holding, Place, copy};
use waxwing::store::postgres::PostgresCopying;
use waxwing::store::sqlite::SqliteCopying;

use super::ROWS_AT_ONCE;
use crate::cluster::Database;
use crate::fixture::{Address, KEY, Left, NOON, open_postgres, open_sqlite};

impl Left {
    /// An empty one of the other kind.
    pub(crate) async fn other(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::Postgres(Database::new().await),
            Self::Postgres(_) => Self::Sqlite(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Sqlite(folder) => Address::Sqlite(folder.path().join("waxwing.db")),
            Self::Postgres(database) => Address::Postgres(database.url()),
        }
    }
}

impl Address {
    pub(crate) async fn source(&self) -> Result<Box<dyn Place>, CopyError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteCopying::source(path, NOON).await?),
            Self::Postgres(url) => Box::new(PostgresCopying::source(url).await?),
        })
    }

    pub(crate) async fn target(&self) -> Result<Box<dyn Place>, CopyError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteCopying::target(path, NOON).await?),
            Self::Postgres(url) => Box::new(PostgresCopying::target(url).await?),
        })
    }

    pub(crate) async fn copied_to(&self, target: &Self, now: Timestamp) -> Result<Holding, CopyError> {
        let (mut from, mut to) = (self.source().await?, target.target().await?);
        copy(&mut *from, &mut *to, ROWS_AT_ONCE, now, &mut |_| {}).await
    }

    /// Why no server starts on it, if none does.
    pub(crate) async fn refusal(&self) -> Option<StoreError> {
        match self {
            Self::Sqlite(path) => open_sqlite(path, KEY).await.err(),
            Self::Postgres(url) => open_postgres(url, KEY).await.err(),
        }
    }

    /// Something that no verb of a store does.
    pub(crate) async fn runs(&self, statement: &'static str) {
        match self {
            Self::Sqlite(path) => {
                sqlite(path).await.execute(statement).await.unwrap();
            }
            Self::Postgres(url) => {
                sqlx::PgConnection::connect(url).await.unwrap().execute(statement).await.unwrap();
            }
        }
    }

    /// Its tables, each with its columns.
    pub(crate) async fn tables(&self) -> BTreeMap<String, BTreeSet<String>> {
        let all: Vec<(String, String)> = match self {
            Self::Sqlite(path) => {
                let all = "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'";
                sqlx::query_as(all).fetch_all(&mut sqlite(path).await).await.unwrap()
            }
            Self::Postgres(url) => {
                let all = "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT) FROM pg_class AS c \
                           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
                           AND c.relnamespace = CAST('public' AS regnamespace)";
                sqlx::query_as(all).fetch_all(&mut sqlx::PgConnection::connect(url).await.unwrap()).await.unwrap()
            }
        };
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, column) in all {
            tables.entry(table).or_default().insert(column);
        }
        tables
    }
}

async fn sqlite(path: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}
