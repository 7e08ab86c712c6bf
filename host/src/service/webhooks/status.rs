//! Pausing, resuming, deleting, and what a change of status does to what is pending.

use std::sync::Arc;

use crate::model::ids::WebhookId;
use crate::model::webhook::{Revision, Status, Webhook};
use crate::service::Services;
use crate::service::audit::Done;
use crate::service::caller::Caller;
use crate::service::error::{Result, ServiceError};

use super::update::is_disabled;

impl Services {
    /// Deliveries are made and held from now on. Pausing what is paused already changes nothing.
    pub async fn pause_webhook(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        self.change_status(caller, id, Status::Paused).await
    }

    /// What was held goes out, in order, at the webhook's rate.
    pub async fn resume_webhook(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        self.change_status(caller, id, Status::Active).await
    }

    /// Cancels what is pending; revisions and log stay.
    pub async fn delete_webhook(&self, caller: &Caller, id: WebhookId) -> Result<()> {
        caller.must_configure()?;
        let saving = self.saving.lock().await;
        let webhook = self.webhook_of(caller, id)?;
        self.store.delete_webhook(id, self.now()).await?;
        self.directory.remove(id);
        drop(saving);
        self.deliver.webhook_changed(id).await?;
        let (target, detail) = (id.to_string(), webhook.name.clone());
        self.audit(caller, Done { tenant: Some(&webhook.tenant), action: "webhook.delete", target, detail }).await
    }

    async fn change_status(&self, caller: &Caller, id: WebhookId, status: Status) -> Result<Arc<Webhook>> {
        caller.must_configure()?;
        let saving = self.saving.lock().await;
        let old = self.webhook_of(caller, id)?;
        if is_disabled(old.revision.status) {
            let detail = "the webhook is disabled: enable it first, with `isActive: true`".to_owned();
            return Err(ServiceError::Refused { code: "webhook-disabled", detail });
        }
        if old.revision.status == status {
            return Ok(old);
        }
        let revision = Revision { status, ..Revision::clone(&old.revision) };
        let saved = self.save_change(caller, &old, Webhook::clone(&old), revision).await?;
        drop(saving);
        self.after_change(&old, &saved).await?;
        Ok(saved)
    }

    /// What follows from a change, once it is saved: held deliveries go on, or pending ones are cancelled.
    pub(super) async fn after_change(&self, old: &Webhook, new: &Webhook) -> Result<()> {
        if is_disabled(old.revision.status) && !is_disabled(new.revision.status) {
            // The five days without success begin anew.
            self.store.reset_health(new.id).await?;
        }
        Ok(self.deliver.webhook_changed(new.id).await?)
    }
}
