//! What the dispatcher remembers: the webhooks' lanes, the ring of ready ones, and the sums over all of them. Plain data.

use std::collections::{BTreeSet, VecDeque};

use hashbrown::{HashMap, HashSet};

use super::dispatcher::Limits;
use super::lane::{Lane, Pace, Rules};
use super::under_way::Held;
use crate::model::delivery::Claimed;
use crate::model::ids::WebhookId;
use crate::model::time::Timestamp;
use crate::model::webhook::Ordering;

#[derive(Default)]
pub(super) struct State {
    pub(super) lanes: HashMap<WebhookId, Lane>,
    pub(super) ring: VecDeque<WebhookId>,
    /// Lanes that their rate holds back, by when it lets them go on.
    pub(super) later: BTreeSet<(Timestamp, WebhookId)>,
    /// Lanes with rows in the database.
    pub(super) backlogs: HashSet<WebhookId>,
    pub(super) in_flight: usize,
    pub(super) unrecorded: usize,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) draining: bool,
    /// The database failed while it claimed: rows may stand as claimed by us that nobody here knows of.
    pub(super) lost: bool,
}

impl State {
    pub(super) fn lane(&mut self, id: WebhookId) -> &mut Lane {
        self.lanes.entry(id).or_default()
    }

    pub(super) fn mark_backlog(&mut self, id: WebhookId) {
        self.lane(id).mark_backlog();
        self.backlogs.insert(id);
    }

    pub(super) fn insert(&mut self, claimed: Claimed, ordering: Ordering) {
        let webhook = claimed.webhook;
        self.rows += 1;
        self.bytes += claimed.event.data.bytes.len();
        self.lane(webhook).push(claimed, ordering);
        self.enter_ring(webhook);
    }

    pub(super) fn forget(&mut self, held: Held) {
        self.rows = self.rows.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(held.bytes);
    }

    pub(super) fn free(&mut self, held: Held, pace: Pace, again: bool, rules: Rules) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.lane(held.webhook).done(held.delivery, pace, again, rules);
        // An idle lane is forgotten there, when its turn comes.
        self.enter_ring(held.webhook);
    }

    pub(super) fn is_full(&self, limits: Limits) -> bool {
        self.rows >= limits.rows || self.bytes >= limits.bytes
    }

    pub(super) fn enter_ring(&mut self, id: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if !std::mem::replace(&mut lane.in_ring, true) {
            self.ring.push_back(id);
        }
    }

    /// Everything that is not under way.
    pub(super) fn take_queued(&mut self) -> Vec<Claimed> {
        let queued: Vec<Claimed> = self.lanes.values_mut().flat_map(Lane::empty).collect();
        queued.iter().for_each(|claimed| self.forget(Held::by(claimed)));
        queued
    }

    pub(super) fn clock_went_back(&mut self, now: Timestamp) {
        self.lanes.values_mut().for_each(|lane| lane.clock_went_back(now));
        for (_, id) in std::mem::take(&mut self.later) {
            self.enter_ring(id);
        }
    }

    pub(super) fn wake_the_late(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.remove(&(at, id));
            self.enter_ring(id);
        }
    }
}
