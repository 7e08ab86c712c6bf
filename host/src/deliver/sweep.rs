//! Looks now and then for what no event announces: rows that wait although their webhook is free, holds whose holder is gone,
//! a paused webhook that holds too much, what has outlived its retention.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::time::Duration;

use parking_lot::Mutex;

use super::dispatcher::Dispatcher;
use super::{Parts, meter};
use crate::model::delivery::{Delivery, DeliveryStatus, Next};
use crate::model::ids::WebhookId;
use crate::model::page::PageRequest;
use crate::model::tenant::TenantProfile;
use crate::model::time::Timestamp;
use crate::model::webhook::{Ordering, Status, Webhook};
use crate::store::{Completed, Completion, DeliveryFilter, StoreError};

const EVERY: Duration = Duration::from_secs(1);
/// At most so often where somebody asks for it.
const ASKED_EVERY: Duration = Duration::from_millis(50);
/// Counting the queue walks over an index: not every second.
const COUNT_EVERY: Duration = Duration::from_secs(10);
const PURGE_EVERY: Duration = Duration::from_secs(60);
const PURGE_ROWS: u32 = 1000;
/// The most that one sweep cancels of what a paused webhook holds too much.
const CANCEL_ROWS: u32 = PageRequest::LIMIT_MAX;
/// The most pages of a `fifo` webhook's pending deliveries that a start looks at.
const FIFO_PAGES: u32 = 40;

pub(super) struct Sweeper {
    parts: Parts,
    dispatcher: Arc<Dispatcher>,
    last: Mutex<Timestamp>,
    /// Another node may have left something that waits.
    asked: AtomicBool,
    last_asked: Mutex<Timestamp>,
    last_count: Mutex<Timestamp>,
    last_purge: Mutex<Timestamp>,
}

impl Sweeper {
    pub(super) fn new(parts: Parts, dispatcher: Arc<Dispatcher>) -> Self {
        let never = Mutex::<Timestamp>::default;
        let asked = AtomicBool::new(false);
        Self { parts, dispatcher, last: never(), asked, last_asked: never(), last_count: never(), last_purge: never() }
    }

    /// What waits is looked for soon, not only when it is time again.
    pub(super) fn ask(&self) {
        self.asked.store(true, Atomic::Release);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Atomic::Acquire)
    }

    /// `true`: it was time for all of it.
    pub(super) async fn sweep_when_due(&self) -> Result<bool, StoreError> {
        if !due(&self.last, self.parts.clock.now(), EVERY) {
            let asked = self.is_asked() && due(&self.last_asked, self.parts.clock.now(), ASKED_EVERY);
            if asked {
                self.find_waiting().await?;
            }
            return Ok(false);
        }
        if due(&self.last_count, self.parts.clock.now(), COUNT_EVERY) {
            meter::queue(self.parts.store.depth().await?, self.dispatcher.in_flight(), self.dispatcher.rows());
        }
        self.sweep().await?;
        Ok(true)
    }

    pub(super) async fn sweep(&self) -> Result<(), StoreError> {
        self.find_waiting().await?;
        self.end_stale_holds().await?;
        if due(&self.last_purge, self.parts.clock.now(), PURGE_EVERY) {
            self.purge().await?;
        }
        Ok(())
    }

    /// Webhooks with waiting rows get a backlog; the paused among them may hold only so many.
    pub(super) async fn find_waiting(&self) -> Result<(), StoreError> {
        self.asked.store(false, Atomic::Release);
        let mut tenants = None;
        for id in self.parts.store.waiting().await? {
            let webhook = self.parts.directory.webhook(id);
            match webhook.filter(|webhook| webhook.revision.status == Status::Paused) {
                None => self.dispatcher.mark_backlog(id),
                Some(paused) => {
                    if tenants.is_none() {
                        tenants = Some(self.parts.store.tenants().await?);
                    }
                    self.cancel_excess(&paused, tenants.as_deref().unwrap_or_default()).await?;
                }
            }
        }
        Ok(())
    }

    /// After a start: a `fifo` webhook whose delivery waits for another attempt sends nothing before it.
    pub(super) async fn hold_what_retries_in_order(&self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        for webhook in self.parts.directory.all() {
            if webhook.current.ordering == Ordering::Fifo {
                let oldest = self.oldest_pending(webhook.id).await?;
                if let Some(oldest) = oldest.filter(|it| it.attempts > 0 && it.next_at.is_some_and(|at| at > now)) {
                    self.dispatcher.hold(webhook.id, oldest.id);
                }
            }
        }
        Ok(())
    }

    async fn oldest_pending(&self, webhook: WebhookId) -> Result<Option<Delivery>, StoreError> {
        let filter = pending(webhook);
        let (mut oldest, mut before) = (None, None);
        for _ in 0..FIFO_PAGES {
            let page =
                self.parts.store.deliveries(&filter, PageRequest { limit: PageRequest::LIMIT_MAX, before }).await?;
            oldest = page.rows.into_iter().next_back().or(oldest);
            before = page.next.or(page.scanned_to);
            if before.is_none() {
                break;
            }
        }
        Ok(oldest)
    }

    async fn end_stale_holds(&self) -> Result<(), StoreError> {
        for (webhook, holder) in self.dispatcher.held() {
            let delivery = self.parts.store.delivery(None, holder).await?;
            if delivery.is_none_or(|delivery| delivery.status != DeliveryStatus::Pending) {
                self.dispatcher.unhold(webhook);
                self.dispatcher.mark_backlog(webhook);
            }
        }
        Ok(())
    }

    /// The newest beyond the tenant's limit end as `cancelled`.
    async fn cancel_excess(&self, webhook: &Webhook, tenants: &[TenantProfile]) -> Result<(), StoreError> {
        let profile = tenants.iter().find(|tenant| tenant.name == webhook.tenant);
        let most = profile.map_or(TenantProfile::MAX_HELD, |profile| profile.max_held);
        let held = self.parts.store.count_waiting(webhook.id, most.saturating_add(CANCEL_ROWS)).await?;
        let excess = held.saturating_sub(most);
        if excess == 0 {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let newest = PageRequest { limit: CANCEL_ROWS, before: None };
        let page = self.parts.store.deliveries(&pending(webhook.id), newest).await?;
        let waiting = page.rows.into_iter().filter(|delivery| delivery.next_at.is_none());
        for delivery in waiting.take(excess as usize) {
            let Some(claimed) = self.parts.store.retry(delivery.id, now).await? else { continue };
            let reason = Some(format!("the webhook is paused and holds its {most} deliveries already"));
            let next = Completed::Next(Next::Ended { status: DeliveryStatus::Cancelled, reason });
            let ended = Completion { claimed, attempt: None, fixed: None, next, health: None, now };
            self.parts.store.complete(ended).await?;
        }
        Ok(())
    }

    async fn purge(&self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        while self.parts.store.purge(now, PURGE_ROWS).await? >= u64::from(PURGE_ROWS) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn pending(webhook: WebhookId) -> DeliveryFilter {
    DeliveryFilter { webhook: Some(webhook), status: Some(DeliveryStatus::Pending), ..DeliveryFilter::default() }
}

/// Whether it is time again; if so, it is noted.
fn due(last: &Mutex<Timestamp>, now: Timestamp, every: Duration) -> bool {
    let mut last = last.lock();
    let due = now >= last.plus(every);
    if due {
        *last = now;
    }
    due
}
