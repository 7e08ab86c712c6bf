//! Posts events to Slack: one Block Kit message an event, through an incoming webhook.
//!
//! Reads the event, the settings and nothing else. What comes from the event is never markup: it can't mention anybody, link
//! anywhere or leave its field, and no event is too large, too odd or too empty for a message that Slack accepts. Next:
//! `message.rs` (what is said), `mrkdwn.rs` (how it is made harmless), `judge.rs` (what Slack's answers mean), `README.md`.

mod judge;
mod message;
mod mrkdwn;
mod samples;
mod settings;

use waxwing_chat::Notice;
use waxwing_guest::{
    Attempt, Classify, Event, Failure, Issue, Judgement, Plugin, Reply, Request, Sample, Verdict, Webhook,
};

pub use crate::settings::{Link, Settings, Style};

/// The plugin.
pub struct Slack;

impl Plugin for Slack {
    type Settings = Settings;

    fn samples() -> Vec<Sample> {
        waxwing_chat::samples(&samples::OWN)
    }

    fn settings_schema() -> String {
        include_str!("../settings-schema.json").to_owned()
    }

    fn validate_settings(settings: &Settings) -> Result<(), Vec<Issue>> {
        settings.check()
    }

    fn transform(event: Event, settings: Settings, _webhook: &Webhook) -> Result<Verdict, Failure> {
        let notice = Notice::of(&event);
        Ok(Request::json(&message::compose(&notice, &settings))?.into())
    }
}

impl Classify for Slack {
    const ONLY_FAILURES: bool = true;

    fn classify(reply: Reply, _settings: Settings, _attempt: &Attempt) -> Judgement {
        judge::judge(&reply)
    }
}

waxwing_guest::export!(Slack, response);
