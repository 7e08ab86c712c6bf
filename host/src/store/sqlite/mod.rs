//! The store on one SQLite file: WAL, `synchronous=FULL`, one writer at a time, a pool of reading connections.
//!
//! Guarantees: what `append` answered survives a power cut; a second process is refused, and told who holds the file; a database
//! of another key or of a newer program isn't touched. It never computes when something is due.
//!
//! One file per theme: [`hot`] appends and completes, a whole group at a time; [`claim`], [`purge`], [`list`] and the rest are
//! transactions of their own, in turn with it.

mod accounts;
mod attempts;
mod claim;
mod connect;
mod convert;
mod deliveries;
mod events;
mod hot;
mod list;
mod lists;
mod lock;
mod plugins;
mod purge;
mod queue;
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use sqlx::SqlitePool;

use self::connect::Connector;
use self::hot::GroupCommit;
use self::lock::LockFile;
use super::sealed::Sealer;
use super::writer::Writer;
use super::{NodeId, Result};
use crate::clock::{Clock, Rng};
use crate::vault::Vault;

/// The one process that works on a SQLite file.
const NODE: NodeId = NodeId(0);

#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Connections that read; at least 1.
    pub readers: u32,
    /// Pages of the write-ahead log (4 KiB each) before it is copied into the database.
    pub checkpoint_pages: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, checkpoint_pages: 4000 }
    }
}

pub struct SqliteStore {
    connector: Arc<Connector>,
    readers: SqlitePool,
    writer: Writer,
    vault: Arc<Vault>,
    rng: Arc<dyn Rng>,
}

impl SqliteStore {
    /// Opens the file, makes it if it isn't there, and brings its schema up to date. Inside a tokio runtime.
    pub async fn open(
        path: &Path,
        options: SqliteOptions,
        vault: Arc<Vault>,
        rng: Arc<dyn Rng>,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let lock = LockFile::take(path, clock.now())?;
        let connector = Arc::new(Connector::new(path, options, lock));
        connector.prepare(vault.id()).await?;
        let readers = connector.readers();
        let writer = Writer::start(GroupCommit::new(Arc::clone(&connector)))?;
        Ok(Self { connector, readers, writer, vault, rng })
    }

    /// Writes what waits and closes the file. Later calls fail.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
        self.connector.close().await;
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { vault: &self.vault, rng: &*self.rng }
    }
}
