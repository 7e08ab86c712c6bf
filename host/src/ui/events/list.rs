//! The list of events, and the box that finds the one to explain.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};

use crate::model::event::Event;
use crate::model::page::Page as Rows;
use crate::model::time::Timestamp;
use crate::service::{Caller, EventFilter, Services};
use crate::ui::deliveries::{all, moment, tenants, time};
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::layout::{Layout, rendered};
use crate::ui::page::{Pager, asked};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::Moment;
use crate::ui::units::size;
use crate::ui::{Answer, Ui};

use super::LIST;
use super::search::{Known, leads_to};

const FILTERS: [&str; 6] = ["tenant", "environment", "type", "externalId", "since", "until"];
/// More than anybody types.
const SEARCH_MAX: usize = 1000;

#[derive(Template)]
#[template(path = "events/list.html")]
struct Page {
    at: Layout,
    faults: Summary,
    fields: Vec<Field>,
    is_filtered: bool,
    is_cut: bool,
    shows_tenant: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    id: String,
    event_type: String,
    environment: String,
    tenant: String,
    external_id: Option<String>,
    size: String,
    accepted: Moment,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let (caller, services, now) = (signed.caller(), &ui.services, ui.services.now());
    if let Some(text) = query.get("search").filter(|text| text.len() <= SEARCH_MAX) {
        return Ok(Redirect::to(&leads_to(text, &known(services, caller)?)).into_response());
    }
    let (filter, faults) = read(&query);
    let found = if faults.is_empty() {
        services.events(caller, filter, asked(&query)).await?
    } else {
        Rows { rows: Vec::new(), next: None, scanned_to: None }
    };
    let tenants = tenants(services, caller)?;
    let shows_tenant = tenants.len() > 1;
    let fields = fields(services, caller, (&query, &faults, tenants))?;
    let page = Page {
        at: signed.0.layout("Events"),
        faults: faults.summary(&fields.iter().collect::<Vec<_>>()),
        fields,
        is_filtered: query.has_any(&FILTERS),
        is_cut: found.scanned_to.is_some(),
        shows_tenant,
        rows: found.rows.iter().map(|event| Row::new(event, now)).collect(),
        pager: Pager::new(&query, &found),
    };
    Ok(rendered(&page)?.into_response())
}

fn read(query: &Query) -> (EventFilter, Faults) {
    let mut faults = Faults::default();
    let filter = EventFilter {
        tenant: faults.parsed("/tenant", query.get("tenant"), str::parse),
        environment: faults.parsed("/environment", query.get("environment"), str::parse),
        event_type: faults.parsed("/type", query.get("type"), str::parse),
        external_id: query.get("externalId").map(str::to_owned),
        since: faults.parsed("/since", query.get("since"), time),
        until: faults.parsed("/until", query.get("until"), time),
    };
    (filter, faults)
}

fn fields(
    services: &Services,
    caller: &Caller,
    (query, faults, tenants): (&Query, &Faults, Vec<String>),
) -> Answer<Vec<Field>> {
    let typed = |name: &'static str| query.get(name).unwrap_or_default();
    let environments = services.environments(caller)?.into_iter().map(|name| (name.to_string(), name.to_string()));
    let environments = Kind::Choice(all("All environments", environments, typed("environment")));
    let mut fields = vec![
        Field::new("type", "Event type", Kind::Line("search")).value(typed("type")).judged("/type", faults),
        Field::new("externalId", "External id", Kind::Line("search")).value(typed("externalId")),
        Field::new("environment", "Environment", environments)
            .value(typed("environment"))
            .judged("/environment", faults),
        moment(typed("since"), ("since", "Since (UTC)", "/since"), faults),
        moment(typed("until"), ("until", "Until (UTC)", "/until"), faults),
    ];
    if tenants.len() > 1 {
        let tenants =
            Kind::Choice(all("All tenants", tenants.into_iter().map(|name| (name.clone(), name)), typed("tenant")));
        fields.push(Field::new("tenant", "Tenant", tenants).value(typed("tenant")).judged("/tenant", faults));
    }
    Ok(fields)
}

fn known(services: &Services, caller: &Caller) -> Answer<Known> {
    Ok(Known {
        tenants: tenants(services, caller)?,
        environments: services.environments(caller)?.iter().map(ToString::to_string).collect(),
        types: services.event_types(caller).into_iter().map(|entry| entry.event_type.to_string()).collect(),
    })
}

impl Row {
    fn new(event: &Arc<Event>, now: Timestamp) -> Self {
        Self {
            id: event.id.to_string(),
            event_type: event.event_type.to_string(),
            environment: event.environment.to_string(),
            tenant: event.tenant.to_string(),
            external_id: event.external_id.as_ref().map(ToString::to_string),
            size: size(event.data.bytes.len() as u64),
            accepted: Moment::new(event.id.time(), now),
        }
    }
}
