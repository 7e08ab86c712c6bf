//! The pane that shows what would be sent of what stands in the form, before it is saved: what each plugin made of an event, and the
//! signed request. Sends nothing, stores nothing.

use serde_json::value::RawValue;

use crate::model::event::Event;
use crate::model::webhook::Webhook;
use crate::service::webhooks::WebhookInput;
use crate::service::{DraftInput, Preview, PreviewEnd, PreviewInput, TrialEvent};
use crate::ui::Ui;
use crate::ui::code::{Code, readable};
use crate::ui::deliveries::{Request, Stage};
use crate::ui::diff::Diff;
use crate::ui::failure::{Failure, sentence};
use crate::ui::field::Faults;
use crate::ui::form::Posted;
use crate::ui::session::Signed;
use crate::ui::units::size;

use super::control::{Control, Kind};

/// What the button says.
pub(super) const BUTTON: &str = "preview";

/// What an event came to.
pub(super) struct Shown {
    pub(super) event_type: String,
    pub(super) stages: Vec<StageShown>,
    pub(super) request: Option<(Request, Code, String)>,
    /// Why nothing would be sent.
    pub(super) nothing: Option<String>,
}

pub(super) struct StageShown {
    pub(super) ran: Stage,
    /// Of what it was given and what it left.
    pub(super) diff: Option<Diff>,
    /// Where they are too different for one.
    pub(super) left: Option<Code>,
}

pub(super) fn fields(typed: &Posted, faults: &Faults, types: &[String]) -> [Control; 3] {
    let usual = (String::new(), "One that it wants".to_owned());
    let mut choices: Vec<_> = types.iter().map(|name| (name.clone(), name.clone())).collect();
    choices.insert(0, usual);
    [
        Control::new("preview-type", "Event type", Kind::Choice(choices))
            .value(typed.get("preview-type"))
            .judged("/event/type", faults),
        Control::new("preview-data", "Data", Kind::Text(4))
            .value(typed.get("preview-data"))
            .mono()
            .hint("JSON. The catalogue’s sample of the type, if empty.")
            .judged("/event/data", faults),
        Control::new("preview-event", "Or a stored event", Kind::Line("text"))
            .value(typed.get("preview-event"))
            .mono()
            .hint("Its id, in place of type and data: evt_…")
            .judged("/eventId", faults),
    ]
}

/// What would be sent by the webhook as it stands in the form: changed, or new.
pub(super) async fn run(
    (ui, signed): (&Ui, &Signed),
    typed: &Posted,
    (webhook, input): (Option<&Webhook>, WebhookInput),
) -> Result<Result<Shown, Faults>, Failure> {
    let mut faults = Faults::default();
    let event_id = faults.parsed("/eventId", typed.filled("preview-event"), str::parse);
    let event_type = faults.parsed("/event/type", typed.filled("preview-type"), str::parse);
    let data = faults.parsed("/event/data", typed.filled("preview-data"), |text| {
        RawValue::from_string(text.to_owned()).map_err(|error| format!("isn't JSON: {error}"))
    });
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    let event = event_id.is_none().then(|| TrialEvent { event_type, data, ..TrialEvent::default() });
    let (caller, change) = (signed.caller(), Box::new(input));
    let previewed = match webhook {
        Some(webhook) => {
            let input = PreviewInput { event_id, event, plugins: None, change: Some(change) };
            ui.services.preview_webhook(caller, webhook.id, input).await
        }
        None => ui.services.preview_draft(caller, DraftInput { webhook: change, event_id, event }).await,
    };
    match previewed {
        Ok((event, preview)) => Ok(Ok(Shown::new(&event, preview))),
        Err(error) => Ok(Err(Faults::of(error)?.outside(&["/change", "/webhook"]))),
    }
}

impl Shown {
    fn new(event: &Event, preview: Preview) -> Self {
        let (mut given, mut stages) = (event.data.bytes.clone(), Vec::with_capacity(preview.stages.len()));
        for (run, left) in preview.stages.iter().zip(preview.left) {
            let left = left.filter(|_| Stage::changes(run));
            let diff = left
                .as_ref()
                .and_then(|left| Diff::new("What it changes, by lines", &readable(&given), &readable(left)));
            let whole = left.as_ref().filter(|left| diff.is_none() && **left != given);
            let whole = whole.map(|left| Code::of_bytes("What it left", left));
            stages.push(StageShown { ran: Stage::new(run), diff, left: whole });
            given = left.unwrap_or(given);
        }
        let (request, nothing) = match preview.end {
            PreviewEnd::Request { sent, body } => {
                let code = Code::of_bytes("Body of the request", &body);
                (Some((Request::new(&sent), code, size(body.len() as u64))), None)
            }
            PreviewEnd::Nothing(outcome) => (None, Some(sentence(&outcome.to_string()))),
        };
        Self { event_type: event.event_type.to_string(), stages, request, nothing }
    }
}
