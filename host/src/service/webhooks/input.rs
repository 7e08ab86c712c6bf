//! What a request may say of a webhook. One shape for `POST` and `PATCH`: absent keeps (or takes the default), `null` resets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::name::Tenant;
use crate::model::policy::RetryPolicy;
use crate::model::webhook::{FormatName, FormatOptions, Ordering};
use crate::service::patch::Patch;

use super::chain::StageInput;

/// A webhook as it is created or changed. Creating needs `url`, and `events` unless a template suggests them. In a change, an absent
/// field stays as it is and `null` puts the default back; lists and objects are replaced whole, but for secrets in `settings`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookInput {
    /// `https://…`, without user info; a path or query that is a secret is sealed at rest.
    #[schema(value_type = Option<String>, example = "https://example.com/webhooks")]
    pub url: Patch<String>,
    /// Event types, `a.*` (every type below `a.`) or `*`; 1 to 256.
    #[schema(value_type = Option<Vec<String>>, example = json!(["license.*"]))]
    pub events: Patch<Vec<String>>,
    /// `false` disables: pending deliveries are cancelled, none are made.
    #[schema(value_type = Option<bool>)]
    pub is_active: Patch<bool>,
    #[schema(value_type = Option<String>)]
    pub name: Patch<String>,
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    #[schema(value_type = Option<String>, example = "production")]
    pub environment: Patch<String>,
    /// Only when creating.
    #[schema(value_type = Option<String>)]
    pub tenant: Patch<Tenant>,
    /// Made by us if absent. In a change it replaces the old one at once; `POST …/rotate-secret` can let both sign for a while.
    #[schema(value_type = Option<String>)]
    pub secret: Patch<String>,
    #[schema(value_type = Option<String>, example = "standard")]
    pub format: Patch<FormatName>,
    #[schema(value_type = Option<Object>)]
    pub format_options: Patch<FormatOptions>,
    /// Sent with every request to the webhook's own origin. At most 64, 16 KiB in all; none that a format writes.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Patch<BTreeMap<String, String>>,
    /// At most 8, in order.
    #[schema(value_type = Option<Vec<StageInput>>)]
    pub plugins: Patch<Vec<StageInput>>,
    /// `"standard"`, `"license-validator"`, `"keygen"` or `{"delaysSeconds": […]}`.
    #[schema(value_type = Option<Object>)]
    pub retry: Patch<RetryPolicy>,
    /// 1 to 60; 10 by default.
    #[schema(value_type = Option<u32>)]
    pub timeout_seconds: Patch<u32>,
    /// Deliveries a second, 1 to 10,000; none is unlimited.
    #[schema(value_type = Option<u32>)]
    pub rate_limit: Patch<u32>,
    /// `none` or `fifo`.
    #[schema(value_type = Option<String>)]
    pub ordering: Patch<Ordering>,
    /// Other origins that a plugin may send to. Only an admin may set it.
    #[schema(value_type = Option<Vec<String>>)]
    pub allow_origins: Patch<Vec<String>>,
    /// Only when creating: an integration template, which fills what is absent here.
    #[schema(value_type = Option<String>, example = "slack-alerts")]
    pub template: Patch<String>,
    /// Only with a template: settings of its plugins, by plugin name, merged over the template's.
    #[schema(value_type = Option<Object>)]
    pub settings: Patch<BTreeMap<String, Value>>,
}
