//! The traits that an author implements. They hold no state: a plugin is a pure function, and every call is a new instance.
//!
//! Next: `export.rs`, which puts a type that implements them behind the contract.

use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Event, Failure, Issue, Judgement, Reply, Sample, Verdict, Webhook, export};

/// A plugin: what it is told by its settings, and what it makes of an event.
///
/// The result may depend on the arguments alone. The host sees to it: the clock stands at the event's time, randomness is
/// seeded from the inputs, and there is no network, no file and no environment.
pub trait Plugin {
    /// What a webhook says to this plugin. The JSON Schema that users' settings are checked against is derived from it, so
    /// put `#[serde(deny_unknown_fields)]` on it (a misspelt setting is then refused when it is saved), and doc comments on
    /// its fields (they become the descriptions). [`NoSettings`] where there is nothing to set.
    type Settings: DeserializeOwned + JsonSchema;

    /// True for a plugin that removes what later stages must not see. Its failure then ends the delivery: a webhook can't
    /// say `"onError": "skip"` for it.
    const REDACTS: bool = false;

    /// The event types that the plugin is meant for, as `*` or `order.*`. A hint for users: the host filters nothing by it.
    const EVENT_TYPES: &'static [&'static str] = &["*"];

    /// Examples, shown to users and run by [`testing::golden`](crate::testing::golden()). Each should be a different case.
    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    /// The JSON Schema (2020-12) of the settings. Derived; write this yourself only to leave the deriving, some 70 KB, out of the
    /// component: as `include_str!("../settings-schema.json").to_owned()`, a file that
    /// [`testing::golden`](crate::testing::golden()) compares with the derived one, and writes with `UPDATE_GOLDEN=1`.
    fn settings_schema() -> String {
        export::settings_schema::<Self::Settings>()
    }

    /// What the schema can't say: called when a webhook is saved, after the schema accepted the settings. Settings with an
    /// issue can't be saved.
    ///
    /// # Errors
    /// Every [`Issue`] found, each with the JSON Pointer of the setting that it is about.
    fn validate_settings(_settings: &Self::Settings) -> Result<(), Vec<Issue>> {
        Ok(())
    }

    /// Decides what becomes of an event that is on its way to a webhook. Called once a delivery; retries send the same bytes.
    ///
    /// # Errors
    /// A [`Failure`] ends the delivery as failed (or skips this plugin, where the webhook says so). It is final: the same
    /// inputs would fail again.
    fn transform(event: Event, settings: Self::Settings, webhook: &Webhook) -> Result<Verdict, Failure>;
}

/// A plugin that also judges what the receiver answered. Exported with `export!(T, response)`.
///
/// Asked only about requests that the same plugin made with [`Verdict::Send`]. If it faults, the host's own rule holds:
/// [`Judgement::by_status`].
pub trait Classify: Plugin {
    /// True where every 2xx is a success, so that there is nothing to ask about it: the host then calls [`Classify::classify`] only for
    /// other replies, which spares each successful delivery an instance.
    const ONLY_FAILURES: bool = false;

    /// Decides whether an answered attempt was a success, and if not, whether another one can help.
    fn classify(reply: Reply, settings: Self::Settings, attempt: &Attempt) -> Judgement;
}

/// Which attempt a [`Reply`] belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The event's id, the same in every attempt.
    pub event_id: String,
    /// 1 for the first attempt.
    pub number: u32,
    /// What later hosts may add; at most 64 pairs.
    pub attributes: Vec<(String, String)>,
}

/// For a plugin that has nothing to set: accepts `{}` and refuses everything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
