//! A plugin on its own: one event and settings in, verdict, log and cost out. Sends nothing, stores nothing.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ingest::check_json;
use crate::model::event::{DATA_MAX, Event, Payload};
use crate::model::ids::{EventId, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::plugin::Plugin;
use crate::model::time::Timestamp;
use crate::transform::{Run, StageInput, Verdict, WebhookView};

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};
use super::webhooks::{blank_placeholder, filled};

/// An event that was never posted, for a test, a preview or a dry run.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrialEvent {
    /// Fixed inputs give fixed outputs: the id is one of them. Made by us if absent.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub id: Option<EventId>,
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>, example = "license.activated")]
    #[serde(default)]
    pub event_type: Option<EventType>,
    /// The catalogue's sample if absent.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub environment: Option<Environment>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunInput {
    /// The newest if absent.
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub event: TrialEvent,
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub settings: Option<Value>,
}

/// What a dry run shows.
pub struct Ran {
    pub plugin: std::sync::Arc<Plugin>,
    pub event: Event,
    pub run: Run<Verdict>,
}

/// There is no chain that could use up its share: the stage's own limit is the one that holds.
const FUEL: u64 = u64::MAX;

impl Services {
    pub async fn run_plugin(&self, caller: &Caller, name: &str, input: RunInput) -> Result<Ran> {
        caller.must_administer()?;
        let reference = input.version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"));
        let plugin = self.find_plugin(caller, &reference).map_err(|_| ServiceError::not_found("plugin", &reference))?;
        let _permit = self.trial()?;
        let split = self.check_settings(&plugin, input.settings, &Default::default(), "/settings").await?;
        let settings = filled(&split.settings, &split.secrets, blank_placeholder).to_string();
        let tenant = caller.owner(None)?;
        let event = self.trial_event(input.event, tenant, "/event")?;
        let webhook = WebhookView { id: WebhookId::from(0), origin: "https://example.com", allow_origins: &[] };
        let data = event.data.bytes.clone();
        let stage = StageInput { digest: plugin.digest, event: &event, data, webhook, settings: &settings, fuel: FUEL };
        let run = self.transform.transform(stage).await;
        Ok(Ran { plugin, event, run })
    }

    /// A place among the trials that may go on at once.
    pub(super) fn trial(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        self.trials.try_acquire().map_err(|_| ServiceError::Busy { after_seconds: 1 })
    }

    /// `at`: where the event stands in the request.
    pub(super) fn trial_event(&self, input: TrialEvent, tenant: Tenant, at: &str) -> Result<Event> {
        let now = self.now();
        let event_type = match input.event_type {
            Some(event_type) => event_type,
            None => return Err(ServiceError::invalid(format!("{at}/type"), "missing", "an event needs a `type`")),
        };
        let data = match &input.data {
            Some(data) => data.get().to_owned(),
            None => self.sample_of(&event_type),
        };
        if data.len() > DATA_MAX {
            return Err(ServiceError::invalid(
                format!("{at}/data"),
                "data-too-large",
                format!("at most {DATA_MAX} bytes"),
            ));
        }
        check_json(data.as_bytes()).map_err(|bad| ServiceError::invalid(format!("{at}/data"), "invalid-json", bad))?;
        Ok(Event {
            id: input.id.unwrap_or_else(|| self.ids.next(now)),
            event_type,
            tenant,
            environment: input.environment.unwrap_or_default(),
            occurred_at: input.timestamp.unwrap_or(now),
            data: Payload::json(data.into_bytes()),
            external_id: None,
        })
    }
}
