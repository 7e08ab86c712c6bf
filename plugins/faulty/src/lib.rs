//! `faulty`: breaks one rule of the sandbox, the one its settings name. For the host's tests; never offered to users.
//!
//! Each fault is what a careless or hostile author would write, through the same SDK. What Rust can't express (growing a
//! table, an import that isn't in the list, an export that is missing) the host's tests write as text. Next: `faults.rs`.

mod answers;
mod faults;
mod observe;

use schemars::JsonSchema;
use serde::Deserialize;
use waxwing_guest::{Attempt, Classify, Event, Failure, Issue, Judgement, Plugin, Reply, Verdict, Webhook};

use crate::faults::Fault;

pub struct Faulty;

/// What goes wrong, and in which call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The fault.
    fault: Fault,
    /// The call in which it happens; the other calls answer as a plugin that changes nothing.
    #[serde(default, rename = "in")]
    call: Call,
    /// How often or how much, where that means something. Each fault's own default breaks the default limits.
    amount: Option<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Call {
    #[default]
    Transform,
    ValidateSettings,
    Classify,
}

impl Plugin for Faulty {
    type Settings = Settings;

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        if settings.call == Call::ValidateSettings {
            settings.fault.happen(settings.amount);
            return Err(answers::issues(settings.fault, settings.amount));
        }
        Ok(())
    }

    fn transform(event: Event, settings: Settings, _: &Webhook) -> Result<Verdict, Failure> {
        if settings.call != Call::Transform {
            // So that the host has a request of this plugin's to ask `classify` about.
            return Ok(waxwing_guest::Request::new(event.content_type, event.data).into());
        }
        settings.fault.happen(settings.amount);
        answers::verdict(settings.fault, settings.amount, event)
    }
}

impl Classify for Faulty {
    fn classify(reply: Reply, settings: Settings, _: &Attempt) -> Judgement {
        if settings.call == Call::Classify {
            settings.fault.happen(settings.amount);
            return answers::judgement(settings.fault, settings.amount);
        }
        Judgement::by_status(&reply)
    }
}

waxwing_guest::export!(Faulty, response);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use waxwing_guest::testing;

    use super::*;

    fn verdict(settings: serde_json::Value) -> Result<Verdict, Failure> {
        testing::run::<Faulty>(testing::event("a.b", &json!({ "n": 1 })), settings).verdict
    }

    #[test]
    fn what_ends_well_ends_well_natively_too() {
        assert_eq!(verdict(json!({ "fault": "nothing" })), Ok(Verdict::Pass));
        assert_eq!(verdict(json!({ "fault": "fail" })), Err(Failure::other("asked to fail")));
        assert!(matches!(verdict(json!({ "fault": "observe" })), Ok(Verdict::Send(_))));
        assert!(matches!(verdict(json!({ "fault": "trap", "in": "classify" })), Ok(Verdict::Send(_))));
    }

    #[test]
    #[should_panic(expected = "isn't a lower-case token")]
    fn an_answer_that_breaks_the_contract_is_seen_by_the_sdks_own_check() {
        let _ = verdict(json!({ "fault": "bad-header-name" }));
    }

    #[test]
    #[should_panic(expected = "asked to panic: \u{1b}[31mred")]
    fn a_panic_says_what_it_was_asked_to() {
        let _ = verdict(json!({ "fault": "panic" }));
    }

    #[test]
    fn floods_are_as_large_as_asked() {
        let run =
            testing::run::<Faulty>(testing::event("a.b", &json!({})), json!({ "fault": "log-flood", "amount": 7 }));
        assert_eq!(run.log.len(), 7);
        let Ok(Verdict::Send(request)) = verdict(json!({ "fault": "many-headers", "amount": 3 })) else {
            panic!("not sent")
        };
        assert_eq!(request.headers.len(), 3);
    }
}
