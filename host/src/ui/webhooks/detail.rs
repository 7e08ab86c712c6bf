//! `/admin/webhooks/{id}`: one webhook whole, how it fares, and what can be done with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use http::StatusCode;

use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::page::PageRequest;
use crate::model::time::Timestamp;
use crate::model::webhook::{Ordering, Status, Webhook};
use crate::service::webhooks::{MASK, Stats, masked_settings};
use crate::service::{Caller, DeliveryFilter, public_key, supports_overlap};
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment, percent};
use crate::ui::{Answer, Ui};

use super::actions::named;
use super::form::formats::FORMATS;
use super::form::typed::retry;
use super::history::{Entry, entries};
use super::recovery::Recovery;
use super::{LIST, actions};

/// Of the log.
const NEWEST: u32 = 10;

#[derive(Template)]
#[template(path = "webhooks/detail.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    id: String,
    name: String,
    description: String,
    url: String,
    badge: Badge,
    is_active: bool,
    is_paused: bool,
    may_change: bool,
    overlaps: bool,
    /// This page, to come back to.
    here: String,
    delete: String,
    /// What the button for a new secret is meant for.
    revision: String,
    /// None was made: it was meant for another revision.
    is_stale: bool,
    stats: Fares,
    facts: Vec<(&'static str, String)>,
    events: Vec<String>,
    headers: Vec<(String, String)>,
    chain: Vec<StageShown>,
    public_key: Option<String>,
    deliveries: Vec<Row>,
    revisions: Vec<Entry>,
    recovery: Recovery,
}

struct Fares {
    share: String,
    of: String,
    p50: String,
    p95: String,
    last_success: Option<Moment>,
    failures: u32,
    waiting: u32,
}

struct StageShown {
    plugin: String,
    on_error: &'static str,
    settings: String,
}

struct Row {
    id: String,
    event_type: String,
    badge: Badge,
    test: bool,
    attempts: u32,
    reason: String,
    at: Moment,
}

pub(super) async fn show(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let webhook = ui.services.webhook(signed.caller(), named(&id)?)?;
    let recovery = Recovery::asked(&query, ui.services.now());
    let done = query.get("done").and_then(sentence_of);
    Ok(rendered(&page(&ui, &signed, (&webhook, recovery, done)).await?)?.into_response())
}

/// With a form of recovery that was counted, or refused.
pub(super) async fn with_recovery(ui: &Ui, signed: &Signed, (webhook, recovery): (&Webhook, Recovery)) -> Answer {
    Ok(rendered(&page(ui, signed, (webhook, recovery, None)).await?)?.into_response())
}

/// With why no new secret was made.
pub(super) async fn without_secret(ui: &Ui, signed: &Signed, webhook: &Webhook) -> Answer {
    let recovery = Recovery::asked(&Query::default(), ui.services.now());
    let page = Page { is_stale: true, ..page(ui, signed, (webhook, recovery, None)).await? };
    Ok((StatusCode::CONFLICT, rendered(&page)?).into_response())
}

fn sentence_of(done: &str) -> Option<&'static str> {
    match done {
        "saved" => Some("The webhook was saved: what comes from now on is sent as it says."),
        "recovered" => Some("What was missed is on its way: the newest deliveries below are among it."),
        "part-recovered" => Some("One go was made, and there may be more: go on with the rest below."),
        "none-recovered" => Some("There was nothing left to recover."),
        other => actions::sentence_of(other),
    }
}

