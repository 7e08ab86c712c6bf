//! The folders that servers begin with: a key, plugins that are compiled already, a webhook that nothing is posted for; and, where a
//! scenario wants it, a database that holds something.
//!
//! Each is made once a run and copied for each measurement.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::body::Bodies;
use super::fill::{self, Contents};
use super::folder::Folder;
use super::scenario::{Scenario, Server, Stored};
use super::servers::Running;
use crate::cli::Failure;
use crate::model::ids::{RevisionId, WebhookId};

/// How many of what is stored before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) delivered: usize,
    pub(super) scheduled: usize,
    /// Bytes of an event's data.
    pub(super) bytes: usize,
}

pub(super) struct Templates {
    parent: PathBuf,
    sizes: Sizes,
    elsewhere: Elsewhere,
    fresh: Folder,
    filled: Vec<(Stored, Folder)>,
}

/// The webhook that whatever is stored belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    pub(super) webhook: WebhookId,
    pub(super) revision: RevisionId,
}

impl Templates {
    /// All that these scenarios need.
    pub(super) async fn make(parent: &Path, scenarios: &[Scenario], sizes: Sizes) -> Result<Self, Failure> {
        let fresh = Folder::new(parent, "fresh")?;
        let elsewhere = begin(&fresh).await?;
        let mut made = Self { parent: parent.to_owned(), sizes, elsewhere, fresh, filled: Vec::new() };
        for scenario in scenarios.iter().filter(|scenario| scenario.server == Server::Sqlite) {
            let stored = scenario.stored;
            if let Some(contents) = made.contents(stored)
                && made.filled.iter().all(|(made, _)| *made != stored)
            {
                let folder = made.fresh.copy(parent, &format!("{stored:?}"))?;
                fill::sqlite(folder.path(), contents).await?;
                made.filled.push((stored, folder));
            }
        }
        Ok(made)
    }

    /// Fills a scenario's own database with what stands there before; `folder` is its own.
    pub(super) async fn fill(&self, scenario: &Scenario, folder: &Folder, url: &str) -> Result<(), Failure> {
        match self.contents(scenario.stored).filter(|_| !scenario.server.is_floor()) {
            Some(contents) => fill::postgres(url, &folder.path().join(node_folder(1)), contents).await,
            None => Ok(()),
        }
    }

    fn contents(&self, stored: Stored) -> Option<Contents> {
        let count = match stored {
            Stored::Nothing => return None,
            Stored::Delivered | Stored::Expired => self.sizes.delivered,
            Stored::Scheduled => self.sizes.scheduled,
        };
        Some(Contents { stored, count, elsewhere: self.elsewhere, bodies: Bodies::new(self.sizes.bytes, 0) })
    }

    /// A folder of a scenario's own.
    pub(super) fn folder(&self, scenario: &Scenario) -> Result<Folder, Failure> {
        if scenario.server.is_floor() {
            return Folder::new(&self.parent, scenario.name);
        }
        if let Server::Postgres { nodes } = scenario.server {
            let folder = Folder::new(&self.parent, scenario.name)?;
            (1..=nodes).try_for_each(|node| folder.holds(&node_folder(node), &self.fresh))?;
            return Ok(folder);
        }
        let filled = self.filled.iter().find(|(stored, _)| *stored == scenario.stored);
        filled.map_or(&self.fresh, |(_, folder)| folder).copy(&self.parent, scenario.name)
    }
}

/// Where, in a scenario's folder, a node has its data.
pub(super) fn node_folder(node: usize) -> String {
    format!("node-{node}")
}

/// The first start: makes key and database, and compiles the plugins.
async fn begin(folder: &Folder) -> Result<Elsewhere, Failure> {
    let server = Running::on_sqlite(folder).await?;
    let webhook = json!({ "url": "http://127.0.0.1:9/elsewhere", "events": ["bench.elsewhere"] });
    let made = server.api()?.post("/api/webhooks", &webhook).await?;
    let odd = || Failure::Failed(format!("the webhook has no ids: {made}"));
    let id = |name: &str| made.get(name).and_then(Value::as_str);
    let webhook = id("id").and_then(|id| id.parse().ok()).ok_or_else(odd)?;
    let revision = id("revision").and_then(|id| id.parse().ok()).ok_or_else(odd)?;
    server.stop().await?;
    Ok(Elsewhere { webhook, revision })
}
