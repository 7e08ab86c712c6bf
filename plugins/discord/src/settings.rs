//! What a webhook says to this plugin: all of it optional, all of it checked before it is saved. Next: `message.rs`.

use schemars::JsonSchema;
use serde::Deserialize;
use waxwing_chat::{FieldSetting, check_link, check_template, no_issues};
use waxwing_guest::Issue;

/// Settings of the `discord` plugin. `{}` is fine for every event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Settings {
    /// The headline. May hold `{headline}`, `{type}`, `{id}`, `{environment}`, `{tenant}`, `{time}` and JSON Pointers into the
    /// data such as `{/customer/name}`. By default the event type in words: "License expiring soon".
    #[schemars(length(min = 1, max = 300))]
    pub title: Option<String>,
    /// A paragraph under the headline, in Discord's markdown, with the same placeholders. Nobody is notified by it.
    #[schemars(length(min = 1, max = 1000))]
    pub text: Option<String>,
    /// Which values to show, in this order. By default the scalar members of the data and those one level below, with keys,
    /// tokens, passwords and secrets masked. An empty list shows none.
    #[schemars(length(max = 25))]
    pub fields: Option<Vec<FieldSetting>>,
    /// How many fields to show at most (0–25).
    #[schemars(range(max = 25))]
    pub max_fields: u8,
    /// Where the headline leads.
    pub link: Option<Link>,
    /// Another colour for some event types; the first style that fits counts. By default green, blue, amber or red by how the
    /// type sounds.
    #[schemars(length(max = 50))]
    pub styles: Vec<Style>,
    /// Leaves out the small line with type, environment and event id.
    pub hide_source: bool,
    /// The name that the message is from, instead of the webhook's own. Discord allows neither "discord" nor "clyde" in it.
    #[schemars(length(min = 1, max = 80))]
    pub username: Option<String>,
    /// Posts into this thread of the channel.
    #[schemars(regex(pattern = r"^[0-9]{1,20}$"))]
    pub thread_id: Option<String>,
    /// In a forum or media channel: the title of the post that each event opens, with the same placeholders. Not together with
    /// `threadId`.
    #[schemars(length(min = 1, max = 200))]
    pub thread_name: Option<String>,
}

/// Where a message leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Link {
    /// An address such as `https://app.example.com/licenses/{/licenseId}`. Scheme and host stand before the first
    /// placeholder; values are percent-encoded.
    #[schemars(length(max = 500))]
    pub url: String,
}

/// How events of some types look.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Style {
    /// `license.expired`, `license.*` or `*`.
    #[schemars(length(min = 1, max = 256))]
    pub events: String,
    /// `#RRGGBB`.
    #[schemars(regex(pattern = r"^#[0-9A-Fa-f]{6}$"))]
    pub color: String,
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
            username: None,
            thread_id: None,
            thread_name: None,
        }
    }
}

impl Settings {
    /// What the schema can't say.
    pub(crate) fn check(&self) -> Result<(), Vec<Issue>> {
        let both = (self.thread_id.is_some() && self.thread_name.is_some())
            .then(|| Issue::new("/threadName", "a message goes to a thread by id or opens one by name, not both"));
        no_issues([
            check_template("/title", self.title.as_deref()),
            check_template("/text", self.text.as_deref()),
            check_template("/threadName", self.thread_name.as_deref()),
            check_link("/link/url", self.link.as_ref().map(|link| link.url.as_str())),
            self.username.as_deref().and_then(username_issue),
            both,
        ])
    }
}

fn username_issue(name: &str) -> Option<Issue> {
    let lower = name.to_lowercase();
    let word = ["clyde", "discord"].into_iter().find(|word| lower.contains(word));
    let blank = name.trim().is_empty();
    match word {
        Some(word) => Some(Issue::new("/username", format!("Discord refuses names with {word:?} in them"))),
        None => blank.then(|| Issue::new("/username", "is blank")),
    }
}
