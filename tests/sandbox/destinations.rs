//! What the bundled formatters, run in the sandbox as they ship, would post: held against the vendors' limits by checkers that share
//! nothing with them.

#[allow(dead_code, reason = "each user of the checkers needs a part of them")]
#[path = "../destinations/checker.rs"]
mod checker;
#[path = "../destinations/trees.rs"]
mod trees;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use waxwing::model::event::Event;
use waxwing::model::request::RequestDraft;
use waxwing::transform::Verdict;

use self::checker::slack::Trusted;
use crate::world::{World, event_of};

/// The event types of the systems that Waxwing is for.
const EVENT_TYPES: [&str; 26] = [
    "activation.created",
    "activation.deleted",
    "activation.failed",
    "contract.created",
    "contract.deleted",
    "contract.suspended",
    "contract.updated",
    "license.activated",
    "license.assigned",
    "license.created",
    "license.deactivated",
    "license.deleted",
    "license.disabled",
    "license.expired",
    "license.expiring-soon",
    "license.revoked",
    "license.suspended",
    "license.updated",
    "license.validated",
    "license.validation",
    "product.created",
    "product.deleted",
    "product.updated",
    "telemetry.flagged",
    "telemetry.received",
    "user.created",
];

/// A formatter, and who judges what it would post.
struct Formatter {
    world: World,
    problems: fn(&RequestDraft) -> Vec<String>,
}

impl Formatter {
    async fn all() -> [Self; 2] {
        // The sample with settings of its own mentions and links, as an operator may.
        let slack = |draft: &RequestDraft| {
            let trusted = Trusted { link: Some("https://app.example.com/"), words: Some("<!here>") };
            checker::slack::problems_with(&draft.body, trusted)
        };
        let discord = |draft: &RequestDraft| {
            let own = "embeds[0].description: has emphasis: \"Please talk to **Example Industries**.\"";
            let mut found = checker::discord::problems(&draft.body, &draft.query);
            found.retain(|problem| problem != own);
            found
        };
        let [first, second] = ["slack", "discord"].map(World::bundled);
        [Self { world: first.await, problems: slack }, Self { world: second.await, problems: discord }]
    }

    /// Every problem with what would be posted for this event.
    async fn judge(&self, event: &Event, settings: Value) -> Vec<String> {
        let run = self.world.run_on(event, settings, u64::MAX).await;
        match run.result {
            Ok(Verdict::Send(draft)) => (self.problems)(&draft),
            other => vec![format!("nothing was sent: {other:?}")],
        }
    }
}

#[tokio::test]
async fn every_sample_event_is_a_message_that_its_destination_takes() {
    for formatter in Formatter::all().await {
        let manifest = &formatter.world.manifest;
        for event_type in EVENT_TYPES {
            let found =
                manifest.samples.iter().any(|sample| sample.event_type == event_type && sample.settings == "{}");
            assert!(found, "{}: no sample of {event_type}", manifest.name);
        }
        for sample in &manifest.samples {
            let settings = serde_json::from_str(&sample.settings).unwrap();
            let event = event_of(&sample.event_type, sample.data.clone());
            let found = formatter.judge(&event, settings).await;
            assert_eq!(found, [""; 0], "{}: {}", manifest.name, sample.name);
        }
    }
}

#[tokio::test]
async fn no_data_is_too_large_too_deep_or_too_odd() {
    for formatter in Formatter::all().await {
        for (name, data) in trees::nasties() {
            let found = formatter.judge(&event_of("license.activated", data), json!({})).await;
            assert_eq!(found, [""; 0], "{}: {name}", formatter.world.manifest.name);
        }
    }
}

#[test]
fn every_tree_becomes_a_message_that_its_destination_takes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for formatter in runtime.block_on(Formatter::all()) {
        let cases = Config { cases: 64, failure_persistence: None, ..Config::default() };
        let judged = TestRunner::new(cases).run(&trees::tree(), |tree| {
            let event = event_of("license.activated", tree.to_string());
            let found = runtime.block_on(formatter.judge(&event, json!({})));
            prop_assert_eq!(found, [""; 0]);
            Ok(())
        });
        judged.unwrap_or_else(|error| panic!("{}: {error}", formatter.world.manifest.name));
    }
}
