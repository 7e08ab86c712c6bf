//! The log of deliveries and their attempts.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{Overview, Result};
use crate::model::attempt::Attempt;
use crate::model::delivery::{Delivery, DeliveryStatus, Fixed};
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub tenant: Option<Tenant>,
    pub webhook: Option<WebhookId>,
    pub event: Option<EventId>,
    /// The one that these repeat; without `event`, every row is looked at.
    pub replay_of: Option<DeliveryId>,
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

/// How a webhook's newest deliveries fare. One that is to be retried was tried and didn't get through yet; what was dropped, cancelled,
/// never tried or a test isn't counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    pub tried: u32,
    pub delivered: u32,
}

impl Recent {
    /// The most deliveries of one webhook that are looked at: so many that have ended, and so many that are to be retried.
    pub const MAX: u32 = 200;
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

    /// Of each of these webhooks, its newest deliveries that were accepted at `since` or later. Those without any are left out.
    async fn recent(&self, webhooks: &[WebhookId], since: Timestamp) -> Result<HashMap<WebhookId, Recent>>;

    /// How things stand now, and by the hour what was accepted at `since` or later.
    async fn overview(&self, tenant: Option<&Tenant>, since: Timestamp) -> Result<Overview>;
}
