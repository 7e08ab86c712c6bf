//! One attempt of the timeline: how it ended, how long each phase took, what was sent and what came back.

use crate::model::attempt::{Attempt, Outcome, Sent, Trigger};
use crate::model::request::Header;
use crate::model::time::Timestamp;
use crate::ui::code::Code;
use crate::ui::failure::sentence;
use crate::ui::show::{Badge, Moment};

use super::phases::Phases;

pub(super) struct AttemptShown {
    pub(super) number: u32,
    /// Why it was made, if not by the policy.
    pub(super) trigger: Option<&'static str>,
    pub(super) badge: Badge,
    pub(super) reason: String,
    pub(super) at: String,
    pub(super) started: Moment,
    pub(super) phases: Option<Phases>,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) retry_reason: Option<String>,
    /// Unfolded: the newest one.
    pub(super) is_last: bool,
}

pub(in crate::ui) struct Request {
    pub(in crate::ui) line: String,
    pub(in crate::ui) headers: Code,
}

pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Code,
    pub(super) body: Option<Code>,
    pub(super) truncated: bool,
}

impl AttemptShown {
    pub(super) fn new(attempt: &Attempt, is_last: bool, now: Timestamp) -> Self {
        let badge = match &attempt.outcome {
            Outcome::Delivered => Badge::good("Delivered"),
            Outcome::Rejected { .. } => Badge::bad("Rejected"),
            Outcome::Unreachable { .. } => Badge::bad("No answer"),
            Outcome::Dropped { .. } => Badge::idle("Dropped"),
            Outcome::TransformFailed { .. } => Badge::bad("Plugin failed"),
            Outcome::FormatFailed { .. } => Badge::bad("Can’t be formatted"),
        };
        let response = attempt.response.as_ref().map(|response| Response {
            status: response.status,
            headers: headers("Response headers", &response.headers),
            body: (!response.body.is_empty()).then(|| Code::of_bytes("Response body", &response.body)),
            truncated: response.truncated,
        });
        Self {
            number: attempt.number,
            trigger: match attempt.trigger {
                Trigger::Automatic => None,
                Trigger::Manual => Some("asked for by hand"),
                Trigger::Test => Some("a test"),
            },
            badge,
            reason: sentence(&attempt.outcome.to_string()),
            at: attempt.started_at.to_string(),
            started: Moment::new(attempt.started_at, now),
            phases: Phases::new(&attempt.timings),
            request: attempt.sent.as_ref().map(Request::new),
            response,
            retry_reason: attempt.retry_reason.as_deref().map(sentence),
            is_last,
        }
    }
}

impl Request {
    pub(in crate::ui) fn new(sent: &Sent) -> Self {
        Self {
            line: format!("{} {}", sent.method.as_str(), sent.url),
            headers: headers("Request headers", &sent.headers),
        }
    }
}

fn headers(label: &'static str, headers: &[Header]) -> Code {
    let lines: Vec<String> = headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
    Code::new(label, lines.join("\n"))
}
