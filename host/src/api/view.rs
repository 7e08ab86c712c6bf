//! How webhooks and revisions look in answers. What a caller may not see is masked here, by what the services say of him.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::plugin::Stage;
use crate::model::webhook::{Revision, Status, Webhook};
use crate::service::webhooks::masked_settings;
use crate::service::{Caller, PublicKey, public_key};

/// A webhook as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookShown {
    #[schema(example = "webhook_0a1b2c3d4e5f6")]
    pub(super) id: String,
    tenant: String,
    name: String,
    description: String,
    /// Whole for admins and the tenant itself, `https://host/…last4` for viewers.
    url: String,
    events: Vec<String>,
    /// Whether it isn't disabled.
    is_active: bool,
    /// `active`, `paused` or `disabled`.
    status: String,
    /// `user`, `gone` or `failing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    environment: String,
    format: String,
    #[schema(value_type = Object)]
    format_options: Value,
    /// Values are masked for viewers.
    headers: BTreeMap<String, String>,
    plugins: Vec<StageShown>,
    #[schema(value_type = Object)]
    retry: Value,
    timeout_seconds: u64,
    rate_limit: Option<u32>,
    ordering: String,
    allow_origins: Vec<String>,
    /// Secrets that sign now: more than one while a rotation overlaps.
    signing_secrets: usize,
    /// `whpk_…`, where the secret is a private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Its name at `/.well-known/jwks.json?kid=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    revision: String,
    created_at: String,
    updated_at: String,
}

/// A new webhook, with its secret for the only time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookCreated {
    #[serde(flatten)]
    pub(super) webhook: WebhookShown,
    #[schema(example = "whsec_…")]
    pub(super) secret: String,
}

/// A webhook after a change, with its new secret where one was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookChanged {
    #[serde(flatten)]
    pub(super) webhook: WebhookShown,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_…")]
    pub(super) secret: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StageShown {
    #[schema(example = "slack")]
    plugin: String,
    version: String,
    #[schema(example = "sha256:…")]
    digest: String,
    /// Secrets are `********`; sent back so, they stay as they are.
    #[schema(value_type = Object)]
    settings: Value,
    on_error: String,
}

/// What a webhook was from `validFrom` on, until the next revision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RevisionShown {
    id: String,
    valid_from: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    environment: String,
    events: Vec<String>,
    format: String,
    #[schema(value_type = Object)]
    format_options: Value,
    plugins: Vec<StageShown>,
}

pub(super) fn webhook(caller: &Caller, webhook: &Webhook) -> WebhookShown {
    let (current, revision) = (&webhook.current, &webhook.revision);
    let key = current.secrets.first().and_then(|signing| public_key(signing.secret.expose()));
    let (status, disabled_reason) = status(revision.status);
    let sees = caller.sees_urls();
    let header = |value: &str| if sees { value.to_owned() } else { crate::service::webhooks::MASK.to_owned() };
    WebhookShown {
        id: webhook.id.to_string(),
        tenant: webhook.tenant.to_string(),
        name: webhook.name.clone(),
        description: webhook.description.clone(),
        url: if sees { current.url.expose().to_string() } else { current.url.to_string() },
        events: patterns(revision),
        is_active: disabled_reason.is_none(),
        status,
        disabled_reason,
        environment: revision.environment.to_string(),
        format: revision.format.name.as_str().to_owned(),
        format_options: json(&revision.format.options),
        headers: current.headers.iter().map(|each| (each.name.to_string(), header(&each.value))).collect(),
        plugins: revision.chain.iter().map(stage).collect(),
        retry: json(&current.retry),
        timeout_seconds: current.timeout.as_secs(),
        rate_limit: current.rate_limit,
        ordering: text(&current.ordering),
        allow_origins: current.allow_origins.clone(),
        signing_secrets: current.secrets.len(),
        public_key: key.as_ref().map(PublicKey::text),
        key_id: key.as_ref().map(PublicKey::kid),
        revision: revision.id.to_string(),
        created_at: webhook.created_at.to_string(),
        updated_at: revision.valid_from.to_string(),
    }
}

pub(super) fn revision(revision: &Revision) -> RevisionShown {
    let (status, disabled_reason) = status(revision.status);
    RevisionShown {
        id: revision.id.to_string(),
        valid_from: revision.valid_from.to_string(),
        status,
        disabled_reason,
        environment: revision.environment.to_string(),
        events: patterns(revision),
        format: revision.format.name.as_str().to_owned(),
        format_options: json(&revision.format.options),
        plugins: revision.chain.iter().map(stage).collect(),
    }
}

fn stage(stage: &Stage) -> StageShown {
    StageShown {
        plugin: stage.name.clone(),
        version: stage.version.to_string(),
        digest: stage.digest.to_string(),
        settings: masked_settings(stage),
        on_error: text(&stage.on_error),
    }
}

fn status(status: Status) -> (String, Option<String>) {
    let reason = if let Status::Disabled(reason) = status { Some(reason.as_str().to_owned()) } else { None };
    (status.as_str().to_owned(), reason)
}

fn patterns(revision: &Revision) -> Vec<String> {
    revision.subscription.patterns().iter().map(ToString::to_string).collect()
}

/// Plain data always has a JSON form.
pub(super) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn text(value: &impl Serialize) -> String {
    json(value).as_str().unwrap_or_default().to_owned()
}
