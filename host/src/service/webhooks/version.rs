//! Moves a webhook to another version of a plugin in its chain, and back: all else stays, settings and secrets too.

use std::sync::Arc;

use serde::Deserialize;

use crate::model::ids::WebhookId;
use crate::model::plugin::Stage;
use crate::model::webhook::Webhook;
use crate::service::caller::Caller;
use crate::service::error::{Result, ServiceError};
use crate::service::{Patch, Services};

use super::{StageInput, WebhookInput, masked_settings};

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UseVersion {
    /// The webhook whose chain is to have this version, wherever it has another one.
    #[schema(value_type = String)]
    pub webhook_id: WebhookId,
}

impl Services {
    /// Settings that the version doesn't take are named, and nothing changes.
    pub async fn use_version(
        &self,
        caller: &Caller,
        (name, version): (&str, &str),
        UseVersion { webhook_id }: UseVersion,
    ) -> Result<Arc<Webhook>> {
        caller.must_configure()?;
        let plugin = self.plugin_version(caller, name, version)?;
        let unknown = |detail: String| ServiceError::invalid("/webhookId", "unknown-webhook", detail);
        let webhook =
            self.webhook_of(caller, webhook_id).map_err(|_| unknown("there is no such webhook".to_owned()))?;
        let chain = &webhook.revision.chain;
        if !chain.iter().any(|stage| stage.name == name) {
            return Err(unknown(format!("its chain has no plugin '{name}'")));
        }
        let stage = |(index, stage): (usize, &Stage)| StageInput {
            plugin: if stage.name == name { plugin.digest } else { stage.digest }.to_string(),
            settings: Some(masked_settings(stage)),
            on_error: Some(stage.on_error),
            was: Patch::Set(index),
        };
        let plugins = Patch::Set(chain.iter().enumerate().map(stage).collect());
        let revision = Patch::Set(webhook.revision.id);
        self.update_webhook(caller, webhook_id, WebhookInput { plugins, revision, ..WebhookInput::default() }).await
    }
}
