//! The audit log, newest first.

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;

use crate::model::ids::TokenId;
use crate::model::time::Timestamp;
use crate::service::AuditEntry;
use crate::ui::layout::{Layout, rendered};
use crate::ui::page::{Pager, asked};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::Moment;
use crate::ui::{Answer, Ui};

use super::{AUDIT, Tab, tabs};

#[derive(Template)]
#[template(path = "settings/audit.html")]
struct Page {
    at: Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    tenant: String,
    pager: Pager,
}

struct Row {
    at: Moment,
    actor: String,
    action: String,
    target: String,
    detail: String,
    tenant: Option<String>,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let found = ui.services.audits(signed.caller(), query.parsed("tenant"), asked(&query)).await?;
    let pager = Pager::new(&query, &found);
    let now = ui.services.now();
    let page = Page {
        at: signed.0.layout("Audit log"),
        tabs: tabs(signed.caller(), AUDIT),
        rows: found.rows.into_iter().map(|entry| Row::new(entry, now)).collect(),
        tenant: query.get("tenant").unwrap_or_default().to_owned(),
        pager,
    };
    Ok(rendered(&page)?.into_response())
}

impl Row {
    fn new(entry: AuditEntry, now: Timestamp) -> Self {
        let AuditEntry { id, tenant, actor, action, target, detail } = entry;
        // Ids of all kinds tell their time alike.
        let at = Moment::new(TokenId::from(id).time(), now);
        Self { at, actor, action, target, detail, tenant: tenant.map(|tenant| tenant.to_string()) }
    }
}
