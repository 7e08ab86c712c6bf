//! The list of webhooks: searched and filtered by its address, a page at a time.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;

use crate::model::plugin::Stage;
use crate::model::webhook::{Status, Webhook};
use crate::service::webhooks::WebhookFilter;
use crate::service::{Caller, Recent};
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::page::{Pager, asked};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, percent};
use crate::ui::{Answer, Ui};

use super::LIST;

const FILTERS: [&str; 4] = ["search", "environment", "status", "tenant"];
const STATUSES: [(&str, &str); 4] =
    [("active", "Active"), ("inactive", "Inactive or paused"), ("paused", "Paused"), ("disabled", "Inactive")];

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct Page {
    at: Layout,
    rows: Vec<Row>,
    search: String,
    environments: Vec<Choice>,
    statuses: Vec<Choice>,
    /// Empty where there is only one.
    tenants: Vec<Choice>,
    is_filtered: bool,
    may_change: bool,
    csrf: CsrfField,
    /// This page, to come back to.
    back: String,
    pager: Pager,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl Choice {
    fn new(query: &Query, name: &str, value: String, label: String) -> Self {
        Self { chosen: query.get(name) == Some(&value), value, label }
    }
}

struct Row {
    id: String,
    name: String,
    /// Where the caller sees several.
    tenant: Option<String>,
    url: String,
    environment: String,
    /// A count, or ALL.
    events: String,
    patterns: String,
    plugins: Vec<Plugin>,
    badge: Badge,
    is_active: bool,
    is_paused: bool,
    success: Success,
    /// The page that asks before it is deleted.
    delete: String,
}

struct Plugin {
    name: String,
    /// With its version.
    whole: String,
}

/// Of the last 24 hours.
struct Success {
    share: String,
    tone: &'static str,
    title: String,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let (caller, services) = (signed.caller(), &ui.services);
    let filter = WebhookFilter {
        tenant: query.parsed("tenant"),
        environment: query.parsed("environment"),
        status: query.get("status").map(str::to_owned),
        search: query.get("search").map(str::to_owned),
        ..WebhookFilter::default()
    };
    let found = services.webhooks(caller, filter, asked(&query))?;
    let pager = Pager::new(&query, &found);
    let recent = services.recent(caller, &found.rows).await?;
    let tenants: Vec<String> = match &caller.tenant {
        Some(_) => Vec::new(),
        None => services.tenants(caller)?.into_iter().map(|tenant| tenant.name.to_string()).collect(),
    };
    let shows_tenant = tenants.len() > 1;
    let back = query.without(&["done"]);
    let rows = found.rows.iter().map(|webhook| {
        let success = Success::of(recent.get(&webhook.id).copied());
        Row::new(caller, webhook, (shows_tenant, success, &back))
    });
    let choice = |name, value: String, label: String| Choice::new(&query, name, value, label);
    let page = Page {
        rows: rows.collect(),
        search: query.get("search").unwrap_or_default().to_owned(),
        environments: services
            .environments(caller)?
            .into_iter()
            .map(|name| choice("environment", name.to_string(), name.to_string()))
            .collect(),
        statuses: STATUSES.map(|(value, label)| choice("status", value.to_owned(), label.to_owned())).into(),
        tenants: tenants
            .into_iter()
            .filter(|_| shows_tenant)
            .map(|name| choice("tenant", name.clone(), name))
            .collect(),
        is_filtered: query.has_any(&FILTERS),
        may_change: caller.configures(),
        at: signed.0.layout("Webhooks").done(query.get("done").and_then(super::actions::sentence_of)),
        csrf: signed.csrf(),
        back,
        pager,
    };
    Ok(rendered(&page)?.into_response())
}

impl Row {
    fn new(caller: &Caller, webhook: &Arc<Webhook>, (shows_tenant, success, back): (bool, Success, &str)) -> Self {
        let (url, revision) = (&webhook.current.url, &webhook.revision);
        let patterns: Vec<&str> = revision.subscription.patterns().iter().map(|pattern| pattern.as_str()).collect();
        Self {
            id: webhook.id.to_string(),
            name: if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() },
            tenant: shows_tenant.then(|| webhook.tenant.to_string()),
            url: if caller.sees_urls() { url.expose().to_string() } else { url.to_string() },
            environment: revision.environment.to_string(),
            events: if patterns.contains(&"*") { "ALL".to_owned() } else { patterns.len().to_string() },
            patterns: patterns.join(", "),
            plugins: revision.chain.iter().map(Plugin::of).collect(),
            badge: Badge::of_webhook(revision.status),
            is_active: !matches!(revision.status, Status::Disabled(_)),
            is_paused: revision.status == Status::Paused,
            success,
            delete: Query::new(&format!("{LIST}/{}/delete", webhook.id), "").with("back", back),
        }
    }
}

impl Plugin {
    fn of(stage: &Stage) -> Self {
        Self { name: stage.name.clone(), whole: format!("{}@{}", stage.name, stage.version) }
    }
}

impl Success {
    fn of(recent: Option<Recent>) -> Self {
        let Recent { tried, delivered } = recent.unwrap_or_default();
        let tone = match (delivered, tried) {
            (_, 0) => "none",
            (delivered, tried) if delivered == tried => "good",
            (delivered, tried) if delivered * 10 >= tried * 9 => "warn",
            _ => "bad",
        };
        let title = match tried {
            0 => "Nothing was tried in the last 24 hours".to_owned(),
            Recent::MAX.. => format!("{delivered} of the newest {tried} deliveries of the last 24 hours got through"),
            _ => format!("{delivered} of {tried} deliveries of the last 24 hours got through"),
        };
        Self { share: percent(delivered, tried), tone, title }
    }
}
