//! What a webhook says to this plugin: the token, and which value becomes which property. Next: `batch.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use waxwing_guest::{Issue, Secret};

/// Settings of the `hubspot` plugin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// A private app's access token with the scope `crm.objects.contacts.write`.
    pub access_token: Secret,
    /// HubSpot property → JSON Pointer into the record, such as `{"firstname": "/customer/firstName"}`. What the event doesn't
    /// have is left as it is in HubSpot.
    #[schemars(length(max = 100))]
    pub properties: BTreeMap<String, String>,
    /// HubSpot property → text that every contact gets, such as `{"lifecyclestage": "customer"}`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub constants: BTreeMap<String, String>,
    /// The property that tells contacts apart: `email`, or one of your own with unique values.
    #[serde(default = "email")]
    #[schemars(length(min = 1, max = 100))]
    pub id_property: String,
    /// Where its value is, as a JSON Pointer into the record.
    #[serde(default = "email_pointer")]
    #[schemars(length(max = 500))]
    pub id_pointer: String,
    /// Where the list of records is in the data, for events with several contacts (at most 100). Without it, the data is the one
    /// record; an empty pointer says that the data is the list.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub records_at: Option<String>,
    /// What becomes of a record without an id.
    #[serde(default)]
    pub missing_id: MissingId,
}

/// What becomes of a record that has nothing to tell its contact by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MissingId {
    /// The delivery fails, and nothing of the event is sent.
    #[default]
    Fail,
    /// The record is left out; an event without any other is dropped.
    Drop,
}

fn email() -> String {
    "email".to_owned()
}

fn email_pointer() -> String {
    "/email".to_owned()
}

impl Settings {
    /// What the schema can't say.
    pub(crate) fn check(&self) -> Result<(), Vec<Issue>> {
        let mut issues = Vec::new();
        let mut pointer = |path: String, pointer: &str| {
            if !is_pointer(pointer) {
                issues.push(Issue::new(path, format!("{pointer:?} is no JSON Pointer such as /customer/email")));
            }
        };
        pointer("/idPointer".to_owned(), &self.id_pointer);
        if let Some(records) = &self.records_at {
            pointer("/recordsAt".to_owned(), records);
        }
        for (name, value) in &self.properties {
            pointer(format!("/properties/{}", escape(name)), value);
        }
        for (group, names) in [("properties", self.properties.keys()), ("constants", self.constants.keys())] {
            for name in names {
                if !is_property(name) {
                    let problem = "HubSpot's names have lower-case letters, digits and `_`, and begin with a letter";
                    issues.push(Issue::new(format!("/{group}/{}", escape(name)), problem));
                }
            }
        }
        for name in self.constants.keys().filter(|name| self.properties.contains_key(*name)) {
            issues.push(Issue::new(format!("/constants/{}", escape(name)), "is also in `properties`"));
        }
        if !is_property(&self.id_property) {
            issues.push(Issue::new("/idProperty", "is no name of a HubSpot property"));
        }
        if self.constants.contains_key(&self.id_property) {
            issues.push(Issue::new(format!("/constants/{}", escape(&self.id_property)), "would make all contacts one"));
        }
        if issues.is_empty() { Ok(()) } else { Err(issues) }
    }
}

fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

fn is_property(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A name as a token of a JSON Pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
