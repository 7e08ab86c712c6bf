//! What would be sent: a preview of a webhook, as it is, with a change, or not saved yet. Sends nothing, stores nothing.

use std::sync::Arc;

use serde::Deserialize;

use crate::deliver::Preview;
use crate::model::event::Event;
use crate::model::ids::{EventId, WebhookId};
use crate::model::webhook::{Revision, Webhook};

use super::Services;
use super::caller::Caller;
use super::error::{Issue, Result, ServiceError};
use super::run::TrialEvent;
use super::webhooks::{StageInput, WebhookInput};

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewInput {
    /// A stored event, instead of `event`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub event_id: Option<EventId>,
    #[serde(default)]
    pub event: Option<TrialEvent>,
    /// Another chain than the webhook's.
    #[serde(default)]
    pub plugins: Option<Vec<StageInput>>,
    /// A change of the webhook, as `PATCH` takes it: what would be sent after it. It isn't saved. Not together with `plugins`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub change: Option<Box<WebhookInput>>,
}

/// A webhook that isn't there yet, and the event that it would get.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DraftInput {
    /// As `POST /api/webhooks` takes it.
    #[schema(value_type = Object)]
    pub webhook: Box<WebhookInput>,
    /// A stored event, instead of `event`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub event_id: Option<EventId>,
    #[serde(default)]
    pub event: Option<TrialEvent>,
}

impl Services {
    pub async fn preview_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        input: PreviewInput,
    ) -> Result<(Arc<Event>, Preview)> {
        caller.must_configure()?;
        let webhook = self.webhook_of(caller, id)?;
        let _permit = self.trial()?;
        let webhook = match input.change {
            None => webhook,
            Some(_) if input.plugins.is_some() => {
                let detail = "give `plugins` or `change`, which may hold them, not both";
                return Err(ServiceError::invalid("/plugins", "invalid-value", detail));
            }
            Some(change) => {
                let changed = self.changed(caller, &webhook, *change).await;
                let (changed, revision) = changed.map_err(|error| below("/change", error))?;
                Arc::new(Webhook { revision: Arc::new(revision), ..changed })
            }
        };
        let event = self.previewed_event(caller, &webhook, (input.event_id, input.event)).await?;
        let mut revision = Revision::clone(&webhook.revision);
        if let Some(stages) = input.plugins {
            revision.chain = self.resolve_chain(caller, &stages, &webhook.revision.chain, "/plugins").await?;
        }
        let preview = self.deliver.preview(&webhook, &revision, &event).await;
        Ok((event, preview))
    }

    /// The same of a webhook that isn't saved yet. Its secret is made up for this one signature.
    pub async fn preview_draft(&self, caller: &Caller, input: DraftInput) -> Result<(Arc<Event>, Preview)> {
        caller.must_configure()?;
        let _permit = self.trial()?;
        let drafted = self.drafted(caller, *input.webhook).await.map_err(|error| below("/webhook", error))?;
        let webhook = drafted.webhook;
        let event = self.previewed_event(caller, &webhook, (input.event_id, input.event)).await?;
        let preview = self.deliver.preview(&webhook, &webhook.revision, &event).await;
        Ok((event, preview))
    }

    /// The stored one, or the one given; what isn't given of it is as the webhook would get it most likely.
    async fn previewed_event(
        &self,
        caller: &Caller,
        webhook: &Webhook,
        given: (Option<EventId>, Option<TrialEvent>),
    ) -> Result<Arc<Event>> {
        match given {
            (Some(_), Some(_)) => {
                Err(ServiceError::invalid("/eventId", "invalid-value", "give `event` or `eventId`, not both"))
            }
            (Some(id), None) => {
                let unknown =
                    || ServiceError::invalid("/eventId", "unknown-event", format!("there is no event '{id}'"));
                self.store.event(caller.tenant.as_ref(), id).await?.ok_or_else(unknown)
            }
            (None, given) => {
                let mut event = given.unwrap_or_default();
                if event.event_type.is_none() {
                    event.event_type = Some(self.usual_type(webhook)?);
                }
                event.environment = event.environment.or_else(|| Some(webhook.revision.environment.clone()));
                Ok(Arc::new(self.trial_event(event, webhook.tenant.clone(), "/event")?))
            }
        }
    }
}

/// Its faults stand within this part of the request.
fn below(part: &str, error: ServiceError) -> ServiceError {
    let below = |issue: Issue| Issue { pointer: format!("{part}{}", issue.pointer), ..issue };
    match error {
        ServiceError::Invalid(issues) => ServiceError::Invalid(issues.into_iter().map(below).collect()),
        other => other,
    }
}
