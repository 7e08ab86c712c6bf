//! The store on a PostgreSQL database that several nodes may share.
//!
//! Guarantees: what `append` answered survives a crash of the database; of two nodes that are posted the same thing at once, one writes
//! it; a row of the queue is in one node's hands at a time, and what a dead node had in hand is taken over; a database of another key
//! or of a newer program isn't touched. A connection that breaks is replaced at the next call. It never computes when something is due.
//!
//! One file per theme: [`hot`] appends and completes, each on a connection of its own, a whole group at a time; [`claims`], [`expiry`]
//! and the rest use a small pool, the cold writes [in turn](turn) over all nodes. What `../sql` holds is said in the same words to every
//! database ([`dialect`]). Next: [`membership`], by which nodes know of each other.

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
mod days;
#[path = "../sql/deliveries.rs"]
mod deliveries;
mod dialect;
mod doubts;
#[path = "../sql/events.rs"]
mod events;
mod expiry;
mod hot;
mod in_order;
#[path = "../sql/list.rs"]
mod list;
#[path = "../sql/loaded.rs"]
mod loaded;
mod locks;
mod membership;
mod nodes;
#[path = "../sql/overview.rs"]
mod overview;
mod partitions;
#[path = "../sql/plugins.rs"]
mod plugins;
#[path = "../sql/queue.rs"]
mod queue;
#[path = "../sql/schema.rs"]
mod schema;
#[path = "../sql/sessions.rs"]
mod sessions;
#[path = "../sql/sinks.rs"]
mod sinks;
mod slots;
mod tidings;
mod turn;
#[path = "../sql/webhooks.rs"]
mod webhooks;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use sqlx::{Connection as _, PgPool};
use tokio::sync::Mutex;

use self::connect::{Connector, Purpose, compare_key};
pub use self::copying::PostgresCopying;
use self::doubts::Doubts;
use self::hot::{AppendCommit, CompleteCommit};
pub use self::locks::{hold_off_purges, purges_now};
use self::membership::Membership;
use self::partitions::Partitions;
pub use self::slots::OF_KEPT_AT;
use self::tidings::Tidings;
use super::sealed::Sealer;
use super::writer::Writer;
use super::{Nodes, Reach, Result};
use crate::clock::{Clock, Rng};
use crate::model::causes::WithCauses;
use crate::vault::Vault;

#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Connections that read; at least 1.
    pub readers: u32,
    /// Connections for claims and settings, besides the two of the hot path and the one that listens; at least 2.
    pub writers: u32,
    /// Whether this node delivers, or only accepts.
    pub delivers: bool,
    /// What an administrator of the database knows the node by.
    pub name: String,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { readers: 4, writers: 4, delivers: true, name: format!("process {}", std::process::id()) }
    }
}

/// The schema's versions before and after; `None`: there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

pub struct PostgresStore {
    shared: Arc<Shared>,
    readers: PgPool,
    writers: PgPool,
    /// The cold writes' turn in this process.
    cold: Mutex<()>,
    appending: Writer<Infallible>,
    completing: Writer<Infallible>,
    vault: Arc<Vault>,
    rng: Arc<dyn Rng>,
    clock: Arc<dyn Clock>,
    reach: Reach,
    /// The age of the callers' id that was forgotten last: the next step goes on from there. An index still leads to what was deleted until
    /// it is vacuumed.
    forgotten: AtomicI64,
}

/// What the two ends of the hot path know too.
struct Shared {
    connector: Arc<Connector>,
    membership: Membership,
    partitions: Partitions,
    doubts: Doubts,
    tidings: Arc<Tidings>,
}

impl PostgresStore {
    /// Brings the schema up to date, compares the key and joins the nodes that are there. Inside a tokio runtime.
    /// [`super::StoreError::Unavailable`] within seconds where the database doesn't answer yet: whoever can wait asks again.
    /// [`super::StoreError::Refused`] where asking again is of no use.
    pub async fn open(
        url: &str,
        options: PostgresOptions,
        vault: Arc<Vault>,
        rng: Arc<dyn Rng>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::join(url, options, vault, rng, clock).await.map_err(connect::refused)
    }

    async fn join(
        url: &str,
        options: PostgresOptions,
        vault: Arc<Vault>,
        rng: Arc<dyn Rng>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let connector = Arc::new(Connector::new(url, &options)?);
        let mut connection = connector.connect(Purpose::Cold).await?;
        schema::migrate(&mut connection).await?;
        compare_key(&mut connection, vault.id()).await?;
        let partitions = Partitions::new(Arc::clone(&connector));
        partitions.make_ahead(&mut connection, clock.now()).await?;
        drop(connection);
        let (readers, writers) = (connector.readers(), connector.writers());
        let pools = (readers.clone(), writers.clone());
        let membership = Membership::join(Arc::clone(&connector), &options, Arc::clone(&clock)).await?;
        let tidings = Tidings::start(Arc::clone(&connector), pools, own_name(&*rng)).await?;
        let doubts = Doubts::default();
        let shared = Arc::new(Shared { connector, membership, partitions, doubts, tidings });
        let appending = Writer::start(AppendCommit::new(Arc::clone(&shared)))?;
        let completing = Writer::start(CompleteCommit::new(Arc::clone(&shared)))?;
        Ok(Self {
            shared,
            readers,
            writers,
            cold: Mutex::new(()),
            appending,
            completing,
            vault,
            rng,
            clock,
            reach: Reach::default(),
            forgotten: AtomicI64::new(i64::MIN),
        })
    }

    /// Brings the schema up to date and does nothing else, for those who let another user of the database do that.
    pub async fn migrate(url: &str) -> Result<Migrated> {
        let migrated = async {
            let connector = Connector::new(url, &PostgresOptions::default())?;
            let mut connection = connector.connect(Purpose::Cold).await?;
            let from = connect::schema_version(&mut connection).await?;
            schema::migrate(&mut connection).await?;
            let to = connect::schema_version(&mut connection).await?;
            connection.close().await?;
            Ok(Migrated { from, to })
        };
        migrated.await.map_err(connect::refused)
    }

    /// Writes what waits, signs off and closes the connections. Later calls fail.
    pub async fn close(&self) {
        self.appending.close().await;
        self.completing.close().await;
        if let Err(error) = self.leave(self.clock.now()).await {
            // The others take over when the lease runs out.
            tracing::warn!(error = %WithCauses(&error), "this node couldn't sign off");
        }
        self.shared.tidings.stop();
        self.readers.close().await;
        self.writers.close().await;
    }

    const fn appends(&self) -> &Writer<Infallible> {
        &self.appending
    }

    const fn completions(&self) -> &Writer<Infallible> {
        &self.completing
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { vault: &self.vault, rng: &*self.rng }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.shared.tidings.stop();
    }
}

/// By which a node knows its own notifications.
fn own_name(rng: &dyn Rng) -> String {
    let mut bytes = [0; 8];
    rng.fill(&mut bytes);
    hex::encode(bytes)
}
