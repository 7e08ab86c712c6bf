//! Reading webhooks: one, a page of them, their revisions, how they fare.

use std::sync::Arc;
use std::time::Duration;

use crate::model::ids::WebhookId;
use crate::model::name::{Environment, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::webhook::{Health, Revision, Webhook};
use crate::service::Services;
use crate::service::caller::Caller;
use crate::service::error::Result;
use crate::store::WebhookStats;

/// What a list of webhooks is filtered by.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    pub tenant: Option<Tenant>,
    pub environment: Option<Environment>,
    /// `active`, `paused` or `disabled`.
    pub status: Option<String>,
    /// A part of the name or the URL, whatever its case. For those who may not see URLs: of the name or the origin.
    pub search: Option<String>,
}

/// How a webhook fared in the last 7 days.
#[derive(Clone, Debug)]
pub struct Stats {
    pub numbers: WebhookStats,
    pub health: Health,
    pub waiting: u32,
}

const STATS_SPAN: Duration = Duration::from_secs(7 * 24 * 3600);
const WAITING_COUNTED: u32 = 10_000;

impl Services {
    pub fn webhook(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        caller.must_read()?;
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
                && filter.status.as_ref().is_none_or(|wanted| webhook.revision.status.as_str() == wanted)
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

fn mentions(caller: &Caller, webhook: &Webhook, text: &str) -> bool {
    let url = &webhook.current.url;
    let shown = if caller.sees_urls() { url.expose().as_str().to_owned() } else { url.origin() };
    webhook.name.to_lowercase().contains(text) || shown.to_lowercase().contains(text)
}
