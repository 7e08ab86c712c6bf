//! Adding a type, changing one, and taking one out.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::name::EventType;
use crate::service::{EventTypeInput, Patch};
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::json::{in_lines, typed};
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::view::named;
use super::{LIST, NEW};

#[derive(Template)]
#[template(path = "event-types/form.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    /// `None` for a new one.
    name: Option<String>,
    fields: Vec<Field>,
}

pub(super) async fn new(State(ui): State<Ui>, signed: Signed) -> Answer {
    ui.services.may_administer(signed.caller())?;
    page(&signed, None, (&Posted::default(), &Faults::default()))
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let mut faults = Faults::default();
    let name = faults.parsed("/type", Some(posted.get("type").trim()), str::parse::<EventType>);
    let known = name.as_ref().is_some_and(|name| ui.services.event_type(signed.caller(), name).is_ok());
    if known {
        faults = Faults::one("/type", "is in the catalogue already: choose it there to change it");
    }
    let input = input(&posted, &mut faults);
    match name.filter(|_| faults.is_empty()) {
        Some(name) => put(&ui, &signed, (name, input, "created"), &posted).await,
        None => refused(&signed, None, (&posted, &faults)),
    }
}

pub(super) async fn edit(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let entry = ui.services.event_type(signed.caller(), &named(&name)?)?;
    let (schema, sample) = (entry.schema.as_deref().map(in_lines), entry.sample.as_deref().map(in_lines));
    let known = Posted::of_fields(&[
        ("description", &entry.description),
        ("schema", schema.as_deref().unwrap_or_default()),
        ("sample", sample.as_deref().unwrap_or_default()),
        ("deprecated", if entry.deprecated { "yes" } else { "" }),
    ]);
    page(&signed, Some(entry.event_type.as_str()), (&known, &Faults::default()))
}

pub(super) async fn change(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let name = named(&name)?;
    // Deleted meanwhile: it isn't made anew.
    ui.services.event_type(signed.caller(), &name)?;
    let mut faults = Faults::default();
    let input = input(&posted, &mut faults);
    if !faults.is_empty() {
        return refused(&signed, Some(name.as_str()), (&posted, &faults));
    }
    put(&ui, &signed, (name, input, "changed"), &posted).await
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, _: Posted) -> Answer {
    ui.services.delete_event_type(signed.caller(), &named(&name)?).await?;
    Ok(Redirect::to(&saying(LIST, "deleted")).into_response())
}

async fn put(
    ui: &Ui,
    signed: &Signed,
    (name, input, done): (EventType, EventTypeInput, &str),
    posted: &Posted,
) -> Answer {
    let is_new = done == "created";
    match ui.services.put_event_type(signed.caller(), name.clone(), input).await {
        Ok(_) => Ok(Redirect::to(&saying(&format!("{LIST}/{name}"), done)).into_response()),
        Err(error) => {
            let faults = Faults::of(error)?;
            refused(signed, (!is_new).then_some(name.as_str()), (posted, &faults))
        }
    }
}

/// What was typed, as the service takes it.
fn input(posted: &Posted, faults: &mut Faults) -> EventTypeInput {
    let mut json = |pointer, name| match posted.filled(name) {
        Some(text) => faults.parsed(pointer, Some(text), typed).map_or(Patch::Keep, Patch::Set),
        None => Patch::Reset,
    };
    let (schema, sample) = (json("/schema", "schema"), json("/sample", "sample"));
    EventTypeInput {
        description: Patch::Set(posted.get("description").trim().to_owned()),
        schema,
        sample,
        deprecated: Patch::Set(posted.filled("deprecated").is_some()),
    }
}

fn refused(signed: &Signed, name: Option<&str>, shown: (&Posted, &Faults)) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(signed, name, shown)?).into_response())
}

fn page(signed: &Signed, name: Option<&str>, (typed, faults): (&Posted, &Faults)) -> Result<Response, Failure> {
    let mut fields = Vec::new();
    if name.is_none() {
        fields.push(
            Field::new("type", "Type", Kind::Line("text"))
                .value(typed.get("type"))
                .hint("Letters, digits, - and _ in groups with dots between, such as license.activated.")
                .required()
                .mono()
                .judged("/type", faults),
        );
    }
    fields.extend([
        Field::new("description", "Description", Kind::Text(2))
            .value(typed.get("description"))
            .hint("When it happens.")
            .judged("/description", faults),
        Field::new("sample", "Sample", Kind::Text(8))
            .value(typed.get("sample"))
            .hint("The data of one, as JSON: what tests and previews send.")
            .mono()
            .judged("/sample", faults),
        Field::new("schema", "Schema", Kind::Text(10))
            .value(typed.get("schema"))
            .hint("JSON Schema 2020-12 of the data. Events of strict tenants must fit it.")
            .mono()
            .judged("/schema", faults),
        Field::new("deprecated", "Deprecated: still sent, not to be chosen any more", Kind::Tick)
            .value(typed.get("deprecated"))
            .judged("/deprecated", faults),
    ]);
    let summary = faults.summary(&fields.iter().collect::<Vec<_>>());
    let at = signed.0.layout(name.map_or_else(|| "New event type".to_owned(), |name| format!("Edit {name}")));
    let page = Page { at, csrf: signed.csrf(), faults: summary, name: name.map(str::to_owned), fields };
    Ok(rendered(&page)?.into_response())
}
