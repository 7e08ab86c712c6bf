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
    Postgres(Database),
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
                let database = Database::new().await;
                let opened = PostgresStore::open(&database.url(), PostgresOptions::default(), vault, rng, clock).await;
                (Arc::new(opened.unwrap()), Self::Postgres(database))
            }
        }
    }

    /// Whoever starts next takes over from this process: its lease has run out.
    pub(super) async fn process_is_gone(&self) {
        if let Self::Postgres(database) = self {
            let expired = "UPDATE nodes SET expires_at = now() - INTERVAL '1 second'";
            sqlx::query(expired).execute(&mut database.connect().await).await.unwrap();
        }
    }
}
