//! Where a world's server keeps things: the stories are told of each database.

use std::sync::Arc;

use tempfile::TempDir;
use waxwing::store::Store;
use waxwing::store::postgres::{PostgresOptions, PostgresStore};
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::vault::Vault;

use super::cluster::Database;
use super::{CentredRng, ManualClock};

/// Which database; each test target of the stories has its own `ON`.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "a test target is on one of them")]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

pub(super) enum Place {
    Sqlite { _folder: TempDir },
    Postgres(Arc<Database>),
}

impl Place {
    pub(super) async fn open(on: On, vault: Arc<Vault>, clock: Arc<ManualClock>) -> (Arc<dyn Store>, Self) {
        let rng = Arc::new(CentredRng::default());
        match on {
            On::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("waxwing.db");
                let opened = SqliteStore::open(&path, SqliteOptions::default(), vault, rng, &*clock).await;
                (Arc::new(opened.unwrap()), Self::Sqlite { _folder: folder })
            }
            On::Postgres => {
                let database = Arc::new(Database::new().await);
                let opened = PostgresStore::open(&database.url(), PostgresOptions::default(), vault, rng, clock).await;
                (Arc::new(opened.unwrap()), Self::Postgres(database))
            }
        }
    }

    /// One more node on the same database.
    pub(super) async fn open_beside(&self, vault: Arc<Vault>, clock: Arc<ManualClock>) -> (Arc<dyn Store>, Self) {
        let Self::Postgres(database) = self else { panic!("one process has an SQLite database") };
        let (options, rng) = (PostgresOptions::default(), Arc::new(waxwing::clock::SystemRng));
        let opened = PostgresStore::open(&database.url(), options, vault, rng, clock).await;
        (Arc::new(opened.unwrap()), Self::Postgres(Arc::clone(database)))
    }

    /// This node's lease has run out.
    pub(super) async fn node_is_gone(&self, number: u16) {
        let Self::Postgres(database) = self else { panic!("an SQLite database has no nodes") };
        let expired = "UPDATE nodes SET expires_at = now() - INTERVAL '1 second' WHERE number = $1";
        let number = i16::try_from(number).unwrap();
        sqlx::query(expired).bind(number).execute(&mut database.connect().await).await.unwrap();
    }

    /// Whoever starts next takes over from this process: its lease has run out.
    pub(super) async fn process_is_gone(&self) {
        if let Self::Postgres(database) = self {
            let expired = "UPDATE nodes SET expires_at = now() - INTERVAL '1 second'";
            sqlx::query(expired).execute(&mut database.connect().await).await.unwrap();
        }
    }
}
