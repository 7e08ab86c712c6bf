//! One version of a plugin: what it is, who uses it, and the playground.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::model::page::PageRequest;
use crate::model::plugin::Plugin;
use crate::model::webhook::Webhook;
use crate::service::Caller;
use crate::service::webhooks::WebhookFilter;
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Summary};
use crate::ui::form::Posted;
use crate::ui::json::in_lines;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment};
use crate::ui::{Answer, Ui};

use super::LIST;
use super::actions::place;
use super::facts;
use super::playground::{self, Outcome};

#[derive(Template)]
#[template(path = "plugins/detail.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    name: String,
    version: String,
    description: String,
    facts: Vec<(&'static str, String)>,
    uploaded: Moment,
    shared: bool,
    bundled: bool,
    imports: Vec<String>,
    /// The newest delivery that failed by a fault of it: its page, and why.
    last_fault: Option<(String, String)>,
    schema: String,
    versions: Vec<Version>,
    samples: Vec<Sample>,
    webhooks: Vec<User>,
    has_more: bool,
    may_change: bool,
    may_move: bool,
    refused: Refused,
    playground: Option<Playground>,
}

struct Version {
    version: String,
    place: String,
    digest: String,
    uploaded: Moment,
    current: bool,
    used_by: usize,
}

struct Sample {
    name: String,
    place: String,
}

struct User {
    id: String,
    name: String,
    tenant: Option<String>,
    badge: Badge,
    /// Those of its chain.
    versions: Vec<String>,
    /// It has no other.
    is_here: bool,
}

/// Why something wasn't done.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) deletion: Option<String>,
    pub(super) move_of: Option<String>,
}

struct Playground {
    faults: Summary,
    fields: [Field; 3],
    outcome: Option<Outcome>,
}

/// What a page shows besides the plugin itself.
struct Shown<'a> {
    typed: &'a Posted,
    faults: &'a Faults,
    outcome: Option<Outcome>,
    refused: Refused,
    done: Option<&'static str>,
}

pub(super) async fn detail(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, query: Query) -> Answer {
    let plugin = chosen(&ui, &signed, &name, query.get("version"))?;
    let typed = playground::sample(&plugin, query.parsed("sample").unwrap_or_default());
    let done = query.get("done").and_then(super::sentence_of);
    let shown = Shown { typed: &typed, faults: &Faults::default(), outcome: None, refused: Refused::default(), done };
    page(&ui, &signed, &plugin, shown).await
}

pub(super) async fn run(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let plugin = chosen(&ui, &signed, &name, posted.filled("version"))?;
    let version = plugin.manifest.version.to_string();
    let ran = match playground::input(&posted, &version) {
        Ok(input) => ui.services.run_plugin(signed.caller(), &name, input).await.map_err(Faults::of),
        Err(faults) => Err(Ok(faults)),
    };
    let (faults, outcome) = match ran {
        Ok(ran) => (Faults::default(), Some(Outcome::new(ran))),
        Err(faults) => (faults?, None),
    };
    let status = if outcome.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = Shown { typed: &posted, faults: &faults, outcome, refused: Refused::default(), done: None };
    Ok((status, page(&ui, &signed, &plugin, shown).await?).into_response())
}

/// The page of a version with which something couldn't be done.
pub(super) async fn refused(ui: &Ui, signed: &Signed, (name, version): (&str, &str), refused: Refused) -> Answer {
    let plugin = chosen(ui, signed, name, Some(version))?;
    let (typed, faults) = (playground::sample(&plugin, 0), Faults::default());
    let shown = Shown { typed: &typed, faults: &faults, outcome: None, refused, done: None };
    Ok((StatusCode::CONFLICT, page(ui, signed, &plugin, shown).await?).into_response())
}

/// The newest, if none is named.
fn chosen(ui: &Ui, signed: &Signed, name: &str, version: Option<&str>) -> Result<Arc<Plugin>, Failure> {
    match version {
        Some(version) => Ok(ui.services.plugin_version(signed.caller(), name, version)?),
        None => {
            let versions = ui.services.plugin_versions(signed.caller(), name)?;
            versions.into_iter().next().ok_or_else(Failure::not_found)
        }
    }
}

async fn page(ui: &Ui, signed: &Signed, plugin: &Arc<Plugin>, shown: Shown<'_>) -> Result<Response, Failure> {
    let (caller, manifest, now) = (signed.caller(), &plugin.manifest, ui.services.now());
    let (name, version) = (manifest.name.clone(), manifest.version.to_string());
    let filter = WebhookFilter { plugin: Some(name.clone()), ..WebhookFilter::default() };
    let users = PageRequest { limit: PageRequest::LIMIT_DEFAULT, before: None };
    let found = ui.services.webhooks(caller, filter, users)?;
    let uses = ui.services.plugin_uses(caller)?;
    let versions = ui.services.plugin_versions(caller, &name)?.into_iter().map(|each| Version {
        version: each.manifest.version.to_string(),
        place: place(&name, &each.manifest.version.to_string()),
        digest: each.digest.to_string(),
        uploaded: Moment::new(each.uploaded_at, now),
        current: each.digest == plugin.digest,
        used_by: uses.get(&each.digest).copied().unwrap_or_default(),
    });
    let samples = manifest.samples.iter().enumerate().map(|(number, sample)| Sample {
        name: sample.name.clone(),
        place: format!("{}&sample={number}#playground", place(&name, &version)),
    });
    let users = found.rows.iter().map(|webhook| User::new(caller, webhook, plugin));
    let playground = caller.is_admin().then(|| {
        let fields = playground::fields(shown.typed, shown.faults);
        Playground { faults: shown.faults.summary(&fields.each_ref()), fields, outcome: shown.outcome }
    });
    let fares = ui.services.plugin_fares(caller, &name).await?;
    let page = Page {
        at: signed.0.layout(format!("{name} {version}")).done(shown.done),
        csrf: signed.csrf(),
        description: manifest.description.clone(),
        facts: facts::of(plugin, &ui.services.plugin_limits(caller)?, &fares),
        last_fault: fares.last.as_ref().map(facts::fault),
        uploaded: Moment::new(plugin.uploaded_at, now),
        shared: plugin.shared,
        bundled: plugin.bundled,
        imports: manifest.imports.clone(),
        schema: in_lines(&manifest.settings_schema),
        versions: versions.collect(),
        samples: samples.collect(),
        webhooks: users.collect(),
        has_more: found.next.is_some(),
        may_change: ui.services.may_upload(caller).is_ok(),
        may_move: caller.configures(),
        refused: shown.refused,
        playground,
        name,
        version,
    };
    Ok(rendered(&page)?.into_response())
}

impl User {
    fn new(caller: &Caller, webhook: &Webhook, plugin: &Plugin) -> Self {
        let its = webhook.revision.chain.iter().filter(|stage| stage.name == plugin.manifest.name);
        let mut versions: Vec<String> = its.clone().map(|stage| stage.version.to_string()).collect();
        versions.dedup();
        Self {
            id: webhook.id.to_string(),
            name: if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() },
            tenant: caller.tenant.is_none().then(|| webhook.tenant.to_string()),
            badge: Badge::of_webhook(webhook.revision.status),
            is_here: its.clone().all(|stage| stage.digest == plugin.digest),
            versions,
        }
    }
}
