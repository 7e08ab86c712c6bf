//! Every plugin by its newest version.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;

use crate::model::plugin::{Digest, Plugin};
use crate::ui::layout::{Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, UPLOAD};

#[derive(Template)]
#[template(path = "plugins/list.html")]
struct Page {
    at: Layout,
    rows: Vec<Row>,
    may_upload: bool,
}

struct Row {
    name: String,
    version: String,
    others: usize,
    description: String,
    /// Webhooks, over all versions.
    used_by: usize,
    origin: &'static str,
    redacts: bool,
    classifies: bool,
}

pub(super) async fn list(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let caller = signed.caller();
    let (plugins, uses) = (ui.services.plugins(caller)?, ui.services.plugin_uses(caller)?);
    let mut rows: Vec<Row> = Vec::new();
    for plugin in &plugins {
        match rows.last_mut() {
            // By name, then newest first.
            Some(last) if last.name == plugin.manifest.name => {
                last.others += 1;
                last.used_by += uses.get(&plugin.digest).copied().unwrap_or_default();
            }
            _ => rows.push(Row::new(plugin, &uses)),
        }
    }
    let page = Page {
        at: signed.0.layout("Plugins").done(query.get("done").and_then(super::sentence_of)),
        rows,
        may_upload: ui.services.may_upload(caller).is_ok(),
    };
    Ok(rendered(&page)?.into_response())
}

impl Row {
    fn new(plugin: &Arc<Plugin>, uses: &HashMap<Digest, usize>) -> Self {
        let manifest = &plugin.manifest;
        Self {
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            others: 0,
            description: manifest.description.clone(),
            used_by: uses.get(&plugin.digest).copied().unwrap_or_default(),
            origin: match (plugin.bundled, plugin.shared) {
                (true, _) => "with the server",
                (false, true) => "shared with tenants",
                (false, false) => "admins only",
            },
            redacts: manifest.redacts,
            classifies: manifest.classifies,
        }
    }
}
