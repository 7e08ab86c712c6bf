//! Reading webhooks: one, a page of them, their revisions, how they fare.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::model::ids::WebhookId;
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::plugin::Stage;
use crate::model::webhook::{Health, Revision, Status, Webhook};
use crate::service::Services;
use crate::service::caller::Caller;
use crate::service::error::Result;
use crate::store::{Recent, WebhookStats};

/// What a list of webhooks is filtered by.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    pub tenant: Option<Tenant>,
    pub environment: Option<Environment>,
    /// `active`, `paused`, `disabled`, or `inactive` for either of the latter.
    pub status: Option<String>,
    /// A part of the name or the URL, whatever its case. For those who may not see URLs: of the name or the origin.
    pub search: Option<String>,
    /// Those that want events of this type.
    pub event_type: Option<EventType>,
    /// Those whose chain has this plugin: `name`, or `name@version`.
    pub plugin: Option<String>,
}

/// How a webhook fared in the last 7 days.
#[derive(Clone, Debug)]
pub struct Stats {
    pub numbers: WebhookStats,
    pub health: Health,
    pub waiting: u32,
}

const STATS_SPAN: Duration = Duration::from_secs(7 * 24 * 3600);
const RECENT_SPAN: Duration = Duration::from_secs(24 * 3600);
const WAITING_COUNTED: u32 = 10_000;

impl Services {
    pub fn webhook(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        caller.must_read()?;
        self.webhook_of(caller, id)
    }

    /// For whoever is about to change it.
    pub fn webhook_to_change(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        caller.must_configure()?;
        self.webhook_of(caller, id)
    }

    /// Newest first. All webhooks are in memory: a filter scans them there.
    pub fn webhooks(&self, caller: &Caller, filter: WebhookFilter, page: PageRequest) -> Result<Page<Arc<Webhook>>> {
        caller.must_read()?;
        let tenant = caller.scope(filter.tenant.clone())?;
        let search = filter.search.as_ref().map(|text| text.to_lowercase());
        let mut rows = self.directory.all();
        rows.retain(|webhook| {
            tenant.as_ref().is_none_or(|tenant| webhook.tenant == *tenant)
                && filter.environment.as_ref().is_none_or(|wanted| webhook.revision.environment == *wanted)
                && filter.status.as_ref().is_none_or(|wanted| is_in(webhook.revision.status, wanted))
                && filter.event_type.as_ref().is_none_or(|wanted| webhook.revision.subscription.wants(wanted))
                && filter
                    .plugin
                    .as_ref()
                    .is_none_or(|wanted| webhook.revision.chain.iter().any(|stage| is_of(stage, wanted)))
                && search.as_ref().is_none_or(|text| mentions(caller, webhook, text))
                && page.before.is_none_or(|before| webhook.id.number() < before)
        });
        rows.sort_unstable_by_key(|webhook| std::cmp::Reverse(webhook.id));
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| last.id.number());
        Ok(Page { rows, next, scanned_to: None })
    }

    /// Those that the caller's webhooks have, and the default.
    pub fn environments(&self, caller: &Caller) -> Result<BTreeSet<Environment>> {
        caller.must_read()?;
        let all = self.directory.all().into_iter().filter(|webhook| caller.sees(&webhook.tenant));
        let mut found: BTreeSet<Environment> = all.map(|webhook| webhook.revision.environment.clone()).collect();
        found.insert(self.settings(caller)?.environment);
        Ok(found)
    }

    /// How the newest deliveries of the last 24 hours fare, of a page's webhooks: those that the caller may see, and that had any.
    pub async fn recent(&self, caller: &Caller, webhooks: &[Arc<Webhook>]) -> Result<HashMap<WebhookId, Recent>> {
        caller.must_read()?;
        let seen = webhooks.iter().filter(|webhook| caller.sees(&webhook.tenant));
        let ids: Vec<WebhookId> = seen.map(|webhook| webhook.id).collect();
        Ok(self.store.recent(&ids, self.now().minus(RECENT_SPAN)).await?)
    }

    /// Newest first.
    pub async fn revisions(&self, caller: &Caller, id: WebhookId) -> Result<Vec<Arc<Revision>>> {
        self.webhook(caller, id)?;
        Ok(self.store.revisions(id).await?)
    }

    pub async fn webhook_stats(&self, caller: &Caller, id: WebhookId) -> Result<Stats> {
        self.webhook(caller, id)?;
        let numbers = self.store.stats(id, self.now().minus(STATS_SPAN)).await?;
        let waiting = self.store.count_waiting(id, WAITING_COUNTED).await?;
        Ok(Stats { numbers, health: self.store.health(id).await?, waiting })
    }
}

fn is_in(status: Status, wanted: &str) -> bool {
    status.as_str() == wanted || (wanted == "inactive" && status != Status::Active)
}

fn is_of(stage: &Stage, wanted: &str) -> bool {
    match wanted.split_once('@') {
        Some((name, version)) => stage.name == name && stage.version.to_string() == version,
        None => stage.name == wanted,
    }
}

fn mentions(caller: &Caller, webhook: &Webhook, text: &str) -> bool {
    let url = &webhook.current.url;
    let shown = if caller.sees_urls() { url.expose().as_str().to_owned() } else { url.origin() };
    webhook.name.to_lowercase().contains(text) || shown.to_lowercase().contains(text)
}
