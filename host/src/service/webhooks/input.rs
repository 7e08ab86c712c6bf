//! What a request may say of a webhook. One shape for `POST` and `PATCH`: absent keeps (or takes the default), `null` resets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::ids::RevisionId;
use crate::model::name::Tenant;
use crate::model::policy::RetryPolicy;
use crate::model::webhook::{FormatName, FormatOptions, Ordering};
use crate::service::patch::Patch;

use super::chain::StageInput;
use super::secrets::NewSecret;

/// A webhook as it is created or changed. Creating needs `url`, and `events` unless a template suggests them. In a change, an absent
/// field stays as it is and `null` puts the default back; lists and objects are replaced whole, but for secrets in `settings`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookInput {
    /// Only in a change: the revision that it is meant for. If the webhook has another one by then, nothing is changed (409).
    #[schema(value_type = Option<String>, example = "rev_0a1b2c3d4e5f6")]
    #[serde(default)]
    pub revision: Patch<RevisionId>,
    /// `https://…`, without user info; a path or query that is a secret is sealed at rest.
    #[schema(value_type = Option<String>, example = "https://example.com/webhooks")]
    #[serde(default)]
    pub url: Patch<String>,
    /// Event types, `a.*` (every type below `a.`) or `*`; 1 to 256.
    #[schema(value_type = Option<Vec<String>>, example = json!(["license.*"]))]
    #[serde(default)]
    pub events: Patch<Vec<String>>,
    /// `false` disables: pending deliveries are cancelled, none are made.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pub is_active: Patch<bool>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub name: Patch<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub description: Patch<String>,
    #[schema(value_type = Option<String>, example = "production")]
    #[serde(default)]
    pub environment: Patch<String>,
    /// Only when creating.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub tenant: Patch<Tenant>,
    /// Made by us if absent. In a change it replaces the old one at once; `POST …/rotate-secret` can let both sign for a while.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub secret: Patch<String>,
    /// Only in a change: a new secret, made by us for the format that the webhook has after the change. The answer's `secret` is the only
    /// time it is shown.
    #[schema(value_type = Option<NewSecret>)]
    #[serde(default)]
    pub new_secret: Patch<NewSecret>,
    #[schema(value_type = Option<String>, example = "standard")]
    #[serde(default)]
    pub format: Patch<FormatName>,
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub format_options: Patch<FormatOptions>,
    /// Sent with every request to the webhook's own origin. At most 64, 16 KiB in all; none that a format writes.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    #[serde(default)]
    pub headers: Patch<BTreeMap<String, String>>,
    /// At most 8, in order.
    #[schema(value_type = Option<Vec<StageInput>>)]
    #[serde(default)]
    pub plugins: Patch<Vec<StageInput>>,
    /// `"standard"`, `"license-validator"`, `"keygen"` or `{"delaysSeconds": […]}`.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub retry: Patch<RetryPolicy>,
    /// 1 to 60; 10 by default.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub timeout_seconds: Patch<u32>,
    /// Deliveries a second, 1 to 10,000; none is unlimited.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub rate_limit: Patch<u32>,
    /// `none` or `fifo`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub ordering: Patch<Ordering>,
    /// Other origins that a plugin may send to. Only an admin may set it.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    pub allow_origins: Patch<Vec<String>>,
    /// Only when creating: an integration template, which fills what is absent here.
    #[schema(value_type = Option<String>, example = "slack-alerts")]
    #[serde(default)]
    pub template: Patch<String>,
    /// Only with a template: settings of its plugins, by plugin name, merged over the template's.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub settings: Patch<BTreeMap<String, Value>>,
}
