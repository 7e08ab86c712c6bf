//! What is kept, behind traits by theme; each database implements them all.
//!
//! The store knows nothing of HTTP, plugins or retry policy: it is told when something is due, it never computes it. Hot verbs take
//! batches; [`writer`] gathers what waits into one transaction. Secrets are sealed inside, at the row's edge: callers see them plain.
//!
//! A pending delivery is a row of the queue, in one of three states:
//! *claimed* (in the hands of a node), *scheduled* (due at a time) or *waiting* for its webhook: it is paused, or has more than a node
//! takes into memory at once. Waiting rows are claimed by webhook, in the order of acceptance.

pub mod admission;
pub mod packed;
pub mod sealed;
pub mod sqlite;
pub mod writer;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::model::access::AccessToken;
use crate::model::attempt::{Attempt, Trigger};
use crate::model::catalogue::CatalogueEntry;
use crate::model::delivery::{Claimed, Delivery, DeliveryStatus, Fixed, Next};
use crate::model::event::Event;
use crate::model::ids::{DeliveryId, EventId, TokenId, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::plugin::{Digest, Plugin};
use crate::model::tenant::{Defaults, TenantProfile};
use crate::model::time::Timestamp;
use crate::model::webhook::{Health, Revision, Webhook};

/// The store couldn't do what was asked; nothing of the call was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is gone, full or broken. Worth another try.
    #[error("the database doesn't answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    #[error("the database has schema version {found}, this program knows {known}")]
    SchemaVersion { found: i64, known: i64 },
    /// The row was changed meanwhile: load it again.
    #[error("the {what} was changed by somebody else meanwhile")]
    Conflict { what: &'static str },
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// One process's work on the queue. New at every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub u16);

/// Everything that a store does.
pub trait Store: Events + Queue + Deliveries + Webhooks + Plugins + Accounts + Send + Sync + 'static {}

impl<T: Events + Queue + Deliveries + Webhooks + Plugins + Accounts + Send + Sync + 'static> Store for T {}

// ---- events

/// An accepted event with its deliveries, as `append` is given it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub event: Arc<Event>,
    pub deliveries: Vec<NewDelivery>,
}

#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub start: Start,
    pub trigger: Trigger,
    pub replay_of: Option<DeliveryId>,
}

/// In which state a new queue row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// This node works on it from memory, with fence 1.
    Claimed,
    Scheduled(Timestamp),
    Waiting,
}

/// The unit that is all or nothing: one request's events, with the key under which its answer is remembered.
#[derive(Clone, Debug)]
pub struct NewBatch {
    pub events: Vec<NewEvent>,
    pub idempotency: Option<IdempotencyClaim>,
    pub now: Timestamp,
}

/// `Idempotency-Key`: scoped to tenant and path, kept 24 hours, compared by the body's digest.
#[derive(Clone, Debug)]
pub struct IdempotencyClaim {
    pub tenant: Tenant,
    pub path: String,
    pub key: String,
    pub body_digest: [u8; 32],
    /// The 202's body, kept for repeats.
    pub answer: Bytes,
}

