//! Explain: for one event, every webhook of the tenant as it was then, and why it did or did not get it.

use std::sync::Arc;

use crate::model::delivery::Delivery;
use crate::model::event::Event;
use crate::model::ids::{EventId, WebhookId};
use crate::model::page::PageRequest;
use crate::model::webhook::{Revision, Status};
use crate::route::{self, Past, Why};
use crate::store::DeliveryFilter;

use super::Services;
use super::caller::Caller;
use super::error::Result;

/// The answer for one event.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub event: Arc<Event>,
    /// Those that got it first.
    pub webhooks: Vec<WebhookExplained>,
    /// There were more deliveries than are shown here.
    pub truncated: bool,
}

#[derive(Clone, Debug)]
pub struct WebhookExplained {
    pub webhook: WebhookId,
    /// As it is now, or was last.
    pub name: String,
    /// The one in force when the event was accepted.
    pub revision: Arc<Revision>,
    pub why: Why,
    /// The event's deliveries to it, replays and tests too, newest first.
    pub deliveries: Vec<Delivery>,
}

impl Services {
    pub async fn explain(&self, caller: &Caller, id: EventId) -> Result<Explanation> {
        let event = self.event(caller, id).await?;
        let filter =
            DeliveryFilter { event: Some(id), tenant: Some(event.tenant.clone()), ..DeliveryFilter::default() };
        let page = PageRequest { limit: PageRequest::LIMIT_MAX, before: None };
        let made = self.store.deliveries(&filter, page).await?;
        let mut webhooks = Vec::new();
        for (name, newest) in self.store.revisions_at(&event.tenant, event.id.time()).await? {
            let webhook = newest.webhook;
            let past = self.revisions_before(newest, event.id).await?;
            let Some(revision) = past.first().cloned() else { continue };
            let Some(why) = route::explain(Past { revisions: &past, deleted_at: None }, &event) else { continue };
            let deliveries = made.rows.iter().filter(|delivery| delivery.webhook == webhook).cloned().collect();
            webhooks.push(WebhookExplained { webhook, name, revision, why, deliveries });
        }
        webhooks.sort_by_key(|told| (!told.why.matched(), told.webhook));
        Ok(Explanation { event, webhooks, truncated: made.next.is_some() })
    }

    /// The revision in force when the event was accepted, first; those before it where the answer needs them. Empty: the webhook
    /// was made after the event.
    async fn revisions_before(&self, newest: Arc<Revision>, event: EventId) -> Result<Vec<Arc<Revision>>> {
        let enough = !matches!(newest.status, Status::Disabled(_)) && newest.valid_from < event.time();
        if enough {
            return Ok(vec![newest]);
        }
        // "Disabled since" looks further back. And of what was saved in the very millisecond of acceptance only the ids, which
        // sort by time, tell whether it came before.
        let mut past = self.store.revisions(newest.webhook).await?;
        past.retain(|revision| revision.id.number() < event.number());
        Ok(past)
    }
}
