//! Who is next: a queue for each webhook with a cap, and a ring of those that are ready, so that a slow receiver holds nobody up.
//!
//! It decides and remembers, under one short lock; it never sends, never waits, and never touches the database. What doesn't fit
//! into memory waits in the database: `worker` fetches it back when there is room, and `pipeline` makes the attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use super::lane::{Pace, Readiness, Rules};
use super::state::State;
use super::under_way::Held;
use crate::clock::Clock;
use crate::model::delivery::Claimed;
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::time::Timestamp;
use crate::model::webhook::{Ordering, Status};
use crate::route::Directory;

/// How much at once, on this node; over all webhooks where it doesn't say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts under way.
    pub in_flight: usize,
    /// Attempts under way for one webhook, at least 1. A webhook begins with fewer, and wins them by answering.
    pub per_webhook: usize,
    /// Rows in memory, under way or not.
    pub rows: usize,
    /// Bytes of event data in memory.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 1024, per_webhook: 16, rows: 32_768, bytes: 256 * 1024 * 1024 }
    }
}

/// The most attempts that are answered and not yet written down: what a crash may repeat beside those under way.
const UNRECORDED_MAX: usize = 1024;

/// Called when something became ready, outside of the lock.
pub(super) type Wake = Box<dyn Fn() + Send + Sync>;

pub(super) struct Dispatcher {
    pub(super) directory: Arc<Directory>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) state: Mutex<State>,
    pub(super) wake: Wake,
    /// Others deliver from the same queue: where the order counts, whose turn it is is decided there.
    pub(super) shared: bool,
    /// How many nodes share a webhook's rate.
    nodes: AtomicU32,
}

impl Dispatcher {
    pub(super) fn new(directory: Arc<Directory>, clock: Arc<dyn Clock>, limits: Limits, wake: Wake) -> Self {
        let (state, nodes) = (Mutex::default(), AtomicU32::new(1));
        Self { directory, clock, limits, state, wake, shared: false, nodes }
    }

    /// One of several on the same queue, if `shared`.
    pub(super) fn among_others(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// So many nodes deliver: each keeps to its share of a webhook's rate.
    pub(super) fn share(&self, nodes: u32) {
        self.nodes.store(nodes.max(1), Relaxed);
    }

    /// The next delivery to attempt, each ready webhook in its turn. Its end is told by [`Self::done`].
    pub(super) fn next(&self) -> Option<Claimed> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        if state.draining || state.in_flight >= self.limits.in_flight || state.unrecorded >= UNRECORDED_MAX {
            return None;
        }
        state.wake_the_late(now);
        while let Some(id) = state.ring.pop_front() {
            let rules = self.rules(id);
            let Some(lane) = state.lanes.get_mut(&id) else { continue };
            lane.in_ring = false;
            match lane.readiness(rules, now) {
                Readiness::Blocked if lane.is_idle() => {
                    state.lanes.remove(&id);
                }
                Readiness::Blocked => {}
                Readiness::At(at) => {
                    state.later.insert((at, id));
                }
                Readiness::Ready => {
                    let Some(claimed) = lane.start(rules, now) else { continue };
                    lane.in_ring = true;
                    state.ring.push_back(id);
                    state.in_flight += 1;
                    return Some(claimed);
                }
            }
        }
        None
    }

    /// The receiver has answered an attempt that [`Self::next`] gave out: its place is free, and [`Self::recorded`] tells when
    /// its row is. `false` where the order counts: there the next one waits for the record, and [`Self::done`] tells of both.
    pub(super) fn answered(&self, held: Held, pace: Pace) -> bool {
        let rules = self.rules(held.webhook);
        if rules.ordering == Ordering::Fifo {
            return false;
        }
        let mut state = self.state.lock();
        state.unrecorded += 1;
        state.free(held, pace, false, rules);
        true
    }

    /// The end of an attempt that was [`Self::answered`] is written down.
    pub(super) fn recorded(&self, held: Held) {
        let mut state = self.state.lock();
        state.unrecorded = state.unrecorded.saturating_sub(1);
        state.forget(held);
    }

    /// An attempt that [`Self::next`] gave out has ended and is written down. `again`: the same delivery is due once more, later.
    pub(super) fn done(&self, held: Held, pace: Pace, again: bool) {
        let rules = self.rules(held.webhook);
        let mut state = self.state.lock();
        state.forget(held);
        state.free(held, pace, again, rules);
    }

    /// Takes a row into memory that was claimed from the database; gives it back if its webhook has enough already.
    pub(super) fn offer(&self, claimed: Claimed) -> Result<(), Claimed> {
        let ordering = self.rules(claimed.webhook).ordering;
        let mut state = self.state.lock();
        let full = state.is_full(self.limits);
        let lane = state.lane(claimed.webhook);
        // The one that holds its lane up must always get in.
        if (full || lane.room() == 0) && lane.held_by() != Some(claimed.id) {
            state.mark_backlog(claimed.webhook);
            return Err(claimed);
        }
        state.insert(claimed, ordering);
        Ok(())
    }

    /// Takes a row into memory in any case: somebody waits for it.
    pub(super) fn insist(&self, claimed: Claimed) {
        let ordering = self.rules(claimed.webhook).ordering;
        self.state.lock().insert(claimed, ordering);
    }

