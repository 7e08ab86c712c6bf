//! Disables receivers that are gone (410, or a plugin's judgement) or that haven't taken anything for five days, and tells the
//! operator.
//!
//! The operator's own webhooks are those of the tenant `waxwing`: they get `waxwing.webhook.disabled` like any other event, by
//! ordinary routing, in the environment of the webhook that was disabled. Disabling writes a new revision, as any save does.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use serde_json::json;

use super::jumps::Jumps;
use super::{Parts, meter};
use crate::handoff::Handoff;
use crate::model::attempt::Trigger;
use crate::model::causes::WithCauses;
use crate::model::delivery::Claimed;
use crate::model::event::{Event, Payload};
use crate::model::ids::WebhookId;
use crate::model::name::{EventType, Tenant};
use crate::model::time::Timestamp;
use crate::model::webhook::{DisabledReason, Revision, Status, Webhook};
use crate::store::{Appended, Completion, NewBatch, NewDelivery, NewEvent, Start, StoreError};

/// No success for this long, and the webhook is disabled.
pub const FAILING_FOR: Duration = Duration::from_secs(5 * 24 * 3600);
/// Whose webhooks get the operational events.
pub const OPERATOR: &str = "waxwing";
const DISABLED: &str = "waxwing.webhook.disabled";
/// How often a save that crosses somebody else's is tried again.
const SAVE_TRIES: u32 = 5;
/// Rows that one transaction cancels.
const CANCEL_BATCH: u32 = 500;

pub(super) struct Healths {
    parts: Parts,
    handoff: Arc<dyn Handoff>,
    jumps: Arc<Jumps>,
    /// The first failure since the last success, of webhooks that had one. The store keeps the truth; this saves asking.
    failing_since: Mutex<HashMap<WebhookId, Timestamp>>,
}

