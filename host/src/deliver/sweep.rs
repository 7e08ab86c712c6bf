//! Looks now and then for what no event announces: rows that wait although their webhook is free, holds whose holder is gone,
//! a paused webhook that holds too much. What has outlived its retention is [`super::retention`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering as Atomic};
use std::time::Duration;

use parking_lot::Mutex;

use super::dispatcher::Dispatcher;
use super::jumps::{Jump, Jumps};
use super::{Parts, meter};
use crate::model::delivery::{Delivery, DeliveryStatus, Next};
use crate::model::ids::{EventId, WebhookId};
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
/// How far ahead of the time that is sure identifiers may be: they keep what they tell, and nothing gets an earlier one afterwards.
const IDS_AHEAD: Duration = Duration::from_secs(365 * 24 * 3600);
/// The most that one sweep cancels of what a paused webhook holds too much.
const CANCEL_ROWS: u32 = PageRequest::LIMIT_MAX;
/// The most pages of a `fifo` webhook's pending deliveries that a start looks at.
const FIFO_PAGES: u32 = 40;

pub(super) struct Sweeper {
    parts: Parts,
    dispatcher: Arc<Dispatcher>,
    jumps: Arc<Jumps>,
    /// By the steady clock, like those below.
    last: Mutex<Option<Duration>>,
    /// Another node may have left something that waits.
    asked: AtomicBool,
    last_asked: Mutex<Option<Duration>>,
    last_count: Mutex<Option<Duration>>,
    /// By how many milliseconds the clock jumped forward (or back, if negative) since scheduled rows were last moved with it.
    unsettled: AtomicI64,
}

impl Sweeper {
    pub(super) fn new(parts: Parts, dispatcher: Arc<Dispatcher>, jumps: Arc<Jumps>) -> Self {
        let never = Mutex::<Option<Duration>>::default;
        let (asked, last, unsettled) = (AtomicBool::new(false), never(), AtomicI64::new(0));
        let (last_asked, last_count) = (never(), never());
        Self { parts, dispatcher, jumps, last, asked, last_asked, last_count, unsettled }
    }

    /// A process begins: how long ago did anything happen?
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        let (highest, clock) = (self.parts.store.highest_id().await?, &self.parts.clock);
        let newest = (highest > 0).then(|| EventId::from(highest).time());
        self.jumps.begin(newest, clock.now(), clock.steady());
        Ok(())
    }

    /// `true`: the clock jumped, and when something is due must be found out anew. What was left of each wait is left of it still;
    /// among other nodes, whose clocks may be right, nothing is moved.
    pub(super) async fn look_at_the_clock(&self) -> Result<bool, StoreError> {
        let now = self.parts.clock.now();
        let jumped = self.jumps.look(now, self.parts.clock.steady());
        self.parts.ids.keep_below(self.jumps.surely(now).plus(IDS_AHEAD));
        if let Some(jump) = jumped {
            self.unsettled.fetch_add(jump.millis(), Atomic::Relaxed);
            tell(jump);
            if matches!(jump, Jump::Back(_)) {
                self.dispatcher.clock_went_back();
            }
        }
        let by = self.unsettled.load(Atomic::Relaxed);
        if by != 0 && self.dispatcher.is_alone() {
            let after = now.minus(Duration::from_millis(u64::try_from(by).unwrap_or(0)));
            self.parts.store.reschedule(after, by, now).await?;
        }
        self.unsettled.fetch_sub(by, Atomic::Relaxed);
        Ok(by != 0)
    }

    /// Until when what is scheduled counts as due: among other nodes, who look by their own clocks, by what is sure.
    pub(super) fn due_until(&self) -> Timestamp {
        let now = self.parts.clock.now();
        if self.dispatcher.is_alone() { now } else { self.jumps.surely(now) }
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
        if !due(&self.last, self.parts.clock.steady(), EVERY) {
            let asked = self.is_asked() && due(&self.last_asked, self.parts.clock.steady(), ASKED_EVERY);
            if asked {
                self.find_waiting().await?;
            }
            return Ok(false);
        }
        if due(&self.last_count, self.parts.clock.steady(), COUNT_EVERY) {
            meter::queue(self.parts.store.depth().await?, self.dispatcher.in_flight(), self.dispatcher.rows());
        }
        self.sweep().await?;
        Ok(true)
    }

    pub(super) async fn sweep(&self) -> Result<(), StoreError> {
        self.find_waiting().await?;
        self.end_stale_holds().await
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
            let ended = Completion { claimed, attempt: None, fixed: None, next, health: None, awaited: false, now };
            self.parts.store.complete(ended).await?;
        }
        Ok(())
    }
}

fn pending(webhook: WebhookId) -> DeliveryFilter {
    DeliveryFilter { webhook: Some(webhook), status: Some(DeliveryStatus::Pending), ..DeliveryFilter::default() }
}

fn tell(jump: Jump) {
    let (direction, by) = match jump {
        Jump::Forward(by) => ("forward", by),
        Jump::Back(by) => ("back", by),
    };
    meter::clock_jumped(direction);
    tracing::warn!(
        direction,
        seconds = by.as_secs_f64(),
        "the clock jumped, or this machine stood still: retries go on as they were; after a jump forward nothing expires for a day"
    );
}

/// Whether it is time again; if so, it is noted.
fn due(last: &Mutex<Option<Duration>>, steady: Duration, every: Duration) -> bool {
    let mut last = last.lock();
    let due = last.is_none_or(|last| steady >= last.saturating_add(every));
    if due {
        *last = Some(steady);
    }
    due
}