    /// The webhooks that want waiting rows, and how many; each must be answered with [`Self::refilled`].
    pub(super) fn to_refill(&self) -> Vec<(WebhookId, usize)> {
        let mut state = self.state.lock();
        if state.draining || state.is_full(self.limits) {
            return Vec::new();
        }
        let mut wanting = Vec::new();
        let State { lanes, backlogs, .. } = &mut *state;
        for id in backlogs.iter().filter(|id| !self.is_paused(**id)) {
            let lane = lanes.entry(*id).or_default();
            let wants = lane.wants();
            if wants > 0 {
                lane.refilling = true;
                wanting.push((*id, wants));
            }
        }
        wanting
    }

    /// Whether [`Self::to_refill`] would have an answer.
    pub(super) fn wants_refill(&self) -> bool {
        let state = self.state.lock();
        let wants = |id: &WebhookId| state.lanes.get(id).is_some_and(|lane| lane.wants() > 0) && !self.is_paused(*id);
        !state.draining && !state.is_full(self.limits) && state.backlogs.iter().any(wants)
    }

    pub(super) fn refilled(&self, webhook: WebhookId, claimed: Vec<Claimed>, asked: usize) {
        let (now, ordering) = (self.clock.now(), self.rules(webhook).ordering);
        let mut state = self.state.lock();
        if !state.lane(webhook).refilled(claimed.len(), asked, now) {
            state.backlogs.remove(&webhook);
            state.enter_ring(webhook);
        }
        claimed.into_iter().for_each(|claimed| state.insert(claimed, ordering));
    }

    /// The order counts, and it is not this node's turn, or not theirs: they are found again by the sweep.
    pub(super) fn must_wait(&self, webhook: WebhookId) {
        let mut state = self.state.lock();
        state.lane(webhook).must_wait();
        state.backlogs.remove(&webhook);
        state.enter_ring(webhook);
    }

    /// The answer to [`Self::to_refill`] couldn't be had.
    pub(super) fn refill_failed(&self, webhook: WebhookId) {
        self.state.lock().lane(webhook).refilling = false;
    }

    /// None of them will be answered, and there may be claims among them.
    pub(super) fn refills_failed(&self) {
        let mut state = self.state.lock();
        state.lanes.values_mut().for_each(|lane| lane.refilling = false);
        state.lost = true;
    }

    /// A claim's answer was lost: the rows may be claimed all the same.
    pub(super) fn note_lost(&self) {
        self.state.lock().lost = true;
    }

    /// Whether claims were lost and can be told from those in hand, since there are none; asked once.
    pub(super) fn take_lost(&self) -> bool {
        let mut state = self.state.lock();
        let findable = state.lost && state.rows == 0;
        state.lost &= !findable;
        findable
    }

    /// Rows wait in the database for this webhook.
    pub(super) fn mark_backlog(&self, webhook: WebhookId) {
        self.state.lock().mark_backlog(webhook);
    }

    /// `fifo`: nothing of this webhook goes out before this delivery has ended.
    pub(super) fn hold(&self, webhook: WebhookId, by: DeliveryId) {
        self.state.lock().lane(webhook).hold(by);
    }

    pub(super) fn held(&self) -> Vec<(WebhookId, DeliveryId)> {
        let state = self.state.lock();
        state.lanes.iter().filter_map(|(id, lane)| Some((*id, lane.held_by()?))).collect()
    }

    pub(super) fn unhold(&self, webhook: WebhookId) {
        let mut state = self.state.lock();
        state.lane(webhook).unhold();
        state.enter_ring(webhook);
    }

    /// Nobody waits for a time that was noted before.
    pub(super) fn clock_went_back(&self) {
        self.state.lock().clock_went_back(self.clock.now());
    }

    /// Whether this node delivers and no other one does, as far as it knows.
    pub(super) fn is_alone(&self) -> bool {
        !self.shared || self.nodes.load(Relaxed) == 1 && !self.is_resting()
    }

    /// When the next rate-limited webhook may go on.
    pub(super) fn next_ready(&self) -> Option<Timestamp> {
        self.state.lock().later.first().map(|(at, _)| *at)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.lock().in_flight
    }

    /// Rows in memory, under way or not.
    pub(super) fn rows(&self) -> usize {
        self.state.lock().rows
    }

    /// From now on nothing is started; what was queued is given out, to be put back into the database.
    pub(super) fn drain(&self) -> Vec<Claimed> {
        let mut state = self.state.lock();
        state.draining = true;
        state.take_queued()
    }

    /// From now on nothing is started here; what comes is for other nodes.
    pub(super) fn rest(&self) {
        self.state.lock().draining = true;
    }

    pub(super) fn is_resting(&self) -> bool {
        self.state.lock().draining
    }

    /// What is queued is given out, to be put back into the database.
    pub(super) fn take_queued(&self) -> Vec<Claimed> {
        self.state.lock().take_queued()
    }

    fn is_paused(&self, id: WebhookId) -> bool {
        self.directory.webhook(id).is_some_and(|webhook| webhook.revision.status == Status::Paused)
    }

    pub(super) fn rules(&self, id: WebhookId) -> Rules {
        let webhook = self.directory.webhook(id);
        let most = self.limits.per_webhook.max(1);
        webhook.map_or(Rules { ordering: Ordering::None, rate: None, most }, |webhook| Rules {
            ordering: webhook.current.ordering,
            rate: webhook.current.rate_limit.map(|rate| (rate / self.nodes.load(Relaxed)).max(1)),
            most,
        })
    }
}