impl Healths {
    pub(super) fn new(parts: Parts, handoff: Arc<dyn Handoff>, jumps: Arc<Jumps>) -> Self {
        Self { parts, handoff, jumps, failing_since: Mutex::default() }
    }

    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let healths = self.parts.store.healths().await?;
        let failing = healths.into_iter().filter_map(|(id, health)| Some((id, health.failing_since?)));
        *self.failing_since.lock() = failing.collect();
        Ok(())
    }

    /// The webhook was saved: enabling it may have wiped its past.
    pub(super) async fn reload(&self, id: WebhookId) -> Result<(), StoreError> {
        let since = self.parts.store.health(id).await?.failing_since;
        let mut failing = self.failing_since.lock();
        match since {
            Some(since) => failing.insert(id, since),
            None => failing.remove(&id),
        };
        Ok(())
    }

    /// An attempt was recorded. `gone`: why the receiver is taken for gone.
    ///
    /// If the store fails here, nothing is lost but time: the next failure asks again.
    pub(super) async fn note(&self, completion: &Completion, gone: Option<String>) {
        let webhook = completion.claimed.webhook;
        // Boxed: it is rare, and would else make the room larger that every attempt takes.
        let disabled = match (gone, self.failing_for(completion)) {
            (Some(why), _) => Box::pin(self.disable(webhook, DisabledReason::Gone, &why)).await,
            (None, Some(_)) => Box::pin(self.disable_if_failing(webhook)).await,
            (None, None) => return,
        };
        if let Err(error) = disabled {
            tracing::error!(%webhook, error = %WithCauses(&error), "the webhook could not be disabled yet");
        }
    }

    /// How long it has failed, if that is too long.
    fn failing_for(&self, completion: &Completion) -> Option<Duration> {
        let (id, health) = (completion.claimed.webhook, completion.health?);
        let attempt = completion.attempt.as_ref().filter(|attempt| attempt.trigger != Trigger::Test)?;
        let mut failing = self.failing_since.lock();
        match health {
            true => {
                failing.remove(&id);
                None
            }
            false => {
                let since = *failing.entry(id).or_insert(attempt.ended_at);
                Some(attempt.ended_at.since(since)).filter(|time| *time >= FAILING_FOR)
            }
        }
    }

    async fn disable_if_failing(&self, id: WebhookId) -> Result<(), StoreError> {
        // So much time may not have passed at all.
        if self.jumps.is_doubted() {
            return Ok(());
        }
        let (health, now) = (self.parts.store.health(id).await?, self.parts.clock.now());
        match health.failing_since {
            Some(since) if now.since(since) >= FAILING_FOR => {
                let why = format!("no success since {}", health.last_success.unwrap_or(since));
                self.disable(id, DisabledReason::Failing, &why).await
            }
            _ => Ok(()),
        }
    }

    async fn disable(&self, id: WebhookId, reason: DisabledReason, why: &str) -> Result<(), StoreError> {
        for _ in 0..SAVE_TRIES {
            let Some(webhook) = self.parts.directory.webhook(id) else { return Ok(()) };
            if matches!(webhook.revision.status, Status::Disabled(_)) {
                return Ok(());
            }
            let now = self.parts.clock.now();
            let status = Status::Disabled(reason);
            let next =
                Revision { id: self.parts.ids.next(now), valid_from: now, status, ..(*webhook.revision).clone() };
            let disabled = Webhook { revision: Arc::new(next), ..(*webhook).clone() };
            match self.parts.store.save_webhook(&disabled, Some(&webhook.revision), None).await {
                Ok(_) => {
                    // Should another node's save be known here already, it came after this one.
                    self.parts.directory.put_after(Some(webhook.revision.id), disabled);
                    meter::disabled(reason.as_str());
                    tracing::warn!(webhook = %id, reason = reason.as_str(), why, "webhook disabled");
                    cancel_pending(&self.parts, id, &super::disabled_line(reason)).await?;
                    return self.tell_the_operator(&webhook, reason, why).await;
                }
                // Somebody saved it meanwhile; the directory follows.
                Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict { what: "webhook" })
    }

    async fn tell_the_operator(&self, webhook: &Webhook, reason: DisabledReason, why: &str) -> Result<(), StoreError> {
        let (Ok(event_type), Ok(tenant)) = (DISABLED.parse::<EventType>(), OPERATOR.parse::<Tenant>()) else {
            return Ok(());
        };
        let now = self.parts.clock.now();
        let data = json!({
            "webhookId": webhook.id, "name": webhook.name, "tenant": webhook.tenant,
            "environment": webhook.revision.environment, "url": webhook.current.url.to_string(),
            "disabledReason": reason.as_str(), "detail": why,
        });
        let event = Arc::new(Event {
            id: self.parts.ids.next(now),
            event_type,
            tenant,
            environment: webhook.revision.environment.clone(),
            occurred_at: now,
            data: Payload::json(data.to_string()),
            external_id: None,
        });
        self.publish(event, now).await
    }

    /// As `ingest` does it: route, reserve, append, hand over.
    async fn publish(&self, event: Arc<Event>, now: Timestamp) -> Result<(), StoreError> {
        let receivers = self.parts.directory.matching(&event);
        let new = |webhook: &Arc<Webhook>| NewDelivery {
            id: self.parts.ids.next(now),
            webhook: webhook.id,
            start: self.handoff.reserve(webhook),
            trigger: Trigger::Automatic,
            replay_of: None,
        };
        let deliveries: Vec<_> = receivers.iter().map(new).collect();
        let reserved = deliveries.iter().filter(|delivery| delivery.start == Start::Claimed).cloned();
        let reserved: Vec<_> = reserved.collect();
        let events = vec![NewEvent { event: Arc::clone(&event), deliveries }];
        match self.parts.store.append(NewBatch { events, idempotency: None, now }).await {
            Ok(Appended::Stored) => {
                self.handoff.take(reserved.into_iter().map(|new| first_claim(&event, &new)).collect());
                Ok(())
            }
            not_stored => {
                for webhook in receivers.iter().filter(|it| reserved.iter().any(|new| new.webhook == it.id)) {
                    self.handoff.release(webhook, 1);
                }
                not_stored.map(|_| ())
            }
        }
    }
}

/// A delivery that was appended as claimed by this node, as it goes on in memory.
pub(super) fn first_claim(event: &Arc<Event>, new: &NewDelivery) -> Claimed {
    Claimed {
        id: new.id,
        event: Arc::clone(event),
        webhook: new.webhook,
        attempts: 0,
        trigger: new.trigger,
        replay_of: new.replay_of,
        fixed: None,
        fence: 1,
    }
}

/// Ends everything that is pending of a webhook and in nobody's hands. What is in memory ends when its turn comes.
pub(super) async fn cancel_pending(parts: &Parts, id: WebhookId, reason: &str) -> Result<(), StoreError> {
    let now = parts.clock.now();
    while parts.store.cancel_pending(id, reason, now, CANCEL_BATCH).await? == CANCEL_BATCH {
        tokio::task::yield_now().await;
    }
    Ok(())
}
