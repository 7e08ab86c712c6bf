//! Trying a webhook out: a test sends one attempt and logs it as a test.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::deliver::Tested;
use crate::model::ids::WebhookId;
use crate::model::name::EventType;
use crate::model::webhook::Webhook;

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Result, ServiceError};
use super::run::TrialEvent;

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestInput {
    #[schema(value_type = String)]
    pub webhook_id: WebhookId,
    /// By default the first of the catalogue that the webhook wants.
    #[serde(default, rename = "type")]
    #[schema(value_type = Option<String>)]
    pub event_type: Option<EventType>,
    /// By default the catalogue's sample.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
}

impl Services {
    /// Runs the chain and makes one attempt, now, whatever the webhook's status and subscription; returns when it ended.
    pub async fn test_webhook(&self, caller: &Caller, input: TestInput) -> Result<Tested> {
        caller.must_configure()?;
        let found = self.webhook_of(caller, input.webhook_id);
        let webhook =
            found.map_err(|_| ServiceError::invalid("/webhookId", "unknown-webhook", "there is no such webhook"))?;
        let _permit = self.trial()?;
        let event_type = match input.event_type {
            Some(event_type) => event_type,
            None => self.usual_type(&webhook)?,
        };
        let environment = Some(webhook.revision.environment.clone());
        let event = TrialEvent { event_type: Some(event_type), data: input.data, environment, ..TrialEvent::default() };
        let event = self.trial_event(event, webhook.tenant.clone(), "")?;
        let tested = self.deliver.test(&webhook, event).await?;
        let (target, detail) = (webhook.id.to_string(), tested.delivery.shown(true));
        self.audit(caller, Done { tenant: Some(&webhook.tenant), action: "webhook.test", target, detail }).await?;
        Ok(tested)
    }

    /// What this webhook would be sent most likely: the first type of the catalogue that it wants, else the first that it names.
    pub(super) fn usual_type(&self, webhook: &Webhook) -> Result<EventType> {
        let subscription = &webhook.revision.subscription;
        let catalogue = self.accounts.catalogue();
        if let Some(known) = catalogue.keys().find(|known| subscription.wants(known)) {
            return Ok(known.clone());
        }
        let named = subscription.patterns().iter().find_map(|pattern| pattern.as_str().parse().ok());
        let group =
            || subscription.patterns().first().and_then(|pattern| pattern.as_str().replace('*', "test").parse().ok());
        let missing = || ServiceError::invalid("/type", "missing", "name the event type to test with");
        named.or_else(group).ok_or_else(missing)
    }
}
