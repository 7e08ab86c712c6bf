//! The catalogue as a list, and one type with all that is known of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;

use crate::model::catalogue::CatalogueEntry;
use crate::model::name::EventType;
use crate::model::page::PageRequest;
use crate::model::webhook::Webhook;
use crate::service::webhooks::WebhookFilter;
use crate::ui::failure::Failure;
use crate::ui::json::in_lines;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment};
use crate::ui::{Answer, Ui};

use super::{LIST, NEW};

/// A catalogue may hold 10,000: whoever has so many searches.
const SHOWN_MAX: usize = 250;

#[derive(Template)]
#[template(path = "event-types/list.html")]
struct ListPage {
    at: Layout,
    groups: Vec<Group>,
    search: String,
    count: usize,
    more: usize,
    may_change: bool,
}

/// The types of one first part.
struct Group {
    name: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    description: String,
    has_schema: bool,
    has_sample: bool,
    deprecated: bool,
}

#[derive(Template)]
#[template(path = "event-types/detail.html")]
struct DetailPage {
    at: Layout,
    csrf: CsrfField,
    name: String,
    description: String,
    deprecated: bool,
    updated: Option<Moment>,
    schema: Option<String>,
    sample: Option<String>,
    webhooks: Vec<Subscriber>,
    has_more: bool,
    may_change: bool,
}

struct Subscriber {
    id: String,
    name: String,
    tenant: Option<String>,
    environment: String,
    by: String,
    badge: Badge,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let caller = signed.caller();
    let search = query.get("search").unwrap_or_default().to_owned();
    let lower = search.to_lowercase();
    let mut entries = ui.services.event_types(caller);
    entries.retain(|entry| {
        entry.event_type.as_str().to_lowercase().contains(&lower) || entry.description.to_lowercase().contains(&lower)
    });
    let count = entries.len();
    entries.truncate(SHOWN_MAX);
    let more = count - entries.len();
    let mut groups: Vec<Group> = Vec::new();
    for entry in entries {
        let group = entry.event_type.as_str().split('.').next().unwrap_or_default().to_owned();
        match groups.last_mut() {
            Some(last) if last.name == group => last.rows.push(Row::new(entry)),
            _ => groups.push(Group { name: group, rows: vec![Row::new(entry)] }),
        }
    }
    let page = ListPage {
        at: signed.0.layout("Event types").done(query.get("done").and_then(super::sentence_of)),
        groups,
        search,
        count,
        more,
        may_change: caller.is_admin(),
    };
    Ok(rendered(&page)?.into_response())
}

pub(super) async fn detail(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, query: Query) -> Answer {
    let (caller, name) = (signed.caller(), named(&name)?);
    let entry = ui.services.event_type(caller, &name)?;
    let filter = WebhookFilter { event_type: Some(name.clone()), ..WebhookFilter::default() };
    let page = PageRequest { limit: PageRequest::LIMIT_DEFAULT, before: None };
    let found = ui.services.webhooks(caller, filter, page)?;
    let subscriber = |webhook: &Arc<Webhook>| Subscriber {
        id: webhook.id.to_string(),
        name: if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() },
        tenant: caller.tenant.is_none().then(|| webhook.tenant.to_string()),
        environment: webhook.revision.environment.to_string(),
        by: by(webhook, &name),
        badge: Badge::of_webhook(webhook.revision.status),
    };
    let updated = (entry.updated_at.millis() > 0).then(|| Moment::new(entry.updated_at, ui.services.now()));
    let page = DetailPage {
        at: signed.0.layout(name.as_str()).done(query.get("done").and_then(super::sentence_of)),
        csrf: signed.csrf(),
        name: name.to_string(),
        description: entry.description,
        deprecated: entry.deprecated,
        updated,
        schema: entry.schema.as_deref().map(in_lines),
        sample: entry.sample.as_deref().map(in_lines),
        webhooks: found.rows.iter().map(subscriber).collect(),
        has_more: found.next.is_some(),
        may_change: caller.is_admin(),
    };
    Ok(rendered(&page)?.into_response())
}

impl Row {
    fn new(entry: CatalogueEntry) -> Self {
        Self {
            name: entry.event_type.to_string(),
            description: entry.description,
            has_schema: entry.schema.is_some(),
            has_sample: entry.sample.is_some(),
            deprecated: entry.deprecated,
        }
    }
}

/// The lines of its subscription that take this type.
fn by(webhook: &Webhook, name: &EventType) -> String {
    let patterns = webhook.revision.subscription.patterns().iter().filter(|pattern| pattern.matches(name));
    patterns.map(|pattern| pattern.as_str()).collect::<Vec<_>>().join(", ")
}

/// What can't be a type isn't there.
pub(super) fn named(name: &str) -> Result<EventType, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}
