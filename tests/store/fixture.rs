//! A store of its own for each test, on a real file, with a hand-set clock and a source of ids.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use waxwing::clock::{Clock, SystemRng};
use waxwing::model::ids::IdSource;
use waxwing::model::time::Timestamp;
use waxwing::store::postgres::{PostgresOptions, PostgresStore};
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::store::{Nodes, Queue, Result, Store};
use waxwing::vault::Vault;

use crate::cluster::Database;

pub(crate) const KEY: [u8; 32] = [7; 32];
/// 2026-01-31T12:00:00Z
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);

pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    place: Place,
    ids: IdSource,
    pub(crate) now: Timestamp,
}

/// Where the store keeps things, and the store itself, to be closed.
enum Place {
    Sqlite(Arc<SqliteStore>, TempDir),
    Postgres(Arc<PostgresStore>, Database),
}

/// Where a database is.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(String),
}

/// A database that nobody has open.
pub(crate) enum Left {
    Sqlite(TempDir),
    Postgres(Database),
}

pub(crate) struct Stopped(pub(crate) Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) async fn open_sqlite(path: &std::path::Path, key: [u8; 32]) -> Result<SqliteStore> {
    let vault = Arc::new(Vault::new(key));
    SqliteStore::open(path, SqliteOptions::default(), vault, Arc::new(SystemRng), &Stopped(NOON)).await
}

pub(crate) async fn open_postgres(url: &str, key: [u8; 32]) -> Result<PostgresStore> {
    let (vault, clock) = (Arc::new(Vault::new(key)), Arc::new(Stopped(NOON)));
    PostgresStore::open(url, PostgresOptions::default(), vault, Arc::new(SystemRng), clock).await
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open_sqlite(&folder.path().join("waxwing.db"), KEY).await.unwrap());
        Self {
            store: Arc::clone(&store) as _,
            place: Place::Sqlite(store, folder),
            ids: IdSource::new(0, 0),
            now: NOON,
        }
    }

    pub(crate) async fn postgres() -> Self {
        let database = Database::new().await;
        let store = Arc::new(open_postgres(&database.url(), KEY).await.unwrap());
        Self {
            store: Arc::clone(&store) as _,
            place: Place::Postgres(store, database),
            ids: IdSource::new(0, 0),
            now: NOON,
        }
    }

    /// On a database that was left, with ids that go on where it ends.
    pub(crate) async fn on(left: Left, now: Timestamp) -> Self {
        let (store, place): (Arc<dyn Store>, _) = match left {
            Left::Sqlite(folder) => {
                let store = Arc::new(open_sqlite(&folder.path().join("waxwing.db"), KEY).await.unwrap());
                (Arc::clone(&store) as _, Place::Sqlite(store, folder))
            }
            Left::Postgres(database) => {
                let store = Arc::new(open_postgres(&database.url(), KEY).await.unwrap());
                (Arc::clone(&store) as _, Place::Postgres(store, database))
            }
        };
        let ids = IdSource::new(store.number(), store.highest_id().await.unwrap());
        Self { store, place, ids, now }
    }

    pub(crate) fn address(&self) -> Address {
        match &self.place {
            Place::Sqlite(..) => Address::Sqlite(self.path()),
            Place::Postgres(_, database) => Address::Postgres(database.url()),
        }
    }

    /// As a server leaves its database when it is stopped.
    pub(crate) async fn left(self) -> Left {
        match self.place {
            Place::Sqlite(sqlite, folder) => {
                sqlite.close().await;
                Left::Sqlite(folder)
            }
            Place::Postgres(postgres, database) => {
                postgres.close().await;
                Left::Postgres(database)
            }
        }
    }

    /// As after a restart: the same database, opened again.
    pub(crate) async fn reopened(self) -> Self {
        let Self { store, place, ids, now } = self;
        drop(store);
        match place {
            Place::Sqlite(sqlite, folder) => {
                sqlite.close().await;
                drop(sqlite);
                let sqlite = Arc::new(open_sqlite(&folder.path().join("waxwing.db"), KEY).await.unwrap());
                Self { store: Arc::clone(&sqlite) as _, place: Place::Sqlite(sqlite, folder), ids, now }
            }
            Place::Postgres(postgres, database) => {
                postgres.close().await;
                drop(postgres);
                let postgres = Arc::new(open_postgres(&database.url(), KEY).await.unwrap());
                Self { store: Arc::clone(&postgres) as _, place: Place::Postgres(postgres, database), ids, now }
            }
        }
    }

    /// Whatever this node has in hand is taken away from it: it was dead for longer than its lease, as far as others can tell.
    pub(crate) async fn taken_for_dead(&self) {
        match &self.place {
            Place::Sqlite(sqlite, _) => drop(sqlite.recover(self.now).await.unwrap()),
            Place::Postgres(postgres, database) => {
                let expired = "UPDATE nodes SET expires_at = now() - INTERVAL '1 second' WHERE number = $1";
                let number = i16::try_from(postgres.number()).unwrap();
                sqlx::query(expired).bind(number).execute(&mut database.connect().await).await.unwrap();
                let other = self.another_node().await;
                other.recover(self.now).await.unwrap();
                other.close().await;
            }
        }
    }

    /// The file of a store on SQLite.
    pub(crate) fn path(&self) -> PathBuf {
        let Place::Sqlite(_, folder) = &self.place else { panic!("this store is no file") };
        folder.path().join("waxwing.db")
    }

    /// Nobody has the file open any more; the folder is deleted when its guard is dropped.
    pub(crate) async fn closed(self) -> (TempDir, PathBuf) {
        let path = self.path();
        let Place::Sqlite(sqlite, folder) = self.place else { panic!("this store is no file") };
        sqlite.close().await;
        (folder, path)
    }

    /// The database of a store on PostgreSQL.
    pub(crate) fn database(&self) -> &Database {
        let Place::Postgres(_, database) = &self.place else { panic!("this store is no PostgreSQL") };
        database
    }

    /// One more node on the same database of PostgreSQL.
    pub(crate) async fn another_node(&self) -> Arc<PostgresStore> {
        Arc::new(open_postgres(&self.database().url(), KEY).await.unwrap())
    }

    pub(crate) fn id<I: From<u64>>(&self) -> I {
        self.ids.next(self.now)
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        self.now = self.now.plus(duration);
    }
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

pub(crate) const fn hours(hours: u64) -> Duration {
    minutes(60 * hours)
}

pub(crate) const fn days(days: u64) -> Duration {
    hours(24 * days)
}
