//! A setting whose value the guest never sees. Next: `export.rs`, where schemas are derived.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A setting that is encrypted at rest and never returned by the API.
///
/// What is in it is a placeholder (`wxs_` and 32 hex digits), which the host replaces by the value just before the request
/// is signed. Write it unchanged, in one of these places and towards the webhook's own origin only: a whole header value, a
/// header value after `Bearer `, a complete JSON string, one path segment, or one query value. Anywhere else the delivery
/// fails rather than sending it.
///
/// ```
/// use waxwing_guest::{Request, Secret};
///
/// # let api_key: Secret = serde_json::from_str("\"wxs_00000000000000000000000000000000\"").unwrap();
/// let request = Request::new("text/plain", "hello").header("authorization", format!("Bearer {api_key}"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The placeholder.
    #[must_use]
    pub fn placeholder(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for Secret {
    // The host looks for the format where the property is, not behind a `$ref`.
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Secret")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "secret" })
    }
}
