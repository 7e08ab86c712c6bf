//! All sinks, and making one.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::sink::Sink;
use crate::model::time::Timestamp;
use crate::service::{Patch, Services, SinkInput};
use crate::ui::deliveries::tenants;
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::page::{Pager, asked};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::show::Moment;
use crate::ui::{Answer, Ui};

use super::actions::sentence_of;
use super::{LIST, name_of, told};

#[derive(Template)]
#[template(path = "sinks/list.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    fields: Vec<Field>,
    shows_tenant: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    id: String,
    name: String,
    tenant: String,
    url: String,
    answer: String,
    made: Moment,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    page(&ui, &signed, (&query, &Posted::default(), &Faults::default())).await
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    let mut faults = Faults::default();
    let tenant = faults.parsed("/tenant", posted.filled("tenant"), str::parse);
    let name = posted.filled("name").map(str::to_owned);
    let input = SinkInput {
        name: name.map_or(Patch::Keep, Patch::Set),
        tenant: tenant.map_or(Patch::Keep, Patch::Set),
        ..SinkInput::default()
    };
    if faults.is_empty() {
        match ui.services.create_sink(signed.caller(), input).await {
            Ok(sink) => return Ok(Redirect::to(&saying(&format!("{LIST}/{}", sink.id), "made")).into_response()),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    let shown = page(&ui, &signed, (&Query::new(LIST, ""), &posted, &faults)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
}

async fn page(
    ui: &Ui,
    signed: &Signed,
    (query, typed, faults): (&Query, &Posted, &Faults),
) -> Result<Response, Failure> {
    let (services, caller, now) = (&ui.services, signed.caller(), ui.services.now());
    let found = services.sinks(caller, query.parsed("tenant"), asked(query)).await?;
    let tenants = tenants(services, caller)?;
    let shows_tenant = tenants.len() > 1;
    let mut fields =
        vec![Field::new("name", "Name", Kind::Line("text")).value(typed.get("name")).judged("/name", faults)];
    if shows_tenant {
        let choices = tenants.into_iter().map(|name| (name.clone(), name)).collect();
        let typed = typed.filled("tenant").unwrap_or("default");
        fields.push(
            Field::new("tenant", "Tenant", Kind::Choice(choices)).value(typed).required().judged("/tenant", faults),
        );
    }
    let page = Page {
        csrf: signed.csrf(),
        faults: faults.summary(&fields.iter().collect::<Vec<_>>()),
        fields,
        shows_tenant,
        rows: found.rows.iter().map(|sink| Row::new(services, sink, now)).collect(),
        pager: Pager::new(query, &found),
        at: signed.0.layout("Sinks").done(query.get("done").and_then(sentence_of)),
    };
    Ok(rendered(&page)?.into_response())
}

impl Row {
    fn new(services: &Services, sink: &Sink, now: Timestamp) -> Self {
        Self {
            id: sink.id.to_string(),
            name: name_of(sink),
            tenant: sink.tenant.to_string(),
            url: services.sink_url(sink),
            answer: told(&sink.answer),
            made: Moment::new(sink.created_at, now),
        }
    }
}
