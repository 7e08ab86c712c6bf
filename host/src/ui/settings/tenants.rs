//! Tenants with their quotas and retention.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;

use crate::model::name::Tenant;
use crate::model::tenant::{Retention, TenantProfile};
use crate::service::{Patch, ServiceError, TenantInput};
use crate::ui::failure::Failure;
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{NEW_TENANT, TENANTS, Tab, tabs};

/// Whoever has more searches with the API.
const SHOWN_MAX: usize = 500;

#[derive(Template)]
#[template(path = "settings/tenants.html")]
struct ListPage {
    at: Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    more: usize,
    may_change: bool,
    may_add: bool,
}

struct Row {
    name: String,
    max_webhooks: String,
    max_held: u32,
    retention: u16,
    strict: bool,
}

#[derive(Template)]
#[template(path = "settings/tenant.html")]
struct FormPage {
    at: Layout,
    csrf: CsrfField,
    faults: Summary,
    fields: Vec<Field>,
    /// `None` for a new one.
    name: Option<String>,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let caller = signed.caller();
    let mut tenants = ui.services.tenants(caller)?;
    let more = tenants.len().saturating_sub(SHOWN_MAX);
    tenants.truncate(SHOWN_MAX);
    let page = ListPage {
        at: signed.0.layout("Tenants").done(query.get("done").and_then(super::sentence_of)),
        tabs: tabs(caller, TENANTS),
        rows: tenants.iter().map(Row::new).collect(),
        more,
        may_change: caller.is_admin(),
        may_add: caller.is_admin() && caller.tenant.is_none(),
    };
    Ok(rendered(&page)?.into_response())
}

pub(super) async fn new(State(ui): State<Ui>, signed: Signed) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let blank = Posted::of_fields(&[("max_held", "10000"), ("retention", "30")]);
    page(&signed, None, (&blank, &Faults::default()))
}

pub(super) async fn create(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let mut faults = Faults::default();
    let name = faults.parsed("/name", Some(posted.get("name").trim()), str::parse::<Tenant>);
    if name.as_ref().is_some_and(|name| ui.services.tenant(signed.caller(), name).is_ok()) {
        faults = Faults::one("/name", "is there already: choose it in the list to change it");
    }
    let input = input(&posted, &mut faults);
    match name.filter(|_| faults.is_empty()) {
        Some(name) => put(&ui, &signed, (name, input, true), &posted).await,
        None => refused(&signed, None, (&posted, &faults)),
    }
}

pub(super) async fn edit(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let known = ui.services.tenant(signed.caller(), &named(&name)?)?;
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let typed = Posted::of_fields(&[
        ("max_webhooks", &number(known.max_webhooks)),
        ("max_held", &known.max_held.to_string()),
        ("retention", &known.retention.days().to_string()),
        ("strict", if known.strict { "yes" } else { "" }),
    ]);
    page(&signed, Some(known.name.as_str()), (&typed, &Faults::default()))
}

