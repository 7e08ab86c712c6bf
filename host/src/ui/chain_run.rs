//! What a chain makes of an event, step by step: what each plugin did to what it was given, and the request in the end.

use askama::Template;

use crate::model::event::Event;
use crate::service::{Preview, PreviewEnd};

use super::code::{Code, readable};
use super::deliveries::{Request, Stage};
use super::diff::Diff;
use super::failure::sentence;
use super::units::size;

/// Secrets stand in it as placeholders.
#[derive(Template)]
#[template(path = "parts/chain-run.html")]
pub(super) struct ChainRun {
    event_type: String,
    stages: Vec<Step>,
    request: Option<Made>,
    /// Why nothing would be sent.
    nothing: Option<String>,
    /// Said of the signature.
    note: &'static str,
}

impl askama::filters::HtmlSafe for ChainRun {}

struct Step {
    ran: Stage,
    /// Of what it was given and what it left.
    diff: Option<Diff>,
    /// Where they are too different for one.
    left: Option<Code>,
}

struct Made {
    request: Request,
    body: Code,
    size: String,
}

impl ChainRun {
    pub(super) fn new(event: &Event, preview: Preview, note: &'static str) -> Self {
        let (mut given, mut stages) = (event.data.bytes.clone(), Vec::with_capacity(preview.stages.len()));
        for (run, left) in preview.stages.iter().zip(preview.left) {
            let left = left.filter(|left| Stage::changes(run) && *left != given);
            let diff = left
                .as_ref()
                .and_then(|left| Diff::new("What it changes, by lines", &readable(&given), &readable(left)));
            let whole = left.as_ref().filter(|_| diff.is_none()).map(|left| Code::of_bytes("What it left", left));
            stages.push(Step { ran: Stage::new(run), diff, left: whole });
            given = left.unwrap_or(given);
        }
        let (request, nothing) = match preview.end {
            PreviewEnd::Request { sent, body } => {
                let (size, body) = (size(body.len() as u64), Code::of_bytes("Body of the request", &body));
                (Some(Made { request: Request::new(&sent), body, size }), None)
            }
            PreviewEnd::Nothing(outcome) => (None, Some(sentence(&outcome.to_string()))),
        };
        Self { event_type: event.event_type.to_string(), stages, request, nothing, note }
    }
}
