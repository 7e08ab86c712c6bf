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
        for (name, revision) in self.store.revisions_at(&event.tenant, event.id.time()).await? {
            let webhook = revision.webhook;
            // Only "disabled since" needs to look further back than the revision in force.
            let past = match revision.status {
                Status::Disabled(_) => self.store.revisions(webhook).await?,
                Status::Active | Status::Paused => vec![Arc::clone(&revision)],
            };
            let Some(why) = route::explain(Past { revisions: &past, deleted_at: None }, &event) else { continue };
            let deliveries = made.rows.iter().filter(|delivery| delivery.webhook == webhook).cloned().collect();
            webhooks.push(WebhookExplained { webhook, name, revision, why, deliveries });
        }
        webhooks.sort_by_key(|told| (!told.why.matched(), told.webhook));
        Ok(Explanation { event, webhooks, truncated: made.next.is_some() })
    }
}