pub(super) async fn change(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, posted: Posted) -> Answer {
    ui.services.may_administer(signed.caller())?;
    let name = named(&name)?;
    // Deleted meanwhile: it isn't made anew.
    ui.services.tenant(signed.caller(), &name)?;
    let mut faults = Faults::default();
    let input = input(&posted, &mut faults);
    if !faults.is_empty() {
        return refused(&signed, Some(name.as_str()), (&posted, &faults));
    }
    put(&ui, &signed, (name, input, false), &posted).await
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path(name): Path<String>, _: Posted) -> Answer {
    let name = named(&name)?;
    match ui.services.delete_tenant(signed.caller(), &name).await {
        Ok(()) => Ok(Redirect::to(&saying(TENANTS, "tenant-deleted")).into_response()),
        Err(ServiceError::Refused { detail, .. }) => {
            let (known, faults) = (ui.services.tenant(signed.caller(), &name)?, Faults::one("", detail));
            let retention = known.retention.days().to_string();
            let typed = Posted::of_fields(&[("max_held", &known.max_held.to_string()), ("retention", &retention)]);
            Ok((StatusCode::CONFLICT, page(&signed, Some(name.as_str()), (&typed, &faults))?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn put(ui: &Ui, signed: &Signed, (name, input, is_new): (Tenant, TenantInput, bool), posted: &Posted) -> Answer {
    match ui.services.put_tenant(signed.caller(), name.clone(), input).await {
        Ok(_) => {
            let done = if is_new { "tenant-created" } else { "tenant-changed" };
            Ok(Redirect::to(&saying(TENANTS, done)).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            refused(signed, (!is_new).then_some(name.as_str()), (posted, &faults))
        }
    }
}

/// What was typed, as the service takes it.
fn input(posted: &Posted, faults: &mut Faults) -> TenantInput {
    let mut number = |pointer, name| match posted.filled(name) {
        Some(text) => {
            let parsed =
                faults.parsed(pointer, Some(text), |text| text.parse::<u32>().map_err(|_| "must be a whole number"));
            parsed.map_or(Patch::Keep, Patch::Set)
        }
        None => Patch::Reset,
    };
    let (max_webhooks, max_held) = (number("/maxWebhooks", "max_webhooks"), number("/maxHeld", "max_held"));
    let retention = faults.parsed("/retentionDays", posted.filled("retention"), |days| {
        days.parse::<u16>().map_err(|_| "choose one of these")
    });
    TenantInput {
        max_webhooks,
        max_held,
        retention_days: retention.map_or(Patch::Keep, Patch::Set),
        strict: Patch::Set(posted.filled("strict").is_some()),
        defaults: Patch::Keep,
    }
}

fn refused(signed: &Signed, name: Option<&str>, shown: (&Posted, &Faults)) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(signed, name, shown)?).into_response())
}

fn page(signed: &Signed, name: Option<&str>, (typed, faults): (&Posted, &Faults)) -> Result<Response, Failure> {
    let days = Retention::ALL.map(|class| match class.days() {
        1 => ("1".to_owned(), "1 day".to_owned()),
        days => (days.to_string(), format!("{days} days")),
    });
    let mut fields = Vec::new();
    if name.is_none() {
        fields.push(
            Field::new("name", "Name", Kind::Line("text"))
                .value(typed.get("name"))
                .hint("1 to 64 small letters, digits, - and _. It can’t be changed later.")
                .required()
                .judged("/name", faults),
        );
    }
    fields.extend([
        Field::new("max_webhooks", "Most webhooks", Kind::Line("number"))
            .value(typed.get("max_webhooks"))
            .hint("0 allows none; any number, if empty.")
            .judged("/maxWebhooks", faults),
        Field::new("max_held", "Most held deliveries", Kind::Line("number"))
            .value(typed.get("max_held"))
            .hint("Of a paused webhook; more are cancelled. 10,000, if empty.")
            .judged("/maxHeld", faults),
        Field::new("retention", "Events and log are kept", Kind::Choice(days.into()))
            .value(typed.get("retention"))
            .required()
            .judged("/retentionDays", faults),
        Field::new(
            "strict",
            "Strict: only events that the catalogue knows, with data that fits their schema",
            Kind::Tick,
        )
        .value(typed.get("strict"))
        .judged("/strict", faults),
    ]);
    let summary = faults.summary(&fields.iter().collect::<Vec<_>>());
    let at = signed.0.layout(name.map_or_else(|| "New tenant".to_owned(), |name| format!("Tenant {name}")));
    let page = FormPage { at, csrf: signed.csrf(), faults: summary, fields, name: name.map(str::to_owned) };
    Ok(rendered(&page)?.into_response())
}

/// What can't be a tenant isn't there.
fn named(name: &str) -> Result<Tenant, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}

impl Row {
    fn new(profile: &TenantProfile) -> Self {
        Self {
            name: profile.name.to_string(),
            max_webhooks: profile.max_webhooks.map_or_else(|| "any number".to_owned(), |max| max.to_string()),
            max_held: profile.max_held,
            retention: profile.retention.days(),
            strict: profile.strict,
        }
    }
}
