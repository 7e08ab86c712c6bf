//! Posts events to Discord: one embed an event, through a webhook.
//!
//! Reads the event, the settings and nothing else. What comes from the event is never markup: it can't mention anybody, link
//! anywhere or leave its field, and no event is too large, too odd or too empty for a message that Discord accepts. Next:
//! `message.rs` (what is said), `markdown.rs` (how it is made harmless), `judge.rs` (what Discord's answers mean), `README.md`.

mod judge;
mod markdown;
mod message;
mod samples;
mod settings;

use waxwing_chat::Notice;
use waxwing_guest::{
    Attempt, Classify, Event, Failure, Issue, Judgement, Plugin, Reply, Request, Sample, Verdict, Webhook,
};

pub use crate::settings::{Link, Settings, Style};

/// The plugin.
pub struct Discord;

impl Plugin for Discord {
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
        // Without `wait`, Discord answers before it has saved the message, and a lost one looks delivered.
        let mut request = Request::json(&message::compose(&notice, &settings))?.query("wait", "true");
        if let Some(thread) = settings.thread_id {
            request = request.query("thread_id", thread);
        }
        Ok(request.into())
    }
}

impl Classify for Discord {
    const ONLY_FAILURES: bool = true;

    fn classify(reply: Reply, _settings: Settings, _attempt: &Attempt) -> Judgement {
        judge::judge(&reply)
    }
}

waxwing_guest::export!(Discord, response);
