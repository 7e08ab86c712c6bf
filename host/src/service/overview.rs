//! How things stand, for whoever looks in: the queue, the last 24 hours, and what needs somebody.

use std::sync::Arc;
use std::time::Duration;

use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::name::Tenant;
use crate::model::page::PageRequest;
use crate::model::time::Timestamp;
use crate::model::webhook::{Health, Webhook};
use crate::store::{DeliveryFilter, EventFilter, Overview};

use super::Services;
use super::caller::Caller;
use super::error::Result;

const SPAN: Duration = Duration::from_secs(24 * 3600);
const HOURS: u32 = 24;
/// The most failing webhooks, and the most failed deliveries, that are named.
const NAMED_MAX: usize = 5;

/// Of what the caller may see.
#[derive(Clone, Debug)]
pub struct Standing {
    /// 24 hours ago.
    pub since: Timestamp,
    pub numbers: Overview,
    pub webhooks: usize,
    /// Whether any event is kept.
    pub has_events: bool,
    /// Webhooks whose newest attempts all failed, the worst first.
    pub failing: Vec<(Arc<Webhook>, Health)>,
    /// How many of those there are, with the ones that aren't named.
    pub failing_count: usize,
    /// Deliveries that were accepted in this time and ended as failed, newest first.
    pub failed: Vec<Delivery>,
}

impl Standing {
    /// How many deliveries of the last 24 hours are in this state.
    pub fn count(&self, status: DeliveryStatus) -> u64 {
        self.numbers.hours.iter().filter(|each| each.status == status).map(|each| each.count).sum()
    }
}

impl Services {
    pub async fn overview(&self, caller: &Caller, tenant: Option<Tenant>) -> Result<Standing> {
        caller.must_read()?;
        let tenant = caller.scope(tenant)?;
        let since = self.now().minus(SPAN);
        let mut numbers = self.store.overview(tenant.as_ref(), since).await?;
        // Ids may be a little ahead of the clock.
        numbers.hours.iter_mut().for_each(|each| each.hour = each.hour.min(HOURS - 1));
        let is_shown = |webhook: &Arc<Webhook>| tenant.as_ref().is_none_or(|tenant| *tenant == webhook.tenant);
        let webhooks = self.directory.all().into_iter().filter(is_shown).count();
        let mut failing = Vec::new();
        for (id, health) in self.store.healths().await? {
            let webhook = self.directory.webhook(id).filter(is_shown);
            if let Some(webhook) = webhook.filter(|_| health.consecutive_failures > 0) {
                failing.push((webhook, health));
            }
        }
        failing.sort_by_key(|(webhook, health)| (std::cmp::Reverse(health.consecutive_failures), webhook.id));
        let failing_count = failing.len();
        failing.truncate(NAMED_MAX);
        let page = |limit| PageRequest { limit, before: None };
        let status = Some(DeliveryStatus::Failed);
        let filter = DeliveryFilter { tenant: tenant.clone(), status, since: Some(since), ..DeliveryFilter::default() };
        let failed = self.store.deliveries(&filter, page(u32::try_from(NAMED_MAX).unwrap_or(u32::MAX))).await?.rows;
        let any = EventFilter { tenant, ..EventFilter::default() };
        let has_events = !self.store.events(&any, page(1)).await?.rows.is_empty();
        Ok(Standing { since, numbers, webhooks, has_events, failing, failing_count, failed })
    }
}
