//! The store on one SQLite file: WAL, `synchronous=FULL`, one writer at a time, a pool of reading connections.
//!
//! Guarantees: what `append` answered survives a power cut; a second process is refused, and told who holds the file; a database
//! of another key or of a newer program isn't touched. It never computes when something is due.
//!
//! One file per theme: [`hot`] appends and completes, a whole group at a time; [`claims`], [`purge`], [`list`] and the rest are
//! transactions of their own, in turn with it. What `../sql` holds is said in the same words to every database ([`dialect`]).

#[path = "../sql/accounts.rs"]
mod accounts;
#[path = "../sql/attempts.rs"]
mod attempts;
mod claims;
mod connect;
#[path = "../sql/convert.rs"]
mod convert;
#[path = "../sql/copied.rs"]
mod copied;
mod copying;
#[path = "../sql/deliveries.rs"]
mod deliveries;
mod dialect;
#[path = "../sql/events.rs"]
mod events;
mod hot;
#[path = "../sql/list.rs"]
mod list;
#[path = "../sql/loaded.rs"]
mod loaded;
mod lock;
mod nodes;
#[path = "../sql/overview.rs"]
mod overview;
#[path = "../sql/plugins.rs"]
mod plugins;
mod purge;
#[path = "../sql/queue.rs"]
mod queue;
#[path = "../sql/schema.rs"]
mod schema;
#[path = "../sql/sessions.rs"]
mod sessions;
#[path = "../sql/sinks.rs"]
mod sinks;
#[path = "../sql/webhooks.rs"]
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::Mutex;

use self::connect::{Connector, Transaction};
pub use self::copying::SqliteCopying;
use self::hot::{Errand, GroupCommit};
use self::lock::LockFile;
use self::purge::Picked;
use super::sealed::Sealer;
use super::writer::Writer;
use super::{NodeId, Reach, Result};
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
    writer: Writer<Errand>,
    picked: Mutex<Picked>,
    vault: Arc<Vault>,
    rng: Arc<dyn Rng>,
    reach: Reach,
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
        Ok(Self { connector, readers, writer, picked: Mutex::default(), vault, rng, reach: Reach::default() })
    }

    /// Writes what waits and closes the file. Later calls fail.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
        self.connector.close().await;
    }

    const fn appends(&self) -> &Writer<Errand> {
        &self.writer
    }

    const fn completions(&self) -> &Writer<Errand> {
        &self.writer
    }

    /// In turn with every other write.
    async fn begin(&self) -> Result<Transaction<'_>> {
        self.connector.begin().await
    }

    /// For what other processes would have to hear of: there is none.
    async fn configure(&self) -> Result<Transaction<'_>> {
        self.begin().await
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { vault: &self.vault, rng: &*self.rng }
    }
}
