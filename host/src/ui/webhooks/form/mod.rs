//! `/admin/webhooks/new` and `/admin/webhooks/{id}/edit`: one form for both. It is always shown of what stands in it: a webhook fills it
//! once, and whatever was typed stays until it is saved.

mod chain;
mod control;
mod events;
pub(super) mod formats;
mod pairing;
mod schema;
mod sections;
pub(super) mod typed;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;

use crate::model::ids::WebhookId;
use crate::model::plugin::Stage;
use crate::model::webhook::Webhook;
use crate::service::webhooks::WebhookInput;
use crate::service::{Patch, ServiceError};
use crate::ui::field::{Faults, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui, sinks};

pub(super) use self::control::{Control, Kind};
use self::events::Events;
use self::formats::{FORMATS, Words};
use self::sections::{Row, basics, delivery, format, renewal, rows};

use super::actions::named;
use super::{LIST, secret};

#[derive(Template)]
#[template(path = "webhooks/form.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    /// Somebody else saved it since this form was opened.
    conflict: bool,
    /// The webhook that is changed.
    id: Option<String>,
    revision: String,
    name: String,
    basics: Vec<Control>,
    events: Events,
    events_error: Option<String>,
    further: Control,
    format: Vec<Control>,
    formats: &'static [Words],
    delivery: Vec<Control>,
    rows: Vec<Row>,
    headers_error: Option<String>,
    /// A new secret, in a change.
    renewal: Vec<Control>,
    chain: Vec<chain::Shown>,
    /// What may be added to it.
    plugins: Vec<(String, String)>,
}

/// What a form is shown of.
struct Shown<'a> {
    typed: &'a Posted,
    faults: &'a Faults,
    webhook: Option<&'a Webhook>,
    chain: &'a [chain::Typed],
    conflict: bool,
}

/// What a button of the form says that isn't the one that saves.
fn is_about_the_chain(posted: &Posted) -> bool {
    !matches!(posted.get("do"), "" | "save")
}

pub(super) async fn new(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    ui.services.may_create_webhooks(signed.caller())?;
    let sink = match query.get("sink") {
        Some(id) => Some(ui.services.sink(signed.caller(), sinks::named(id)?).await?),
        None => None,
    };
    let tenant = sink.as_ref().map(|sink| &sink.tenant).or(signed.caller().tenant.as_ref()).map(ToString::to_string);
    let url = sink.map(|sink| ui.services.sink_url(&sink)).unwrap_or_default();
    let typed = typed::of_settings(&ui.services.settings(signed.caller())?, tenant.as_deref(), url);
    page(&ui, &signed, Shown { typed: &typed, faults: &Faults::default(), webhook: None, chain: &[], conflict: false })
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_create_webhooks(signed.caller())?;
    let mut stages = chain::of_posted(&posted);
    if is_about_the_chain(&posted) {
        chain::act(&mut stages, &posted);
        let faults = Faults::default();
        let shown = Shown { typed: &posted, faults: &faults, webhook: None, chain: &stages, conflict: false };
        return page(&ui, &signed, shown);
    }
    let refused = |faults: &Faults| {
        let shown = Shown { typed: &posted, faults, webhook: None, chain: &stages, conflict: false };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&ui, &signed, shown)?).into_response())
    };
    let read = typed::input(&posted).and_then(|input| with_chain(&ui, &signed, (input, &stages, &[])));
    let input = match read {
        Ok(input) => input,
        Err(faults) => return refused(&faults),
    };
    match ui.services.create_webhook(signed.caller(), input).await {
        Ok(created) => secret::page(&signed, &created.webhook, (&created.secret, secret::Why::Created)),
        Err(error) => refused(&Faults::of(error)?),
    }
}

pub(super) async fn edit(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let (typed, faults) = (typed::of_webhook(&webhook), Faults::default());
    let stages = chain::of_webhook(&webhook, &ui.services.plugins(signed.caller())?);
    let shown = Shown { typed: &typed, faults: &faults, webhook: Some(&webhook), chain: &stages, conflict: false };
    page(&ui, &signed, shown)
}

