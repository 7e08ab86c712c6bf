//! `/admin/webhooks/new` and `/admin/webhooks/{id}/edit`: one form for both. It is always shown of what stands in it: a webhook fills it
//! once, and whatever was typed stays until it is saved.

mod chain;
mod events;
pub(super) mod formats;
mod preview;
mod schema;
mod sections;
mod start;
pub(super) mod typed;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;

use crate::model::ids::WebhookId;
use crate::model::webhook::Webhook;
use crate::service::webhooks::WebhookInput;
use crate::service::{Patch, ServiceError};
use crate::ui::chain_run::ChainRun;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

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
    basics: Vec<Field>,
    events: Events,
    events_error: Option<String>,
    further: Field,
    format: Vec<Field>,
    formats: &'static [Words],
    delivery: Vec<Field>,
    rows: Vec<Row>,
    headers_error: Option<String>,
    /// A new secret, in a change.
    renewal: Vec<Field>,
    chain: Vec<chain::Shown>,
    /// What may be added to it.
    plugins: Vec<(String, String)>,
    template: Option<start::FromTemplate>,
    preview: [Field; 3],
    previewed: Option<ChainRun>,
}

/// What a form is shown of.
struct Shown<'a> {
    typed: &'a Posted,
    faults: &'a Faults,
    webhook: Option<&'a Webhook>,
    chain: &'a [chain::Typed],
    conflict: bool,
    previewed: Option<ChainRun>,
}

impl<'a> Shown<'a> {
    fn of((typed, chain): (&'a Posted, &'a [chain::Typed]), webhook: Option<&'a Webhook>, faults: &'a Faults) -> Self {
        Self { typed, faults, webhook, chain, conflict: false, previewed: None }
    }
}

/// What a button of the form says that isn't the one that saves.
fn is_about_the_chain(posted: &Posted) -> bool {
    !matches!(posted.get("do"), "" | "save" | preview::BUTTON)
}

pub(super) async fn new(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    ui.services.may_create_webhooks(signed.caller())?;
    let (typed, stages) = start::typed(&ui, &signed, &query).await?;
    page(&ui, &signed, Shown::of((&typed, &stages), None, &Faults::default()))
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_create_webhooks(signed.caller())?;
    let mut stages = chain::of_posted(&posted);
    if is_about_the_chain(&posted) {
        chain::act(&mut stages, &posted);
        return page(&ui, &signed, Shown::of((&posted, &stages), None, &Faults::default()));
    }
    let refused = |faults: &Faults| refused(&ui, &signed, Shown::of((&posted, &stages), None, faults));
    let read = typed::input(&posted).and_then(|input| with_chain(&ui, &signed, (input, &stages)));
    let input = match read {
        Ok(input) => input,
        Err(faults) => return refused(&faults),
    };
    if posted.get("do") == preview::BUTTON {
        return previewed((&ui, &signed), (&posted, &stages), (None, input)).await;
    }
    match ui.services.create_webhook(signed.caller(), input).await {
        Ok(created) => secret::hand_over(&ui, &signed, (&created.webhook, &created.secret), secret::Why::Created),
        Err(error) => refused(&Faults::of(error)?),
    }
}

pub(super) async fn edit(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let typed = typed::of_webhook(&webhook);
    let stages = chain::of_webhook(&webhook, &ui.services.plugins(signed.caller())?);
    page(&ui, &signed, Shown::of((&typed, &stages), Some(&webhook), &Faults::default()))
}

