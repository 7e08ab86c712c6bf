//! Accepting events, and reading them back.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Result;
use super::admission::Scope;
use crate::model::attempt::Trigger;
use crate::model::event::Event;
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::time::Timestamp;

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

/// `Idempotency-Key`: kept 24 hours, compared by the body's digest.
#[derive(Clone, Debug)]
pub struct IdempotencyClaim {
    /// The key with what it is unique in: see [`super::admission::scope_of`].
    pub scope: Scope,
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
