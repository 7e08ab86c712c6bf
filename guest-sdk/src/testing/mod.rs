//! Natively testing a plugin, with plain `cargo test`: no wasm, no server, no network.
//!
//! Settings pass the derived schema and the plugin's own checks first, and what the plugin answers is held against the
//! contract's limits, both as the host does it. Fuel and memory are only counted there: `waxwing plugin run` shows them.
//! Not compiled for wasm.
//!
//! ```no_run
//! # use waxwing_guest::{Event, Failure, NoSettings, Plugin, Verdict, Webhook};
//! # struct OnlyPaid;
//! # impl Plugin for OnlyPaid {
//! #     type Settings = NoSettings;
//! #     fn transform(_: Event, _: NoSettings, _: &Webhook) -> Result<Verdict, Failure> { Ok(Verdict::Pass) }
//! # }
//! use serde_json::json;
//! use waxwing_guest::testing;
//!
//! let run = testing::run::<OnlyPaid>(testing::event("order.paid", &json!({ "order": 7 })), json!({}));
//! assert_eq!(run.verdict, Ok(Verdict::Pass));
//!
//! testing::golden::<OnlyPaid>(env!("CARGO_MANIFEST_DIR"));
//! ```

mod contract;
mod golden;
mod show;

use std::cell::RefCell;

use serde_json::Value;

pub use self::{contract::violations, golden::golden, show::show};
use crate::{
    Attempt, Classify, Event, Failure, Header, Issue, Judgement, Plugin, Reply, Verdict, Webhook, export, log::Level,
};

/// A line that a plugin wrote with [`log`](mod@crate::log).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How loud.
    pub level: Level,
    /// What it says.
    pub message: String,
}

/// What a call of [`Plugin::transform`] came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The plugin's answer.
    pub verdict: Result<Verdict, Failure>,
    /// What it wrote on the way.
    pub log: Vec<Line>,
}

thread_local! {
    static LOG: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn collect(level: Level, message: &str) {
    let message = message.to_owned();
    LOG.with_borrow_mut(|lines| lines.push(Line { level, message }));
}

/// An event of this type with this data, of the tenant `default` in `production`, at 2026-01-01T00:00:00Z. Its fields are
/// public: change what the test is about.
#[must_use]
pub fn event(event_type: &str, data: &Value) -> Event {
    Event {
        id: "evt_test".to_owned(),
        event_type: event_type.to_owned(),
        occurred_at: 1_767_225_600_000,
        content_type: "application/json".to_owned(),
        data: data.to_string().into_bytes(),
        attributes: vec![
            ("tenant".to_owned(), "default".to_owned()),
            ("environment".to_owned(), "production".to_owned()),
        ],
    }
}

/// A webhook at `https://example.com`, as [`run`] uses it.
#[must_use]
pub fn webhook() -> Webhook {
    Webhook { id: "webhook_test".to_owned(), origin: "https://example.com".to_owned(), attributes: Vec::new() }
}

/// A reply for [`judge`].
#[must_use]
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let headers = headers.iter().map(|&(name, value)| Header { name: name.to_owned(), value: value.to_owned() });
    Reply { status, headers: headers.collect(), body: body.into(), attributes: Vec::new() }
}

/// Runs the plugin on an event, as the host would for [`webhook`].
///
/// # Panics
/// If the settings would have been refused when saved, or the verdict breaks the contract (see [`violations`]).
#[must_use]
pub fn run<P: Plugin>(event: Event, settings: Value) -> Run {
    refuse_bad_settings::<P>(&settings);
    LOG.take();
    let verdict = export::transform::<P>(event, &webhook(), &settings.to_string());
    if let Ok(verdict) = &verdict {
        let violations = violations(verdict);
        assert!(violations.is_empty(), "the host would refuse this verdict: {violations:#?}");
    }
    Run { verdict, log: LOG.take() }
}

/// Asks the plugin about a reply to its first attempt.
///
/// # Panics
/// If the settings would have been refused when saved.
#[must_use]
pub fn judge<P: Classify>(reply: Reply, settings: Value) -> Judgement {
    judge_attempt::<P>(reply, settings, 1)
}

/// As [`judge`], for any attempt.
///
/// # Panics
/// If the settings would have been refused when saved.
#[must_use]
pub fn judge_attempt<P: Classify>(reply: Reply, settings: Value, number: u32) -> Judgement {
    refuse_bad_settings::<P>(&settings);
    let attempt = Attempt { event_id: "evt_test".to_owned(), number, attributes: Vec::new() };
    match serde_json::from_value(settings) {
        Ok(settings) => P::classify(reply, settings, &attempt),
        Err(error) => panic!("the schema accepts what the settings' type doesn't: {error}"),
    }
}

/// Whether a webhook with these settings could be saved: first the derived schema, then [`Plugin::validate_settings`].
///
/// # Errors
/// Every issue found, each with its JSON Pointer.
///
/// # Panics
/// If the settings' schema isn't valid JSON Schema 2020-12.
pub fn check_settings<P: Plugin>(settings: &Value) -> Result<(), Vec<Issue>> {
    let schema = schema::<P>();
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => panic!("the settings' schema: {error}"),
    };
    let issues: Vec<_> = validator
        .iter_errors(settings)
        .map(|error| Issue::new(error.instance_path().to_string(), error.to_string()))
        .collect();
    if !issues.is_empty() {
        return Err(issues);
    }
    export::validate_settings::<P>(&settings.to_string())
}

/// The JSON Schema that users' settings are checked against.
///
/// # Panics
/// If [`Plugin::settings_schema`] was written by hand and isn't JSON.
#[must_use]
pub fn schema<P: Plugin>() -> Value {
    match serde_json::from_str(&P::settings_schema()) {
        Ok(schema) => schema,
        Err(error) => panic!("the settings' schema isn't JSON: {error}"),
    }
}

fn refuse_bad_settings<P: Plugin>(settings: &Value) {
    if let Err(issues) = check_settings::<P>(settings) {
        panic!("these settings couldn't be saved: {issues:#?}");
    }
}
