//! `/admin/webhooks/{id}/test`: sends a test event now, and shows what the receiver answered.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use http::StatusCode;
use serde_json::value::RawValue;

use crate::model::attempt::{Attempt, Outcome};
use crate::model::name::EventType;
use crate::model::webhook::Webhook;
use crate::service::{TestInput, Tested};
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::session::Signed;
use crate::ui::show::Badge;
use crate::ui::{Answer, Ui};

use super::LIST;
use super::actions::named;

#[derive(Template)]
#[template(path = "webhooks/test.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    id: String,
    name: String,
    fields: [Field; 2],
    result: Option<Shown>,
}

/// How a test ended.
struct Shown {
    badge: Badge,
    /// Of its page in the log.
    delivery: String,
    status: Option<u16>,
    millis: Option<u128>,
    error: Option<String>,
    headers: String,
    body: String,
    truncated: bool,
}

pub(super) async fn form(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    page(&ui, &signed, (&webhook, &Posted::default()), (&Faults::default(), None))
}

pub(super) async fn send(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let refused = |faults: &Faults| {
        let page = page(&ui, &signed, (&webhook, &posted), (faults, None))?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let mut faults = Faults::default();
    let event_type = faults.parsed("/type", posted.filled("type"), str::parse);
    let json = |text: &str| RawValue::from_string(text.to_owned()).map_err(|error| format!("this is no JSON: {error}"));
    let data = faults.parsed("/data", posted.filled("data"), json);
    if !faults.is_empty() {
        return refused(&faults);
    }
    match ui.services.test_webhook(signed.caller(), TestInput { webhook_id: webhook.id, event_type, data }).await {
        Ok(tested) => page(&ui, &signed, (&webhook, &posted), (&Faults::default(), Some(Shown::of(&tested)))),
        Err(error) => refused(&Faults::of(error)?),
    }
}

fn page(
    ui: &Ui,
    signed: &Signed,
    (webhook, typed): (&Webhook, &Posted),
    (faults, result): (&Faults, Option<Shown>),
) -> Answer {
    let wanted = |name: &String| name.parse::<EventType>().is_ok_and(|name| webhook.revision.subscription.wants(&name));
    let catalogue = ui.services.event_types(signed.caller()).into_iter().map(|entry| entry.event_type.to_string());
    let (mut types, others): (Vec<String>, Vec<String>) = catalogue.partition(wanted);
    types.extend(others);
    let mut choices = vec![(String::new(), "What it would get most likely".to_owned())];
    let typed_type = typed.get("type");
    if !typed_type.is_empty() && !types.iter().any(|name| name == typed_type) {
        types.push(typed_type.to_owned());
    }
    choices.extend(types.into_iter().map(|name| (name.clone(), name)));
    let fields = [
        Field::new("type", "Event type", Kind::Choice(choices))
            .required()
            .value(typed_type)
            .hint("Those that the webhook wants come first. A test is sent whatever it wants.")
            .judged("/type", faults),
        Field::new("data", "Own data", Kind::Text(6))
            .value(typed.get("data"))
            .mono()
            .hint("JSON. If left empty, the catalogue’s sample of the type.")
            .judged("/data", faults),
    ];
    let page = Page {
        at: signed.0.layout("Test webhook"),
        csrf: signed.csrf(),
        faults: faults.summary_of(&fields.each_ref().map(Field::place)),
        id: webhook.id.to_string(),
        name: super::name_of(webhook),
        fields,
        result,
    };
    Ok(rendered(&page)?.into_response())
}

impl Shown {
    fn of(tested: &Tested) -> Self {
        let Attempt { outcome, response, timings, .. } = &tested.attempt;
        let response = response.as_ref();
        let headers = response.map(|response| response.headers.as_slice()).unwrap_or_default();
        let lines: Vec<String> = headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
        let succeeded = *outcome == Outcome::Delivered;
        Self {
            badge: if succeeded { Badge::good("Delivered") } else { Badge::bad("Not delivered") },
            delivery: tested.delivery.shown(true),
            status: response.map(|response| response.status),
            millis: timings.total.map(|total| total.as_millis()),
            error: (!succeeded).then(|| crate::ui::failure::sentence(&outcome.to_string())),
            headers: lines.join("\n"),
            body: response.map(|response| String::from_utf8_lossy(&response.body).into_owned()).unwrap_or_default(),
            truncated: response.is_some_and(|response| response.truncated),
        }
    }
}
