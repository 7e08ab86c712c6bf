//! One event: its data, its deliveries, and of each webhook why it did or didn't get it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;

use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::event::Event;
use crate::model::ids::EventId;
use crate::model::page::PageRequest;
use crate::model::webhook::Revision;
use crate::service::{Caller, DeliveryFilter, Explanation, Services, WebhookExplained};
use crate::ui::code::Code;
use crate::ui::deliveries::{Row, badge_of, path_of};
use crate::ui::failure::{Failure, sentence};
use crate::ui::layout::{Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment, whole};
use crate::ui::units::size;
use crate::ui::{Answer, Ui};

use super::LIST;

/// The most webhooks that are explained on the page; a search by name finds the others.
const EXPLAINED_MAX: usize = 100;
/// As many deliveries.
const DELIVERIES_MAX: u32 = 100;

#[derive(Template)]
#[template(path = "events/detail.html")]
struct Page {
    at: Layout,
    id: String,
    event_type: String,
    environment: String,
    tenant: String,
    external_id: Option<String>,
    content_type: String,
    size: String,
    accepted: Moment,
    accepted_at: String,
    occurred_at: String,
    pretty: Code,
    raw: Option<Code>,
    deliveries: Vec<Row>,
    more_deliveries: bool,
    search: String,
    shows_search: bool,
    /// For how many webhooks it was, and how it stands there.
    summary: String,
    /// All webhooks that the tenant had then.
    had: usize,
    told: Vec<Told>,
    left_out: usize,
}

/// One webhook as it was then.
struct Told {
    id: String,
    name: String,
    badge: Badge,
    reason: String,
    is_deleted: bool,
    revision: String,
    valid_from: String,
    environment: String,
    patterns: String,
    plugins: String,
    deliveries: Vec<(String, String, Badge)>,
}

pub(super) async fn detail(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let (caller, services, now) = (signed.caller(), &ui.services, ui.services.now());
    let id: EventId = id.parse().map_err(|_| Failure::not_found())?;
    let told = services.explain(caller, id).await?;
    let filter = DeliveryFilter { event: Some(id), ..DeliveryFilter::default() };
    let page = PageRequest { limit: DELIVERIES_MAX, before: None };
    let made = services.deliveries(caller, filter, page).await?;
    let search = query.get("search").unwrap_or_default().to_lowercase();
    let is_meant = |one: &&WebhookExplained| {
        search.is_empty() || one.name.to_lowercase().contains(&search) || one.webhook.to_string() == search
    };
    let meant: Vec<&WebhookExplained> = told.webhooks.iter().filter(is_meant).collect();
    let event = &*told.event;
    let (pretty, raw) = data(event);
    let page = Page {
        at: signed.0.layout(format!("{} · Event", event.event_type)),
        id: event.id.to_string(),
        event_type: event.event_type.to_string(),
        environment: event.environment.to_string(),
        tenant: event.tenant.to_string(),
        external_id: event.external_id.as_ref().map(ToString::to_string),
        content_type: event.data.content_type.as_str().to_owned(),
        size: size(event.data.bytes.len() as u64),
        accepted: Moment::new(event.id.time(), now),
        accepted_at: event.id.time().to_string(),
        occurred_at: event.occurred_at.to_string(),
        pretty,
        raw,
        deliveries: made.rows.iter().map(|delivery| Row::new((services, caller), delivery, now)).collect(),
        more_deliveries: made.next.is_some(),
        search: query.get("search").unwrap_or_default().to_owned(),
        shows_search: told.webhooks.len() > 5 || !search.is_empty(),
        summary: summary(&told),
        had: told.webhooks.len(),
        left_out: meant.len().saturating_sub(EXPLAINED_MAX),
        told: meant.iter().take(EXPLAINED_MAX).map(|one| Told::new((services, caller), one)).collect(),
    };
    Ok(rendered(&page)?.into_response())
}

/// `2 of 4 webhooks: 1 pending, 1 delivered`.
fn summary(told: &Explanation) -> String {
    let had = told.webhooks.len();
    let wanted = |one: &&WebhookExplained| one.why.matched() || !one.deliveries.is_empty();
    let whole = match (told.webhooks.iter().filter(wanted).count(), had) {
        (_, 0) => "no webhook".to_owned(),
        (wanted, 1) => format!("{wanted} of 1 webhook"),
        (wanted, had) => format!("{wanted} of {had} webhooks"),
    };
    let states = DeliveryStatus::ALL.into_iter().filter_map(|status| {
        let is_so = |one: &&WebhookExplained| standing(one).is_some_and(|delivery| delivery.status == status);
        let count = told.webhooks.iter().filter(is_so).count();
        (count > 0).then(|| format!("{count} {}", status.as_str()))
    });
    let states: Vec<String> = states.collect();
    let newest =
        if told.truncated { format!(", by its newest {} deliveries", PageRequest::LIMIT_MAX) } else { String::new() };
    if states.is_empty() { whole } else { format!("{whole}: {}{newest}", states.join(", ")) }
}

/// The delivery that tells how it stands at a webhook: one that got through, or else the newest.
fn standing(told: &WebhookExplained) -> Option<&Delivery> {
    let delivered = told.deliveries.iter().find(|delivery| delivery.status == DeliveryStatus::Delivered);
    delivered.or_else(|| told.deliveries.first())
}

/// Indented, and as it was posted where that is another text.
fn data(event: &Event) -> (Code, Option<Code>) {
    let pretty = Code::of_bytes("The event’s data", &event.data.bytes);
    let text = std::str::from_utf8(&event.data.bytes).ok();
    let raw =
        text.filter(|text| *text != pretty.text()).map(|text| Code::new("The event’s data, as it was posted", text));
    (pretty, raw)
}

impl Told {
    fn new((services, caller): (&Services, &Caller), told: &WebhookExplained) -> Self {
        let revision: &Revision = &told.revision;
        let patterns: Vec<&str> = revision.subscription.patterns().iter().map(|pattern| pattern.as_str()).collect();
        let plugins: Vec<String> =
            revision.chain.iter().map(|stage| format!("{}@{}", stage.name, stage.version)).collect();
        let badge = match standing(told) {
            Some(delivery) => badge_of(delivery),
            None if told.why.matched() => Badge::info("Wanted it"),
            None => Badge::idle("Didn’t get it"),
        };
        let shown = |delivery: &Delivery| (path_of(delivery), delivery.id.shown(delivery.test), badge_of(delivery));
        Self {
            id: told.webhook.to_string(),
            name: if told.name.is_empty() { told.webhook.to_string() } else { told.name.clone() },
            badge,
            reason: sentence(&told.why.to_string()),
            is_deleted: services.webhook(caller, told.webhook).is_err(),
            revision: revision.id.to_string(),
            valid_from: whole(revision.valid_from),
            environment: revision.environment.to_string(),
            patterns: patterns.join(", "),
            plugins: plugins.join(" → "),
            deliveries: told.deliveries.iter().map(shown).collect(),
        }
    }
}