/// How the store took one [`NewBatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Durable.
    Stored,
    /// This key was seen with this body: nothing was written; the first answer.
    Repeat { answer: Bytes },
    /// This key was seen with another body.
    KeyReused,
    /// One or more events bear a caller's id that was seen within 24 hours, or twice in this batch. Nothing was written.
    /// `same`: every one of them is the same event again (type and data), and the batch held nothing else.
    ExternalIds { seen: Vec<SeenExternalId>, same: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenExternalId {
    /// Its place in the batch.
    pub index: usize,
    pub first: EventId,
    pub first_deliveries: u32,
    /// The type and the data are those of the first.
    pub same: bool,
}

#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub tenant: Option<Tenant>,
    pub environment: Option<Environment>,
    pub event_type: Option<EventType>,
    pub external_id: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

#[async_trait]
pub trait Events {
    /// Writes the batch whole or not at all, durable when it returns. Callers that wait share a transaction (the group commit),
    /// and of two that say the same thing the first one is written.
    async fn append(&self, batch: NewBatch) -> Result<Appended>;

    async fn event(&self, tenant: Option<&Tenant>, id: EventId) -> Result<Option<Arc<Event>>>;

    async fn events(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<Arc<Event>>>;

    /// The highest id of any kind that was ever written, for [`crate::model::ids::IdSource`].
    async fn highest_id(&self) -> Result<u64>;
}

// ---- queue

/// An attempt's end, as `complete` is given it.
#[derive(Clone, Debug)]
pub struct Completion {
    pub claimed: Claimed,
    /// `None` where it didn't come to an attempt: cancelled, or put back.
    pub attempt: Option<Attempt>,
    /// What this attempt fixed; stored once.
    pub fixed: Option<Fixed>,
    pub next: Completed,
    /// How the attempt counts for the webhook's health; `None` for one that doesn't (tests, guest and host faults, drops).
    pub health: Option<bool>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    Next(Next),
    /// No attempt was made: it waits for its webhook (paused meanwhile, or parked).
    Waiting,
    /// No attempt was made: due again at this time.
    Scheduled(Timestamp),
}

#[async_trait]
pub trait Queue {
    /// Records how attempts ended, in a group commit shared with others. `false`: another node has claimed it since
    /// (the fence is old); the attempt is logged as a duplicate and nothing else is changed.
    async fn complete(&self, completion: Completion) -> Result<bool>;

    /// Takes what is scheduled at or before `now`, oldest first.
    async fn claim_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>>;

    /// Takes what waits for one webhook, in the order of acceptance.
    async fn claim_waiting(&self, webhook: WebhookId, limit: u32) -> Result<Vec<Claimed>>;

    /// The webhooks that something waits for.
    async fn waiting(&self) -> Result<Vec<WebhookId>>;

    /// How many rows wait for one webhook, counted up to `limit`.
    async fn count_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32>;

    /// Takes one back that was put aside, for a manual retry: pending and unclaimed, or ended. `None`: it is in somebody's hands now,
    /// or nobody knows it. Its trigger is then [`Trigger::Manual`], but a test stays a test.
    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Claimed>>;

    /// New deliveries of stored events: replays. One transaction for all. Those whose event is gone meanwhile are left out; the
    /// answer is which were written.
    async fn enqueue(&self, replays: Vec<(EventId, NewDelivery)>, now: Timestamp) -> Result<Vec<DeliveryId>>;

    /// Ends everything pending of a webhook that nobody has claimed, as `cancelled` with this reason; at most `limit`, and how many.
    async fn cancel_pending(&self, webhook: WebhookId, reason: &str, now: Timestamp, limit: u32) -> Result<u32>;

    /// When the next scheduled row is due, and how many rows there are: (scheduled or waiting, claimed).
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    async fn depth(&self) -> Result<QueueDepth>;

    /// At start: rows of nodes that are gone become scheduled at once. Returns how many.
    async fn recover(&self, now: Timestamp) -> Result<u64>;

    /// Deletes events, deliveries, attempts and keys past their retention, about `max_rows` rows; how many were deleted or ended.
    /// What still waits when its event expires ends as `cancelled` first, and is shown for another day.
    async fn purge(&self, now: Timestamp, max_rows: u32) -> Result<u64>;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    pub claimed: u64,
    pub scheduled: u64,
    pub waiting: u64,
    /// The oldest row's acceptance.
    pub oldest: Option<Timestamp>,
}

// ---- deliveries

#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub tenant: Option<Tenant>,
    pub webhook: Option<WebhookId>,
    pub event: Option<EventId>,
    pub event_type: Option<EventType>,
    pub environment: Option<Environment>,
    pub status: Option<DeliveryStatus>,
    /// 0 for none, else 1 to 5: the class of the last reply's status.
    pub http_class: Option<u8>,
    /// By the time of acceptance.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// What a webhook did lately, over live (not test) attempts that came to an exchange: what a plugin dropped or broke isn't counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WebhookStats {
    pub attempts: u64,
    pub successes: u64,
    pub p50_ms: Option<u32>,
    pub p95_ms: Option<u32>,
    /// The stats are of the newest attempts only: there were more than are looked at.
    pub truncated: bool,
}

#[async_trait]
pub trait Deliveries {
    async fn delivery(&self, tenant: Option<&Tenant>, id: DeliveryId) -> Result<Option<Delivery>>;

    async fn deliveries(&self, filter: &DeliveryFilter, page: PageRequest) -> Result<Page<Delivery>>;

    /// Oldest first.
    async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>>;

    /// What the first attempt fixed.
    async fn fixed(&self, delivery: DeliveryId) -> Result<Option<Fixed>>;

    /// The newest delivery to a webhook of each of these events; those that it has none of are left out.
    async fn newest(&self, webhook: WebhookId, events: &[EventId]) -> Result<HashMap<EventId, DeliveryId>>;

    /// How many match, counted up to `limit`.
    async fn count(&self, filter: &DeliveryFilter, limit: u64) -> Result<u64>;

    async fn stats(&self, webhook: WebhookId, since: Timestamp) -> Result<WebhookStats>;
}

// ---- webhooks

#[async_trait]
pub trait Webhooks {
    /// All of them, for the routing index at start.
    async fn webhooks(&self) -> Result<Vec<Webhook>>;

    /// Writes a webhook as it is now, with its revision. `expected`: the revision it had when it was loaded; `None` for a new one.
    /// [`StoreError::Conflict`] where it has another one now, or where the save brings no revision of its own: whatever is saved,
    /// the next writer can tell. A quota is checked in the same transaction: `Ok(false)` and nothing written when `max` are there already.
    async fn save_webhook(&self, webhook: &Webhook, expected: Option<&Revision>, max: Option<u32>) -> Result<bool>;

    /// Deletes it; revisions and log stay. Cancelling what is pending is the caller's.
    async fn delete_webhook(&self, id: WebhookId, now: Timestamp) -> Result<bool>;

    /// Newest first.
    async fn revisions(&self, webhook: WebhookId) -> Result<Vec<Arc<Revision>>>;

    /// Every webhook of the tenant that existed at that time, deleted ones too, as it was then.
    async fn revisions_at(&self, tenant: &Tenant, time: Timestamp) -> Result<Vec<(String, Arc<Revision>)>>;

    async fn revision(&self, id: crate::model::ids::RevisionId) -> Result<Option<Arc<Revision>>>;

    async fn health(&self, webhook: WebhookId) -> Result<Health>;

    /// What `complete` added up, of every webhook: for auto-disable after a restart.
    async fn healths(&self) -> Result<Vec<(WebhookId, Health)>>;

    async fn reset_health(&self, webhook: WebhookId) -> Result<()>;
}

// ---- plugins

#[async_trait]
pub trait Plugins {
    /// `Ok(false)`: another component already bears this name and version. The same digest again is no error.
    async fn save_plugin(&self, plugin: &Plugin, wasm: &Bytes) -> Result<bool>;

    /// Every version, by name, then newest version first.
    async fn plugins(&self) -> Result<Vec<Plugin>>;

    async fn component(&self, digest: Digest) -> Result<Option<Bytes>>;

    /// `Ok(false)`: a webhook's current revision, or a stored delivery, needs it.
    async fn delete_plugin(&self, digest: Digest) -> Result<bool>;

    async fn share_plugin(&self, digest: Digest, shared: bool) -> Result<()>;
}

// ---- accounts

#[async_trait]
pub trait Accounts {
    async fn tenants(&self) -> Result<Vec<TenantProfile>>;
    async fn save_tenant(&self, tenant: &TenantProfile) -> Result<()>;
    /// `Ok(false)`: it still has webhooks or events.
    async fn delete_tenant(&self, tenant: &Tenant) -> Result<bool>;

    async fn tokens(&self) -> Result<Vec<AccessToken>>;
    async fn save_token(&self, token: &AccessToken) -> Result<()>;
    async fn delete_token(&self, id: TokenId) -> Result<bool>;

    async fn catalogue(&self) -> Result<Vec<CatalogueEntry>>;
    async fn save_catalogue_entry(&self, entry: &CatalogueEntry) -> Result<()>;
    async fn delete_catalogue_entry(&self, event_type: &EventType) -> Result<bool>;

    async fn defaults(&self) -> Result<Defaults>;
    async fn save_defaults(&self, defaults: &Defaults) -> Result<()>;

    /// One line of the audit log: who did what to what. Never a secret.
    async fn audit(&self, entry: &AuditEntry) -> Result<()>;
    async fn audits(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<AuditEntry>>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Made as ids are: sorts by time.
    pub id: u64,
    pub tenant: Option<Tenant>,
    /// The token's id, or `WAXWING_ADMIN_TOKEN`.
    pub actor: String,
    /// `webhook.update`, …
    pub action: String,
    pub target: String,
    pub detail: String,
}
