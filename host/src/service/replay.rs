//! Once more: a retry (the same delivery), a replay (a new delivery of the same event), and replays of all that match a filter. What a
//! webhook missed altogether is `recover`'s.

use std::sync::Arc;

use crate::deliver::Retried;
use crate::model::attempt::Trigger;
use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::page::PageRequest;
use crate::model::webhook::{Ordering, Status, Webhook};
use crate::store::{DeliveryFilter, NewDelivery, Start};

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Result, ServiceError};

/// The most that one call looks at; the rest takes another call, from where this one ended.
pub const REPLAYS_MAX: u32 = 10_000;
/// The same in pages, which also bounds the search where few rows match.
pub(super) const PAGES_MAX: u32 = REPLAYS_MAX / PageRequest::LIMIT_MAX;
/// New deliveries of one transaction: enough to spare the disk, few enough not to hold others up.
const BATCH: usize = 500;

/// What became of the deliveries that a filter matched, as far as this call looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// How many were replayed; in a dry run, would be.
    pub count: u64,
    /// How many can't be: their webhook was deleted or disabled since, or their event is gone.
    pub skipped: u64,
    /// There may be more, with lower ids than this.
    pub next: Option<u64>,
}

/// A new delivery to be made.
pub(super) struct Wanted {
    pub(super) webhook: Arc<Webhook>,
    pub(super) event: EventId,
    pub(super) replay_of: Option<DeliveryId>,
}

impl Services {
    /// One more attempt of the same delivery: the same body, the same ids; no automatic one follows it.
    pub async fn retry_delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery> {
        caller.must_configure()?;
        let delivery = self.delivery(caller, id).await?;
        if self.directory.webhook(delivery.webhook).is_none() {
            return Err(gone());
        }
        if self.deliver.retry(id).await? == Retried::InProgress {
            // What has ended and doesn't come back into the queue has no event any more.
            let has_ended = delivery.ended_at.is_some() && self.delivery(caller, id).await?.ended_at.is_some();
            let detail = "an attempt of this delivery is under way right now".to_owned();
            let in_progress = ServiceError::Refused { code: "in-progress", detail };
            return Err(if has_ended { event_gone() } else { in_progress });
        }
        let (tenant, target) = (Some(&delivery.tenant), id.to_string());
        self.audit(caller, Done { tenant, action: "delivery.retry", target, detail: String::new() }).await?;
        self.delivery(caller, id).await
    }

    /// A new delivery of the same event, through the chain of the current revision.
    pub async fn replay_delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery> {
        caller.must_configure()?;
        let old = self.delivery(caller, id).await?;
        let webhook = self.webhook_to_replay(caller, old.webhook)?;
        let wanted = Wanted { webhook, event: old.event, replay_of: Some(old.id) };
        let [new] = self.enqueue(&[wanted]).await?[..] else {
            return Err(event_gone());
        };
        let (tenant, target) = (Some(&old.tenant), id.to_string());
        self.audit(caller, Done { tenant, action: "delivery.replay", target, detail: new.to_string() }).await?;
        self.delivery(caller, new).await
    }

    /// All that match and have ended (what is pending is still to come), newest first by the call and oldest first within it.
    /// `before`: the `next` of the call before. With `dry_run` only counts.
    pub async fn replay_many(
        &self,
        caller: &Caller,
        filter: DeliveryFilter,
        before: Option<u64>,
        dry_run: bool,
    ) -> Result<Replayed> {
        caller.must_configure()?;
        let filter = DeliveryFilter { tenant: caller.scope(filter.tenant.clone())?, ..filter };
        let mut pages = PAGES_MAX;
        let Ended { rows, next } = self.ended(&filter, before, &mut pages).await?;
        let again = |old: &Delivery| {
            let webhook = self.webhook_to_replay(caller, old.webhook).ok()?;
            Some(Wanted { webhook, event: old.event, replay_of: Some(old.id) })
        };
        let wanted: Vec<Wanted> = rows.iter().filter_map(again).collect();
        let count = if dry_run { wanted.len() } else { self.enqueue(&wanted).await?.len() };
        let replayed = Replayed { count: count as u64, skipped: (rows.len() - count) as u64, next };
        if !dry_run {
            let (tenant, action, target) = (filter.tenant.as_ref(), "delivery.replay-many", "deliveries".to_owned());
            self.audit(caller, Done { tenant, action, target, detail: count.to_string() }).await?;
        }
        Ok(replayed)
    }

    /// What matches and has ended, tests left out, oldest first: from `before` on, as far as `pages` reach.
    pub(super) async fn ended(&self, filter: &DeliveryFilter, before: Option<u64>, pages: &mut u32) -> Result<Ended> {
        let mut ended = Ended { rows: Vec::new(), next: before };
        while *pages > 0 {
            *pages -= 1;
            let (limit, before) = (PageRequest::LIMIT_MAX, ended.next);
            let page = self.store.deliveries(filter, PageRequest { limit, before }).await?;
            let over = |delivery: &Delivery| delivery.status != DeliveryStatus::Pending && !delivery.test;
            ended.rows.extend(page.rows.into_iter().filter(over));
            ended.next = page.next.or(page.scanned_to);
            if ended.next.is_none() {
                break;
            }
        }
        ended.rows.reverse();
        Ok(ended)
    }

    pub(super) fn webhook_to_replay(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        let webhook = self.directory.webhook(id).filter(|webhook| caller.sees(&webhook.tenant)).ok_or_else(gone)?;
        if matches!(webhook.revision.status, Status::Disabled(_)) {
            let detail = format!("{id} is disabled: enable it first");
            return Err(ServiceError::Refused { code: "webhook-disabled", detail });
        }
        Ok(webhook)
    }

    /// Makes them, in this order, and sees that they are looked at. Those whose event is gone are left out.
    pub(super) async fn enqueue(&self, wanted: &[Wanted]) -> Result<Vec<DeliveryId>> {
        let mut made = Vec::with_capacity(wanted.len());
        for batch in wanted.chunks(BATCH) {
            let now = self.now();
            let new = |wanted: &Wanted| {
                let held = wanted.webhook.revision.status == Status::Paused;
                let in_turn = self.store.is_shared() && wanted.webhook.current.ordering == Ordering::Fifo;
                let start = if held || in_turn { Start::Waiting } else { Start::Scheduled(now) };
                let (id, trigger) = (self.ids.next(now), Trigger::Automatic);
                let (webhook, replay_of) = (wanted.webhook.id, wanted.replay_of);
                (wanted.event, NewDelivery { id, webhook, start, trigger, replay_of })
            };
            match self.store.enqueue(batch.iter().map(new).collect(), now).await {
                Ok(written) => made.extend(written),
                Err(error) if made.is_empty() => return Err(error.into()),
                Err(source) => {
                    self.deliver.look_everywhere();
                    return Err(ServiceError::Partly { done: made.len(), source });
                }
            }
        }
        if !made.is_empty() {
            self.deliver.look_everywhere();
        }
        Ok(made)
    }
}

/// What a filter found, oldest first, and where to go on.
pub(super) struct Ended {
    pub(super) rows: Vec<Delivery>,
    pub(super) next: Option<u64>,
}

fn event_gone() -> ServiceError {
    let detail = "its event was deleted meanwhile: there is nothing left to send".to_owned();
    ServiceError::Refused { code: "event-gone", detail }
}

fn gone() -> ServiceError {
    let detail = "the webhook was deleted: nothing can be sent to it".to_owned();
    ServiceError::Refused { code: "webhook-deleted", detail }
}
