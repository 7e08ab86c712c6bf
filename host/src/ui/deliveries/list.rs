//! The list: filtered by its address, a page at a time, with boxes to choose what is retried.

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;

use crate::model::delivery::Delivery;
use crate::model::ids::WebhookId;
use crate::model::page::Page as Rows;
use crate::model::time::Timestamp;
use crate::service::Caller;
use crate::service::Services;
use crate::ui::field::Summary;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::page::{Pager, asked, is_first};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment};
use crate::ui::{Answer, Ui, live};

use super::filter::{self, FILTERS, Filters};
use super::{LIST, badge_of, path_of};

#[derive(Template)]
#[template(path = "deliveries/list.html", blocks = ["live"])]
struct Page {
    at: Layout,
    faults: Summary,
    filters: Filters,
    is_filtered: bool,
    /// What comes stands on the first page.
    is_live: bool,
    /// The search stopped before it was through.
    is_cut: bool,
    rows: Vec<Row>,
    may_change: bool,
    csrf: CsrfField,
    back: String,
    /// The page that counts before all are replayed.
    replay: String,
    pager: Pager,
}

pub(in crate::ui) struct Row {
    pub(in crate::ui) path: String,
    pub(in crate::ui) id: String,
    pub(in crate::ui) badge: Badge,
    pub(in crate::ui) event_type: String,
    pub(in crate::ui) is_test: bool,
    pub(in crate::ui) is_replay: bool,
    pub(in crate::ui) webhook: WebhookNamed,
    pub(in crate::ui) event: String,
    pub(in crate::ui) tenant: String,
    pub(in crate::ui) status_code: Option<u16>,
    pub(in crate::ui) attempts: u32,
    pub(in crate::ui) accepted: Moment,
    pub(in crate::ui) next: Option<Moment>,
}

/// A webhook by its name, as long as there is one.
pub(in crate::ui) struct WebhookNamed {
    pub(in crate::ui) id: String,
    pub(in crate::ui) name: String,
    pub(in crate::ui) is_deleted: bool,
}

impl WebhookNamed {
    pub(in crate::ui) fn new(services: &Services, caller: &Caller, id: WebhookId) -> Self {
        let found = services.webhook(caller, id).ok();
        let name = found.as_ref().map(|webhook| webhook.name.clone()).filter(|name| !name.is_empty());
        Self { name: name.unwrap_or_else(|| id.to_string()), is_deleted: found.is_none(), id: id.to_string() }
    }
}

impl Row {
    pub(in crate::ui) fn new((services, caller): (&Services, &Caller), delivery: &Delivery, now: Timestamp) -> Self {
        Self {
            path: path_of(delivery),
            id: delivery.id.shown(delivery.test),
            badge: badge_of(delivery),
            event_type: delivery.event_type.to_string(),
            is_test: delivery.test,
            is_replay: delivery.replay_of.is_some(),
            webhook: WebhookNamed::new(services, caller, delivery.webhook),
            event: delivery.event.to_string(),
            tenant: delivery.tenant.to_string(),
            status_code: delivery.last_status,
            attempts: delivery.attempts,
            accepted: Moment::new(delivery.id.time(), now),
            next: delivery.next_at.map(|at| Moment::new(at, now)),
        }
    }
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let (caller, services, now) = (signed.caller(), &ui.services, ui.services.now());
    let (filter, faults) = filter::read(|name| query.get(name));
    let found = if faults.is_empty() {
        services.deliveries(caller, filter, asked(&query)).await?
    } else {
        Rows { rows: Vec::new(), next: None, scanned_to: None }
    };
    let filters = Filters::new(services, caller, (&query, &faults))?;
    let replayed = Query::new("/admin/deliveries/replay", "").with_all(&query, &FILTERS);
    let page = Page {
        faults: faults.summary(&filters.bar.iter().chain(&filters.more).collect::<Vec<_>>()),
        filters,
        is_filtered: query.has_any(&FILTERS),
        is_live: is_first(&query),
        is_cut: found.scanned_to.is_some(),
        rows: found.rows.iter().map(|delivery| Row::new((services, caller), delivery, now)).collect(),
        may_change: caller.configures(),
        csrf: signed.csrf(),
        back: query.without(&["done"]),
        replay: replayed,
        pager: Pager::new(&query, &found),
        at: signed.0.layout("Deliveries").done(query.get("done").and_then(super::actions::sentence_of)),
    };
    if page.is_live { live::shown(&signed, &page, &page.as_live()) } else { Ok(rendered(&page)?.into_response()) }
}
