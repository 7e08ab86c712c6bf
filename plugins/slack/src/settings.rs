//! What a webhook says to this plugin: all of it optional, all of it checked before it is saved. Next: `message.rs`.

use schemars::JsonSchema;
use serde::Deserialize;
use waxwing_chat::{FieldSetting, check_link, check_template, no_issues};
use waxwing_guest::Issue;

/// Settings of the `slack` plugin. `{}` is fine for every event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Settings {
    /// The headline. May hold `{headline}`, `{type}`, `{id}`, `{environment}`, `{tenant}`, `{time}` and JSON Pointers into the
    /// data such as `{/customer/name}`. By default the event type in words: "License expiring soon".
    #[schemars(length(min = 1, max = 300))]
    pub title: Option<String>,
    /// A paragraph under the headline, in Slack's mrkdwn, with the same placeholders. Your own words may mention people
    /// (`<!here>`, `<@U…>`); what the placeholders bring can't.
    #[schemars(length(min = 1, max = 1000))]
    pub text: Option<String>,
    /// Which values to show, in this order. By default the scalar members of the data and those one level below, with keys,
    /// tokens, passwords and secrets masked. An empty list shows none.
    #[schemars(length(max = 20))]
    pub fields: Option<Vec<FieldSetting>>,
    /// How many fields to show at most (0–20).
    #[schemars(range(max = 20))]
    pub max_fields: u8,
    /// A link under the fields.
    pub link: Option<Link>,
    /// Another emoji for some event types; the first style that fits counts. By default 🟢 🔵 🟠 🔴 by how the type sounds.
    #[schemars(length(max = 50))]
    pub styles: Vec<Style>,
    /// Leaves out the small line with type, environment, time and event id.
    pub hide_source: bool,
}

/// Where a message leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Link {
    /// An address such as `https://app.example.com/licenses/{/licenseId}`. Scheme and host stand before the first
    /// placeholder; values are percent-encoded.
    #[schemars(length(max = 500))]
    pub url: String,
    /// The words to click on. By default "Open".
    #[serde(default)]
    #[schemars(length(min = 1, max = 75))]
    pub label: Option<String>,
}

/// How events of some types look.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Style {
    /// `license.expired`, `license.*` or `*`.
    #[schemars(length(min = 1, max = 256))]
    pub events: String,
    /// `🎉`, `:tada:` or one of the workspace's own; empty for none.
    #[schemars(length(max = 40))]
    pub emoji: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            title: None,
            text: None,
            fields: None,
            max_fields: 10,
            link: None,
            styles: Vec::new(),
            hide_source: false,
        }
    }
}

impl Settings {
    /// What the schema can't say.
    pub(crate) fn check(&self) -> Result<(), Vec<Issue>> {
        no_issues([
            check_template("/title", self.title.as_deref()),
            check_template("/text", self.text.as_deref()),
            check_link("/link/url", self.link.as_ref().map(|link| link.url.as_str())),
        ])
    }
}
