//! Which webhooks want an event, and why the others don't. Pure rules over an index in memory that follows every change.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::model::event::Event;
use crate::model::ids::WebhookId;
use crate::model::name::{Environment, Tenant};
use crate::model::webhook::{Status, Webhook};

/// All webhooks as they are now. Cheap to read from any thread; the store is the truth, this follows it.
#[derive(Debug, Default)]
pub struct Directory {
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_id: HashMap<WebhookId, Arc<Webhook>>,
    by_scope: HashMap<(Tenant, Environment), Vec<Arc<Webhook>>>,
}

impl Directory {
    pub fn new(webhooks: impl IntoIterator<Item = Webhook>) -> Self {
        let directory = Self::default();
        webhooks.into_iter().for_each(|webhook| directory.put(webhook));
        directory
    }

    /// The webhook was saved: from now on it is this.
    pub fn put(&self, webhook: Webhook) {
        let webhook = Arc::new(webhook);
        let mut index = self.index.write();
        index.remove(webhook.id);
        index.by_scope.entry(scope(&webhook)).or_default().push(Arc::clone(&webhook));
        index.by_id.insert(webhook.id, webhook);
    }

    pub fn remove(&self, id: WebhookId) {
        self.index.write().remove(id);
    }

    pub fn webhook(&self, id: WebhookId) -> Option<Arc<Webhook>> {
        self.index.read().by_id.get(&id).cloned()
    }

    /// The webhooks that get a delivery of this event: same tenant and environment, subscribed, not disabled.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Webhook>> {
        let index = self.index.read();
        let candidates = index.by_scope.get(&(event.tenant.clone(), event.environment.clone()));
        let wanted = |webhook: &&Arc<Webhook>| {
            !matches!(webhook.revision.status, Status::Disabled(_))
                && webhook.revision.subscription.wants(&event.event_type)
        };
        candidates.into_iter().flatten().filter(wanted).cloned().collect()
    }

    /// Every one, in no particular order.
    pub fn all(&self) -> Vec<Arc<Webhook>> {
        self.index.read().by_id.values().cloned().collect()
    }
}

impl Index {
    fn remove(&mut self, id: WebhookId) {
        let Some(old) = self.by_id.remove(&id) else { return };
        if let Some(list) = self.by_scope.get_mut(&scope(&old)) {
            list.retain(|webhook| webhook.id != id);
        }
    }
}

fn scope(webhook: &Webhook) -> (Tenant, Environment) {
    (webhook.tenant.clone(), webhook.revision.environment.clone())
}
