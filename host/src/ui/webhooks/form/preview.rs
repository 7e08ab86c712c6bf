//! The pane that shows what would be sent of what stands in the form, before it is saved: what each plugin made of an event, and the
//! signed request. Sends nothing, stores nothing.

use serde_json::value::RawValue;

use crate::model::webhook::Webhook;
use crate::service::webhooks::WebhookInput;
use crate::service::{DraftInput, PreviewInput, TrialEvent};
use crate::ui::Ui;
use crate::ui::chain_run::ChainRun;
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind};
use crate::ui::form::Posted;
use crate::ui::session::Signed;

/// What the button says.
pub(super) const BUTTON: &str = "preview";

pub(super) fn fields(typed: &Posted, faults: &Faults, types: &[String]) -> [Field; 3] {
    let usual = (String::new(), "One that it wants".to_owned());
    let mut choices: Vec<_> = types.iter().map(|name| (name.clone(), name.clone())).collect();
    choices.insert(0, usual);
    [
        Field::new("preview-type", "Event type", Kind::Choice(choices))
            .value(typed.get("preview-type"))
            .judged("/event/type", faults),
        Field::new("preview-data", "Data", Kind::Text(4))
            .value(typed.get("preview-data"))
            .mono()
            .hint("JSON. The catalogue’s sample of the type, if empty.")
            .judged("/event/data", faults),
        Field::new("preview-event", "Or a stored event", Kind::Line("text"))
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
) -> Result<Result<ChainRun, Faults>, Failure> {
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
    let note =
        if webhook.is_none() { "its secret isn’t made before it is saved, so another one signed this" } else { "" };
    let (caller, change) = (signed.caller(), Box::new(input));
    let previewed = match webhook {
        Some(webhook) => {
            let input = PreviewInput { event_id, event, plugins: None, change: Some(change) };
            ui.services.preview_webhook(caller, webhook.id, input).await
        }
        None => ui.services.preview_draft(caller, DraftInput { webhook: change, event_id, event }).await,
    };
    match previewed {
        Ok((event, preview)) => Ok(Ok(ChainRun::new(&event, preview, note))),
        Err(error) => Ok(Err(Faults::of(error)?.outside(&["/change", "/webhook"]))),
    }
}
