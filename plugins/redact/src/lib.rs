//! `redact`: masks or removes what the receiver must not see, named by JSON Pointers.
//!
//! Fails closed: data that isn't JSON ends the delivery, and no webhook may skip the failure. Never changes a byte outside
//! the objects and arrays on the way to what it redacts, and drops nothing else. Next: `paths.rs`, `rewrite.rs`.

mod paths;
mod rewrite;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use waxwing_guest::{Event, Failure, Issue, Plugin, Sample, Verdict, Webhook};

use crate::{
    paths::{Action, Paths},
    rewrite::Rewriter,
};

pub struct Redact;

/// What is redacted. A pointer that leads nowhere in an event is no error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// JSON Pointers (RFC 6901) of values that are replaced by `maskWith`. A segment `*` stands for every element of an
    /// array and every member of an object: `/users/*/email`.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 1024)))]
    mask: Vec<String>,
    /// JSON Pointers of values that are removed, with their keys. Where a value is both removed and masked, it is removed.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 1024)))]
    remove: Vec<String>,
    /// What stands in the place of a masked value.
    #[serde(default = "default_mask")]
    #[schemars(length(max = 256))]
    mask_with: String,
}

fn default_mask() -> String {
    "[redacted]".to_owned()
}

impl Settings {
    fn paths(&self) -> Result<Paths, Vec<Issue>> {
        let mut paths = Paths::default();
        let mut issues = Vec::new();
        for (list, pointers, action) in [("mask", &self.mask, Action::Mask), ("remove", &self.remove, Action::Remove)] {
            for (index, pointer) in pointers.iter().enumerate() {
                if let Err(error) = paths.add(pointer, action) {
                    issues.push(Issue::new(format!("/{list}/{index}"), error.to_string()));
                }
            }
        }
        if self.mask.is_empty() && self.remove.is_empty() {
            issues.push(Issue::new("", "neither `mask` nor `remove` names anything"));
        }
        if issues.is_empty() { Ok(paths) } else { Err(issues) }
    }
}

impl Plugin for Redact {
    type Settings = Settings;

    const REDACTS: bool = true;

    fn samples() -> Vec<Sample> {
        let licence = include_bytes!("../samples/license.created.json");
        let user = include_bytes!("../samples/user.created.json");
        let masked = json!({ "mask": ["/license/key", "/license/user/email"] });
        let removed =
            json!({ "remove": ["/devices/*/address", "/notes/0"], "mask": ["/devices/*/*"], "maskWith": "x" });
        vec![
            Sample::new("masked", "license.created", licence, &masked),
            Sample::new("removed", "user.created", user, &removed),
            Sample::new("nothing-there", "user.created", user, &json!({ "mask": ["/license/key"] })),
            Sample::new("not-json", "user.created", b"email=a@b.example", &json!({ "mask": ["/email"] })),
        ]
    }

    fn settings_schema() -> String {
        include_str!("../settings-schema.json").to_owned()
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        settings.paths().map(drop)
    }

    fn transform(event: Event, settings: Settings, _: &Webhook) -> Result<Verdict, Failure> {
        let paths = settings.paths().map_err(Failure::InvalidSettings)?;
        let data: &RawValue = serde_json::from_slice(&event.data)
            .map_err(|error| Failure::invalid_event(format!("not JSON, so nothing can be redacted: {error}")))?;
        let mut rewriter = Rewriter::new(&settings.mask_with, event.data.len())?;
        rewriter.value(data, &[paths.root()])?;
        Ok(match rewriter.finish() {
            Some(redacted) => Verdict::Replace(redacted),
            None => Verdict::Pass,
        })
    }
}

waxwing_guest::export!(Redact);
