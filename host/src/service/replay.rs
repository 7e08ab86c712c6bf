//! Once more: a retry (the same delivery), a replay (a new delivery of the same event), many replays by filter, and recovery of what
//! a webhook missed.

use std::collections::HashSet;

use serde::Deserialize;

use crate::deliver::Retried;
use crate::model::attempt::Trigger;
use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::page::PageRequest;
use crate::model::time::Timestamp;
use crate::model::webhook::{Status, Webhook};
use crate::store::{DeliveryFilter, EventFilter, NewDelivery, Start};

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Result, ServiceError};

/// The most that one call replays; the rest takes another call.
pub const REPLAYS_MAX: u64 = 10_000;

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recover {
    /// From when on, by the events' acceptance.
    #[schema(value_type = String, example = "2026-01-31T12:00:00Z")]
    pub since: Timestamp,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub until: Option<Timestamp>,
    /// Also what matched while the webhook was disabled, for which no delivery was made.
    #[serde(default)]
    pub missed: bool,
}

/// How many, and whether there was more than one call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    pub count: u64,
    pub more: bool,
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
            let detail = "an attempt of this delivery is under way right now".to_owned();
            return Err(ServiceError::Refused { code: "in-progress", detail });
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
        let new = self.enqueue(&webhook, old.event, Some(old.id)).await?;
        self.deliver.look();
        let (tenant, target) = (Some(&old.tenant), id.to_string());
        self.audit(caller, Done { tenant, action: "delivery.replay", target, detail: new.to_string() }).await?;
        self.delivery(caller, new).await
    }

    /// All that match; pending ones are left alone, since they are still to come. With `dry_run` only counts.
    pub async fn replay_many(&self, caller: &Caller, filter: DeliveryFilter, dry_run: bool) -> Result<Replayed> {
        caller.must_configure()?;
        let filter = DeliveryFilter { tenant: caller.scope(filter.tenant.clone())?, ..filter };
        let matching = self.to_replay(&filter).await?;
        let (count, more) = (matching.rows.len() as u64, matching.more);
        if !dry_run {
            for old in &matching.rows {
                // A webhook that was deleted or disabled since gets nothing; it was counted as one that matched.
                if let Ok(webhook) = self.webhook_to_replay(caller, old.webhook) {
                    self.enqueue(&webhook, old.event, Some(old.id)).await?;
                }
            }
            self.deliver.look();
            let done = Done {
                tenant: filter.tenant.as_ref(),
                action: "delivery.replay-many",
                target: "deliveries".into(),
                detail: format!("{count}"),
            };
            self.audit(caller, done).await?;
        }
        Ok(Replayed { count, more })
    }

    /// Replays all of a webhook's deliveries that failed or were cancelled, once an event; `missed` also what matched while it was
    /// disabled.
    pub async fn recover_webhook(&self, caller: &Caller, id: WebhookId, input: Recover) -> Result<Replayed> {
        caller.must_configure()?;
        let webhook = self.webhook_to_replay(caller, id)?;
        let until = input.until.unwrap_or_else(|| self.now());
        if input.since >= until {
            return Err(ServiceError::invalid("/since", "out-of-bounds", "is not before `until`"));
        }
        let mut wanted: Vec<(EventId, Option<DeliveryId>)> = Vec::new();
        let mut more = false;
        for status in [DeliveryStatus::Failed, DeliveryStatus::Cancelled] {
            let (since, until) = (Some(input.since), Some(until));
            let filter =
                DeliveryFilter { webhook: Some(id), status: Some(status), since, until, ..DeliveryFilter::default() };
            let found = self.to_replay(&filter).await?;
            more |= found.more;
            wanted.extend(found.rows.iter().map(|delivery| (delivery.event, Some(delivery.id))));
        }
        if input.missed {
            more |= self.missed(&webhook, input.since, until, &mut wanted).await?;
        }
        // Oldest first, and each event once, however often it failed.
        let mut seen = HashSet::new();
        wanted.retain(|(event, _)| seen.insert(*event));
        wanted.sort_unstable_by_key(|(event, _)| *event);
        for (event, replay_of) in &wanted {
            self.enqueue(&webhook, *event, *replay_of).await?;
        }
        self.deliver.look();
        let count = wanted.len() as u64;
        let done = Done {
            tenant: Some(&webhook.tenant),
            action: "webhook.recover",
            target: id.to_string(),
            detail: format!("{count}"),
        };
        self.audit(caller, done).await?;
        Ok(Replayed { count, more })
    }

    /// Events that the webhook wants as it is now, and has no delivery of.
    async fn missed(
        &self,
        webhook: &Webhook,
        since: Timestamp,
        until: Timestamp,
        wanted: &mut Vec<(EventId, Option<DeliveryId>)>,
    ) -> Result<bool> {
        let revision = &webhook.revision;
        let filter = EventFilter {
            tenant: Some(webhook.tenant.clone()),
            environment: Some(revision.environment.clone()),
            since: Some(since),
            until: Some(until),
            ..EventFilter::default()
        };
        let mut before = None;
        while (wanted.len() as u64) < REPLAYS_MAX {
            let page = self.store.events(&filter, PageRequest { limit: PageRequest::LIMIT_MAX, before }).await?;
            for event in page.rows.iter().filter(|event| revision.subscription.wants(&event.event_type)) {
                let of_event =
                    DeliveryFilter { webhook: Some(webhook.id), event: Some(event.id), ..DeliveryFilter::default() };
                if self.store.count(&of_event, 1).await? == 0 {
                    wanted.push((event.id, None));
                }
            }
            let Some(next) = page.next.or(page.scanned_to) else { return Ok(false) };
            before = Some(next);
        }
        Ok(true)
    }

    async fn to_replay(&self, filter: &DeliveryFilter) -> Result<Matching> {
        let mut matching = Matching { rows: Vec::new(), more: false };
        let mut before = None;
        loop {
            let page = self.store.deliveries(filter, PageRequest { limit: PageRequest::LIMIT_MAX, before }).await?;
            let ended =
                page.rows.into_iter().filter(|delivery| delivery.status != DeliveryStatus::Pending && !delivery.test);
            matching.rows.extend(ended);
            let Some(next) = page.next.or(page.scanned_to) else { break };
            if matching.rows.len() as u64 >= REPLAYS_MAX {
                matching.more = true;
                break;
            }
            before = Some(next);
        }
        matching.rows.reverse();
        Ok(matching)
    }

    fn webhook_to_replay(&self, caller: &Caller, id: WebhookId) -> Result<std::sync::Arc<Webhook>> {
        let webhook = self.directory.webhook(id).filter(|webhook| caller.sees(&webhook.tenant)).ok_or_else(gone)?;
        if matches!(webhook.revision.status, Status::Disabled(_)) {
            let detail = format!("{id} is disabled: enable it first");
            return Err(ServiceError::Refused { code: "webhook-disabled", detail });
        }
        Ok(webhook)
    }

    async fn enqueue(&self, webhook: &Webhook, event: EventId, replay_of: Option<DeliveryId>) -> Result<DeliveryId> {
        let now = self.now();
        let id = self.ids.next(now);
        let start = if webhook.revision.status == Status::Paused { Start::Waiting } else { Start::Scheduled(now) };
        let delivery = NewDelivery { id, webhook: webhook.id, start, trigger: Trigger::Automatic, replay_of };
        self.store.enqueue(event, vec![delivery], now).await?;
        Ok(id)
    }
}

/// What a filter found, oldest first.
struct Matching {
    rows: Vec<Delivery>,
    more: bool,
}

fn gone() -> ServiceError {
    ServiceError::Refused {
        code: "webhook-deleted",
        detail: "the webhook was deleted: nothing can be sent to it".into(),
    }
}
