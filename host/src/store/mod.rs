//! What is kept, behind traits by theme; each database implements them all.
//!
//! The store knows nothing of HTTP, plugins or retry policy: it is told when something is due, it never computes it. Hot verbs take
//! batches; [`writer`] gathers what waits into one transaction. Secrets are sealed inside, at the row's edge: callers see them plain.
//!
//! A pending delivery is a row of the queue, in one of three states:
//! *claimed* (in the hands of a node), *scheduled* (due at a time) or *waiting* for its webhook: it is paused, or has more than a node
//! takes into memory at once. Waiting rows are claimed by webhook, in the order of acceptance.

pub mod admission;
mod configuration;
pub mod copy;
mod deliveries;
mod events;
mod failure;
mod nodes;
mod overview;
pub mod packed;
#[allow(clippy::duplicate_mod, reason = "what databases say alike is compiled for each: docs/adr/0020")]
pub mod postgres;
mod queue;
mod reach;
pub mod sealed;
mod sessions;
mod sinks;
#[allow(clippy::duplicate_mod, reason = "what databases say alike is compiled for each: docs/adr/0020")]
pub mod sqlite;
pub mod writer;

pub use self::configuration::{Accounts, AuditEntry, Plugins, Webhooks};
pub use self::deliveries::{Deliveries, DeliveryFilter, Recent, WebhookStats};
pub use self::events::{
    Appended, EventFilter, Events, IdempotencyClaim, NewBatch, NewDelivery, NewEvent, SeenExternalId, Start,
};
pub use self::nodes::{News, Nodes, Pulse};
pub use self::overview::{HourCount, Overview};
use self::queue::Budget;
pub use self::queue::{Completed, Completion, Purged, Queue, QueueDepth, Taken};
pub use self::reach::Reach;
pub use self::sessions::Sessions;
pub use self::sinks::Sinks;

/// The store couldn't do what was asked; nothing of the call was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is gone, full or broken. Worth another try.
    #[error("the database doesn't answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database is there and won't have this server: a wrong password, no such database, no right to do what is needed.
    #[error("the database refuses what it is asked with these settings")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored row can't be read: another version wrote it, or it is damaged.
    #[error("the database holds a {what} that can't be read")]
    Damaged {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A secret was sealed with another key.
    #[error("the key file doesn't open this database: start with the key that wrote it")]
    WrongKey,
    /// Another process has the database.
    #[error("the database is in use by {holder}")]
    Locked { holder: String },
    /// The database is of a newer or unknown schema version.
    #[error(
        "the database has schema version {found}, this program knows {known}: start the program that wrote it, or a newer one"
    )]
    SchemaVersion { found: i64, known: i64 },
    /// What is in it is a part of what it is to hold.
    #[error(
        "the database holds an unfinished copy: run the same `waxwing copy` again to finish it, or empty the database"
    )]
    UnfinishedCopy,
    /// What was named holds something else; it isn't touched.
    #[error("this is no database of Waxwing ({found}): name another one, or move it away")]
    Foreign { found: String },
    /// The schema is missing or old, and may not be changed from here.
    #[error(
        "the schema has to be brought up to version {known}, which this user of the database may not do: let one who may run `waxwing migrate`"
    )]
    MayNotMigrate {
        known: i64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The row was changed meanwhile: load it again.
    #[error("the {what} was changed by somebody else meanwhile")]
    Conflict { what: &'static str },
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// One process's work on the queue. New at every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub u16);

/// Everything that a store does.
pub trait Store:
    Events + Queue + Deliveries + Webhooks + Plugins + Accounts + Sessions + Sinks + Nodes + Send + Sync + 'static
{
}

impl<T> Store for T where
    T: Events + Queue + Deliveries + Webhooks + Plugins + Accounts + Sessions + Sinks + Nodes + Send + Sync + 'static
{
}