async fn page(
    ui: &Ui,
    signed: &Signed,
    (webhook, recovery, done): (&Webhook, Recovery, Option<&'static str>),
) -> Answer<Page> {
    let (caller, now) = (signed.caller(), ui.services.now());
    let (current, revision) = (&webhook.current, &webhook.revision);
    let stats = ui.services.webhook_stats(caller, webhook.id).await?;
    let filter = DeliveryFilter { webhook: Some(webhook.id), ..DeliveryFilter::default() };
    let newest = ui.services.deliveries(caller, filter, PageRequest { limit: NEWEST, before: None }).await?;
    let sees = caller.sees_urls();
    let value = |value: &str| if sees { value.to_owned() } else { MASK.to_owned() };
    let key = current.secrets.first().and_then(|signing| public_key(signing.secret.expose()));
    let here = format!("{LIST}/{}", webhook.id);
    Ok(Page {
        at: signed.0.layout(super::name_of(webhook)).done(done),
        csrf: signed.csrf(),
        id: webhook.id.to_string(),
        name: super::name_of(webhook),
        description: webhook.description.clone(),
        url: if sees { current.url.expose().to_string() } else { current.url.to_string() },
        badge: Badge::of_webhook(revision.status),
        is_active: !matches!(revision.status, Status::Disabled(_)),
        is_paused: revision.status == Status::Paused,
        may_change: caller.configures(),
        overlaps: supports_overlap(revision.format.name),
        revision: revision.id.to_string(),
        is_stale: false,
        delete: Query::new(&format!("{here}/delete"), "").with("back", LIST),
        here,
        stats: Fares::of(&stats, now),
        facts: facts(caller, webhook),
        events: revision.subscription.patterns().iter().map(ToString::to_string).collect(),
        headers: current.headers.iter().map(|header| (header.name.to_string(), value(&header.value))).collect(),
        chain: chain(webhook),
        public_key: key.map(|key| key.text()),
        deliveries: newest.rows.iter().map(|delivery| Row::of(delivery, now)).collect(),
        revisions: entries(&ui.services.revisions(caller, webhook.id).await?, now),
        recovery,
    })
}

impl Fares {
    fn of(stats: &Stats, now: Timestamp) -> Self {
        let Stats { numbers, health, waiting } = stats;
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let millis = |time: Option<u32>| time.map_or_else(|| "–".to_owned(), |time| format!("{time} ms"));
        let newest = if numbers.truncated { "newest " } else { "" };
        Self {
            share: percent(count(numbers.successes), count(numbers.attempts)),
            of: match numbers.attempts {
                0 => "nothing was tried in 7 days".to_owned(),
                attempts => format!("{} of {newest}{attempts} attempts in 7 days", numbers.successes),
            },
            p50: millis(numbers.p50_ms),
            p95: millis(numbers.p95_ms),
            last_success: health.last_success.map(|time| Moment::new(time, now)),
            failures: health.consecutive_failures,
            waiting: *waiting,
        }
    }
}

fn facts(caller: &Caller, webhook: &Webhook) -> Vec<(&'static str, String)> {
    let (current, revision) = (&webhook.current, &webhook.revision);
    let words = FORMATS.iter().find(|words| words.name == revision.format.name);
    let (policy, delays) = retry(&current.retry);
    let mut facts = vec![
        ("Environment", revision.environment.to_string()),
        ("Format", words.map(|words| format!("{}. {}", words.label, words.signs)).unwrap_or_default()),
        ("Retries", if delays.is_empty() { policy.to_owned() } else { format!("after {delays} seconds") }),
        ("Timeout", format!("{} s", current.timeout.as_secs())),
        ("Rate limit", current.rate_limit.map_or_else(|| "unlimited".to_owned(), |rate| format!("{rate} a second"))),
        ("Order", if current.ordering == Ordering::Fifo { "one at a time, in order" } else { "any" }.to_owned()),
        ("Secrets that sign", current.secrets.len().to_string()),
        ("Id", webhook.id.to_string()),
    ];
    if let Some(account) = &revision.format.options.account {
        facts.insert(2, ("Account", account.clone()));
    }
    if caller.tenant.is_none() {
        facts.insert(0, ("Tenant", webhook.tenant.to_string()));
    }
    if !current.allow_origins.is_empty() {
        facts.push(("Other origins", current.allow_origins.join(", ")));
    }
    facts
}

fn chain(webhook: &Webhook) -> Vec<StageShown> {
    let stage = |stage: &crate::model::plugin::Stage| StageShown {
        plugin: format!("{}@{}", stage.name, stage.version),
        on_error: match stage.on_error {
            crate::model::plugin::OnError::Fail => "a fault fails the delivery",
            crate::model::plugin::OnError::Skip => "a fault skips this plugin",
        },
        settings: serde_json::to_string_pretty(&masked_settings(stage)).unwrap_or_default(),
    };
    webhook.revision.chain.iter().map(stage).collect()
}

impl Row {
    fn of(delivery: &Delivery, now: Timestamp) -> Self {
        Self {
            id: delivery.id.shown(delivery.test),
            event_type: delivery.event_type.to_string(),
            badge: match delivery.status {
                DeliveryStatus::Pending => Badge::info("Pending"),
                DeliveryStatus::Delivered => Badge::good("Delivered"),
                DeliveryStatus::Failed => Badge::bad("Failed"),
                DeliveryStatus::Dropped => Badge::idle("Dropped"),
                DeliveryStatus::Cancelled => Badge::warn("Cancelled"),
            },
            test: delivery.test,
            attempts: delivery.attempts,
            reason: match (&delivery.reason, delivery.last_status) {
                (Some(reason), _) => reason.clone(),
                (None, Some(status)) => format!("answered {status}"),
                (None, None) => String::new(),
            },
            at: Moment::new(delivery.id.time(), now),
        }
    }
}
