//! A store of its own for each test, on a real file, with a hand-set clock and a source of ids.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use waxwing::clock::{Clock, SystemRng};
use waxwing::model::ids::IdSource;
use waxwing::model::time::Timestamp;
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::store::{Result, Store};
use waxwing::vault::Vault;

pub(crate) const KEY: [u8; 32] = [7; 32];
/// 2026-01-31T12:00:00Z
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);

pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    sqlite: Arc<SqliteStore>,
    ids: IdSource,
    pub(crate) now: Timestamp,
    folder: TempDir,
}

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) async fn open_sqlite(path: &std::path::Path, key: [u8; 32]) -> Result<SqliteStore> {
    let vault = Arc::new(Vault::new(key));
    SqliteStore::open(path, SqliteOptions::default(), vault, Arc::new(SystemRng), &Stopped(NOON)).await
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Arc::new(open_sqlite(&folder.path().join("waxwing.db"), KEY).await.unwrap());
        Self { store: Arc::clone(&sqlite) as _, sqlite, ids: IdSource::new(0, 0), now: NOON, folder }
    }

    /// As after a restart: the same database, opened again.
    pub(crate) async fn reopened(self) -> Self {
        self.sqlite.close().await;
        drop((self.store, self.sqlite));
        let sqlite = Arc::new(open_sqlite(&self.folder.path().join("waxwing.db"), KEY).await.unwrap());
        Self { store: Arc::clone(&sqlite) as _, sqlite, ids: self.ids, now: self.now, folder: self.folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("waxwing.db")
    }

    /// Nobody has it open any more; the folder is deleted when its guard is dropped.
    pub(crate) async fn closed(self) -> (TempDir, PathBuf) {
        self.sqlite.close().await;
        let path = self.path();
        (self.folder, path)
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
