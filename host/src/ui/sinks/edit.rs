//! What a sink is called, and what it answers.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::ids::SinkId;
use crate::service::{Patch, SinkInput};
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, name_of, named};

#[derive(Template)]
#[template(path = "sinks/edit.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    fields: [Field; 5],
    id: String,
    name: String,
}

pub(super) async fn form(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>) -> Answer {
    let sink = ui.services.sink(signed.caller(), named(&id)?).await?;
    let lines: Vec<String> = sink.answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let typed = Posted::of_fields(&[
        ("name", &sink.name),
        ("status", &sink.answer.status.to_string()),
        ("delay", &sink.answer.delay_ms.to_string()),
        ("headers", &lines.join("\n")),
        ("body", &sink.answer.body),
    ]);
    page(&signed, (sink.id, &name_of(&sink)), (&typed, &Faults::default()))
}

pub(super) async fn save(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let sink = ui.services.sink(signed.caller(), named(&id)?).await?;
    let saved = match input(&posted) {
        Ok(input) => match ui.services.update_sink(signed.caller(), sink.id, input).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Faults::of(error)?),
        },
        Err(faults) => Err(faults),
    };
    match saved {
        Ok(()) => Ok(Redirect::to(&saying(&format!("{LIST}/{}", sink.id), "saved")).into_response()),
        Err(faults) => {
            let shown = page(&signed, (sink.id, &name_of(&sink)), (&posted, &faults))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
        }
    }
}

/// What was typed, as the service takes it.
fn input(posted: &Posted) -> Result<SinkInput, Faults> {
    let mut faults = Faults::default();
    let status = faults.parsed("/status", posted.filled("status"), |text| {
        text.parse::<u16>().map_err(|_| "must be a number such as 503")
    });
    let delay = faults
        .parsed("/delayMs", posted.filled("delay"), |text| text.parse::<u32>().map_err(|_| "must be a whole number"));
    let headers = faults.parsed("/headers", Some(posted.get("headers")), headers);
    let input = SinkInput {
        name: Patch::Set(posted.get("name").trim().to_owned()),
        tenant: Patch::Keep,
        status: status.map_or(Patch::Reset, Patch::Set),
        headers: headers.map_or(Patch::Keep, Patch::Set),
        // Browsers send lines of a form with both ends.
        body: Patch::Set(posted.get("body").replace("\r\n", "\n")),
        delay_ms: delay.map_or(Patch::Reset, Patch::Set),
    };
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

fn headers(text: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').ok_or("write a line each, such as Retry-After: 30")?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    lines.map(pair).collect()
}

fn page(signed: &Signed, (id, name): (SinkId, &str), (typed, faults): (&Posted, &Faults)) -> Result<Response, Failure> {
    let fields = [
        Field::new("name", "Name", Kind::Line("text")).value(typed.get("name")).judged("/name", faults),
        Field::new("status", "Status", Kind::Line("number"))
            .value(typed.get("status"))
            .hint("200 to 599. Anything but 2xx is a failed attempt, and is tried again; 410 disables the webhook.")
            .judged("/status", faults),
        Field::new("delay", "Delay", Kind::Line("number"))
            .value(typed.get("delay"))
            .hint("Milliseconds until it answers, up to 10,000. A webhook that waits for less gets no answer.")
            .judged("/delayMs", faults),
        Field::new("headers", "Headers", Kind::Text(3))
            .value(typed.get("headers"))
            .hint("A line each: Retry-After, Content-Type, Location, or any that begins with X-.")
            .mono()
            .judged("/headers", faults),
        Field::new("body", "Body", Kind::Text(5)).value(typed.get("body")).mono().judged("/body", faults),
    ];
    let page = Page {
        at: signed.0.layout(format!("Edit {name}")),
        csrf: signed.csrf(),
        faults: faults.summary(&fields.each_ref()),
        fields,
        id: id.to_string(),
        name: name.to_owned(),
    };
    Ok(rendered(&page)?.into_response())
}