pub(super) async fn save(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let id: WebhookId = named(&id)?;
    let webhook = ui.services.webhook_to_change(signed.caller(), id)?;
    let mut stages = chain::of_posted(&posted);
    let again = |(stages, faults): (&[chain::Typed], &Faults)| {
        let shown = Shown { typed: &posted, faults, webhook: Some(&webhook), chain: stages, conflict: false };
        page(&ui, &signed, shown)
    };
    if is_about_the_chain(&posted) {
        chain::act(&mut stages, &posted);
        return again((&stages, &Faults::default()));
    }
    let refused = |faults: &Faults| Ok((StatusCode::UNPROCESSABLE_ENTITY, again((&stages, faults))?).into_response());
    let old = &webhook.revision.chain;
    let read = typed::change(&posted).and_then(|input| with_chain(&ui, &signed, (input, &stages, old)));
    let input = match read {
        Ok(input) => input,
        Err(faults) => return refused(&faults),
    };
    let renewed = matches!(input.new_secret, Patch::Set(_));
    match ui.services.update_webhook(signed.caller(), id, input).await {
        Ok(saved) => match saved.current.secrets.first().filter(|_| renewed) {
            Some(newest) => secret::page(&signed, &saved, (&newest.secret, secret::Why::Renewed)),
            None => Ok(Redirect::to(&saying(&format!("{LIST}/{id}"), "saved")).into_response()),
        },
        Err(ServiceError::Conflict { .. }) => {
            // What it is by now, so that saving once more is meant for that.
            let webhook = ui.services.webhook_to_change(signed.caller(), id)?;
            chain::forget_origins(&mut stages);
            let faults = Faults::default();
            let shown =
                Shown { typed: &posted, faults: &faults, webhook: Some(&webhook), chain: &stages, conflict: true };
            Ok((StatusCode::CONFLICT, page(&ui, &signed, shown)?).into_response())
        }
        Err(error) => refused(&Faults::of(error)?),
    }
}

/// With the stages of the form; the API's caller would write them himself.
fn with_chain(
    ui: &Ui,
    signed: &Signed,
    (input, stages, old): (WebhookInput, &[chain::Typed], &[Stage]),
) -> Result<WebhookInput, Faults> {
    let mut faults = Faults::default();
    let plugins = ui.services.plugins(signed.caller()).unwrap_or_default();
    let stages = chain::inputs(stages, old, (&plugins, &mut faults));
    if faults.is_empty() { Ok(WebhookInput { plugins: Patch::Set(stages), ..input }) } else { Err(faults) }
}

fn page(ui: &Ui, signed: &Signed, shown: Shown<'_>) -> Answer {
    let Shown { typed, faults, webhook, chain: stages, conflict } = shown;
    let plugins = ui.services.plugins(signed.caller())?;
    let chain = chain::shown(stages, &plugins, (webhook, faults));
    let basics = basics(ui, signed, &shown)?;
    let further = Control::new("patterns", "Further types and patterns", Kind::Text(2)).mono().hint(
        "A line each: event types that the catalogue doesn’t hold, or patterns such as order.* (every type below order).",
    );
    let events = Events::new(&ui.services.event_types(signed.caller()), typed);
    let further = further.value(&events.further);
    let (format, delivery) = (format(&shown), delivery(&shown));
    let renewal = webhook.map(|webhook| renewal(webhook, &shown)).unwrap_or_default();
    let mut places: Vec<(&str, &str, &str)> = basics.iter().map(Control::place).collect();
    places.push(("/events", "events", "Events"));
    places.extend(format.iter().chain(&delivery).map(Control::place));
    places.push(("/headers", "headers", "Custom headers"));
    places.extend(renewal.iter().map(Control::place));
    places.extend(chain.iter().flat_map(chain::Shown::places));
    let title = if webhook.is_some() { "Edit webhook" } else { "Create webhook" };
    let seen = if conflict { webhook.map(|webhook| webhook.revision.id.to_string()) } else { None };
    let page = Page {
        at: signed.0.layout(title),
        csrf: signed.csrf(),
        faults: faults.summary_of(&places),
        conflict,
        id: webhook.map(|webhook| webhook.id.to_string()),
        revision: seen.unwrap_or_else(|| typed.get("revision").to_owned()),
        name: webhook.map(super::name_of).unwrap_or_default(),
        events_error: faults.at("/events"),
        rows: rows(typed),
        headers_error: faults.at("/headers"),
        plugins: chain::choices(&plugins),
        chain,
        formats: &FORMATS,
        basics,
        events,
        further,
        format,
        delivery,
        renewal,
    };
    Ok(rendered(&page)?.into_response())
}
