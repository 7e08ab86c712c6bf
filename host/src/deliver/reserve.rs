//! Places in memory: for what `ingest` hands over they are promised before the rows are written, and taken up once they are; for what
//! is fetched they are counted before.

use std::sync::Arc;

use super::dispatcher::Dispatcher;
use crate::handoff::Handoff;
use crate::model::delivery::Claimed;
use crate::model::event::DATA_MAX;
use crate::model::webhook::{Ordering, Status, Webhook};
use crate::store::Start;

/// Fetching fewer rows at once isn't worth a call of the database.
const FEW: u32 = 16;

impl Dispatcher {
    /// How many rows there is room for, and how many bytes of data.
    pub(super) fn room(&self) -> (u32, usize) {
        let state = self.state.lock();
        if state.draining || state.is_full(self.limits) {
            return (0, 0);
        }
        let rows = u32::try_from(self.limits.rows - state.rows).unwrap_or(u32::MAX);
        (rows, self.limits.bytes - state.bytes)
    }

    /// Of `most` rows, as many as there is room for if each has all the data that it may have; a few while there is any room.
    pub(super) fn room_for(&self, most: u32) -> u32 {
        let state = self.state.lock();
        if state.draining || state.is_full(self.limits) {
            return 0;
        }
        let free = self.limits.bytes.saturating_sub(state.bytes);
        u32::try_from(free / DATA_MAX).unwrap_or(most).clamp(FEW.min(most), most)
    }
}

impl Handoff for Dispatcher {
    fn reserve(&self, webhook: &Arc<Webhook>) -> Start {
        let now = self.clock.now();
        let in_turn = self.shared && webhook.current.ordering == Ordering::Fifo;
        let mut state = self.state.lock();
        let held_back =
            in_turn || state.draining || state.is_full(self.limits) || webhook.revision.status != Status::Active;
        if held_back {
            state.mark_backlog(webhook.id);
        }
        let free = self.limits.rows.saturating_sub(state.rows);
        if !state.lane(webhook.id).reserve(now, free) {
            state.mark_backlog(webhook.id);
            drop(state);
            if in_turn {
                // It is fetched as soon as it is written.
                (self.wake)();
            }
            return Start::Waiting;
        }
        state.rows += 1;
        Start::Claimed
    }

    fn take(&self, claimed: Vec<Claimed>) {
        let mut state = self.state.lock();
        for claimed in claimed {
            let ordering = self.rules(claimed.webhook).ordering;
            state.lane(claimed.webhook).release(1);
            state.rows = state.rows.saturating_sub(1);
            state.insert(claimed, ordering);
        }
        drop(state);
        (self.wake)();
    }

    fn release(&self, webhook: &Arc<Webhook>, reserved: usize) {
        let mut state = self.state.lock();
        state.rows = state.rows.saturating_sub(reserved);
        state.lane(webhook.id).release(reserved);
    }
}
