//! Connections: how they are set up, the one that writes, and what is checked before anything else happens.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::SqliteOptions;
use super::copied::refuse_unfinished;
use super::lock::LockFile;
use super::schema::migrate;
use crate::store::{Result, StoreError};

/// Only a backup tool can hold the file besides us.
pub(super) const BUSY: Duration = Duration::from_secs(10);
const READ_WAIT: Duration = Duration::from_secs(30);
/// 4 MiB of pages, for each connection: what it doesn't hold, the system's cache does, and that is counted once.
const CACHE: &str = "-4096";

pub(super) struct Connector {
    path: PathBuf,
    checkpoint_pages: u32,
    options: SqliteConnectOptions,
    readers: u32,
    /// The writing connection, while nobody writes; `None` before the first use and after a failure.
    idle: Mutex<Option<SqliteConnection>>,
    /// Transactions that were written.
    changes: AtomicU64,
    /// Held as long as anybody may write, also after the store itself is dropped.
    _lock: LockFile,
}

impl Connector {
    pub(super) fn new(path: &Path, options: SqliteOptions, lock: LockFile) -> Self {
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(false)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let connect = pragmas(options.checkpoint_pages)
            .into_iter()
            .fold(connect, |connect, (name, value)| connect.pragma(name, value));
        Self {
            path: path.to_owned(),
            checkpoint_pages: options.checkpoint_pages,
            options: connect,
            readers: options.readers.max(1),
            idle: Mutex::new(None),
            changes: AtomicU64::new(0),
            _lock: lock,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What every connection is set to, beside the file's own write-ahead log.
    pub(super) fn pragmas(&self) -> [(&'static str, String); 4] {
        pragmas(self.checkpoint_pages)
    }

    /// Brings the schema up to date and compares the key.
    pub(super) async fn prepare(&self, key_id: &str) -> Result<()> {
        let mut connection = self.options.connect().await.map_err(refused)?;
        migrate(&mut connection).await?;
        let known: Option<String> = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'key_id'")
            .fetch_optional(&mut connection)
            .await?;
        match known {
            Some(known) if known != key_id => return Err(StoreError::WrongKey),
            Some(_) => {}
            None => {
                sqlx::query("INSERT INTO settings (name, value) VALUES ('key_id', $1)")
                    .bind(key_id)
                    .execute(&mut connection)
                    .await?;
            }
        }
        refuse_unfinished(&mut connection).await?;
        *self.idle.lock().await = Some(connection);
        Ok(())
    }

    /// For what only one connection writes, beside no store.
    pub(super) async fn writing(&self) -> Result<SqliteConnection> {
        Ok(self.options.connect().await?)
    }

    /// For what must not be changed.
    pub(super) async fn reading(&self) -> Result<SqliteConnection> {
        Ok(self.options.clone().create_if_missing(false).pragma("query_only", "on").connect().await?)
    }

    pub(super) fn readers(&self) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(self.readers)
            .acquire_timeout(READ_WAIT)
            .test_before_acquire(false)
            .max_lifetime(None)
            .connect_lazy_with(self.options.clone().create_if_missing(false).pragma("query_only", "on"))
    }

    /// How often anything was written.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Something was written, and can be read.
    pub(super) fn has_changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until nobody else writes, and keeps it so.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn { _idle: self.idle.lock().await }
    }

    /// Waits for its turn and begins a transaction. One that isn't committed takes its connection with it: closing it is the
    /// one way back that works after every failure, also where SQLite has rolled back by itself.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>> {
        let mut idle = self.idle.lock().await;
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => self.options.clone().create_if_missing(false).connect().await?,
        };
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
        Ok(Transaction { idle, connection, connector: self })
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.idle.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database didn't close cleanly");
        }
    }
}

/// The writers' turn, for who brings a connection of its own.
pub(super) struct Turn<'a> {
    _idle: MutexGuard<'a, Option<SqliteConnection>>,
}

/// A transaction of the one writing connection; rolled back unless committed.
pub(super) struct Transaction<'a> {
    idle: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
    connector: &'a Connector,
}

impl Transaction<'_> {
    /// Durable when it returns.
    pub(super) async fn commit(mut self) -> Result<()> {
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        self.connector.has_changed();
        *self.idle = Some(self.connection);
        Ok(())
    }

    /// For a call that found nothing to write.
    pub(super) async fn rollback(mut self) -> Result<()> {
        sqlx::query("ROLLBACK").execute(&mut self.connection).await?;
        *self.idle = Some(self.connection);
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

pub(super) async fn schema_version(connection: &mut SqliteConnection) -> Result<Option<i64>> {
    let known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !known {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(connection).await?)
}

/// SQLITE_NOTADB.
fn refused(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(|said| said.code()).as_deref() {
        Some("26") => StoreError::Foreign { found: "the file is no SQLite database".to_owned() },
        _ => error.into(),
    }
}

fn pragmas(checkpoint_pages: u32) -> [(&'static str, String); 4] {
    [
        ("synchronous", "FULL".into()),
        ("wal_autocheckpoint", checkpoint_pages.to_string()),
        ("temp_store", "MEMORY".into()),
        ("cache_size", CACHE.into()),
    ]
}