pub(super) async fn save(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let id: WebhookId = named(&id)?;
    let webhook = ui.services.webhook_to_change(signed.caller(), id)?;
    let mut stages = chain::of_posted(&posted);
    if is_about_the_chain(&posted) {
        chain::act(&mut stages, &posted);
        return page(&ui, &signed, Shown::of((&posted, &stages), Some(&webhook), &Faults::default()));
    }
    let refused = |faults: &Faults| refused(&ui, &signed, Shown::of((&posted, &stages), Some(&webhook), faults));
    let read = typed::change(&posted).and_then(|input| with_chain(&ui, &signed, (input, &stages)));
    let input = match read {
        Ok(input) => input,
        Err(faults) => return refused(&faults),
    };
    if posted.get("do") == preview::BUTTON {
        return previewed((&ui, &signed), (&posted, &stages), (Some(&webhook), input)).await;
    }
    let renewed = matches!(input.new_secret, Patch::Set(_));
    match ui.services.update_webhook(signed.caller(), id, input).await {
        Ok(saved) => match saved.current.secrets.first().filter(|_| renewed) {
            Some(newest) => secret::hand_over(&ui, &signed, (&saved, &newest.secret), secret::Why::Renewed),
            None => Ok(Redirect::to(&saying(&format!("{LIST}/{id}"), "saved")).into_response()),
        },
        Err(ServiceError::Conflict { .. }) => {
            // What it is by now, so that saving once more is meant for that.
            let webhook = ui.services.webhook_to_change(signed.caller(), id)?;
            chain::find_origins(&mut stages, &webhook.revision.chain);
            let faults = Faults::default();
            let shown = Shown { conflict: true, ..Shown::of((&posted, &stages), Some(&webhook), &faults) };
            Ok((StatusCode::CONFLICT, page(&ui, &signed, shown)?).into_response())
        }
        Err(error) => refused(&Faults::of(error)?),
    }
}

fn refused(ui: &Ui, signed: &Signed, shown: Shown<'_>) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(ui, signed, shown)?).into_response())
}

/// The form again, with what would be sent.
async fn previewed(
    (ui, signed): (&Ui, &Signed),
    (posted, stages): (&Posted, &[chain::Typed]),
    (webhook, input): (Option<&Webhook>, WebhookInput),
) -> Answer {
    match preview::run((ui, signed), posted, (webhook, input)).await? {
        Ok(shown) => {
            let faults = Faults::default();
            page(ui, signed, Shown { previewed: Some(shown), ..Shown::of((posted, stages), webhook, &faults) })
        }
        Err(faults) => refused(ui, signed, Shown::of((posted, stages), webhook, &faults)),
    }
}

/// With the stages of the form; the API's caller would write them himself.
fn with_chain(
    ui: &Ui,
    signed: &Signed,
    (input, stages): (WebhookInput, &[chain::Typed]),
) -> Result<WebhookInput, Faults> {
    let mut faults = Faults::default();
    let plugins = ui.services.plugins(signed.caller()).unwrap_or_default();
    let stages = chain::inputs(stages, (&plugins, &mut faults));
    if faults.is_empty() { Ok(WebhookInput { plugins: Patch::Set(stages), ..input }) } else { Err(faults) }
}

fn page(ui: &Ui, signed: &Signed, shown: Shown<'_>) -> Answer {
    let Shown { typed, faults, webhook, chain: stages, conflict, .. } = shown;
    let plugins = ui.services.plugins(signed.caller())?;
    let chain = chain::shown(stages, &plugins, (webhook, faults));
    let basics = basics(ui, signed, &shown)?;
    let further = Field::new("patterns", "Further types and patterns", Kind::Text(2)).mono().hint(
        "A line each: event types that the catalogue doesn’t hold, or patterns such as order.* (every type below order).",
    );
    let catalogue = ui.services.event_types(signed.caller());
    let events = Events::new(&catalogue, typed);
    let types: Vec<String> = catalogue.iter().map(|entry| entry.event_type.to_string()).collect();
    let preview = preview::fields(typed, faults, &types);
    let further = further.value(&events.further);
    let (format, delivery) = (format(&shown), delivery(&shown));
    let renewal = webhook.map(|webhook| renewal(webhook, &shown)).unwrap_or_default();
    let mut places: Vec<(&str, &str, &str)> = basics.iter().map(Field::place).collect();
    places.push(("/events", "events", "Events"));
    places.extend(format.iter().chain(&delivery).map(Field::place));
    places.push(("/headers", "headers", "Custom headers"));
    places.extend(renewal.iter().map(Field::place));
    places.extend(chain.iter().flat_map(chain::Shown::places));
    places.extend(preview.iter().map(Field::place));
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
        template: start::from_template((ui, signed), typed.get("template"), stages, &plugins)?,
        plugins: chain::choices(&plugins),
        chain,
        formats: &FORMATS,
        basics,
        events,
        further,
        format,
        delivery,
        renewal,
        preview,
        previewed: shown.previewed,
    };
    Ok(rendered(&page)?.into_response())
}
