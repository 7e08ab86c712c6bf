//! Another node changed what is configured: what is kept of it in memory here is read again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::ids::WebhookId;
use crate::model::webhook::Webhook;
use crate::store::StoreError;

use super::Services;

impl Services {
    /// From now on everything here is as it stands in the store, and what follows from a changed status is done. After an error it
    /// is to be called again: what was read before it is in force.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        // Before the webhooks, which may name new tenants and plugins.
        self.reload_accounts().await?;
        let changed = self.reload_webhooks().await?;
        for id in changed {
            self.deliver.webhook_changed(id).await?;
        }
        Ok(())
    }

    /// The webhooks whose status is another one now, or that are gone.
    async fn reload_webhooks(&self) -> Result<Vec<WebhookId>, StoreError> {
        let _saving = self.saving.lock().await;
        let mut changed = Vec::new();
        loop {
            let known: HashMap<WebhookId, Arc<Webhook>> =
                self.directory.all().into_iter().map(|webhook| (webhook.id, webhook)).collect();
            let stored = self.store.webhooks().await?;
            if self.replace(known, stored, &mut changed) {
                return Ok(changed);
            }
        }
    }

    /// `false`: a receiver was found to be gone and disabled meanwhile, so that what was read may be older than what is known.
    fn replace(
        &self,
        mut known: HashMap<WebhookId, Arc<Webhook>>,
        stored: Vec<Webhook>,
        changed: &mut Vec<WebhookId>,
    ) -> bool {
        let mut all_replaced = true;
        for webhook in stored {
            let (id, old) = (webhook.id, known.remove(&webhook.id));
            if old.as_ref().is_some_and(|old| old.revision.id == webhook.revision.id) {
                continue;
            }
            let status_changed = old.as_ref().is_some_and(|old| old.revision.status != webhook.revision.status);
            let replaced = self.directory.put_after(old.map(|old| old.revision.id), webhook);
            all_replaced &= replaced;
            if replaced && status_changed {
                changed.push(id);
            }
        }
        for gone in known.into_values() {
            let removed = self.directory.remove_after(gone.revision.id, gone.id);
            all_replaced &= removed;
            if removed {
                changed.push(gone.id);
            }
        }
        all_replaced
    }
}
