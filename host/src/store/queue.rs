//! The queue: what is pending, who has it in hand, and how it ends.

use std::sync::Arc;

use async_trait::async_trait;

use super::{NewDelivery, Result};
use crate::model::attempt::Attempt;
use crate::model::delivery::{Claimed, Fixed, Next};
use crate::model::ids::{DeliveryId, EventId, RevisionId, WebhookId};
use crate::model::time::Timestamp;

/// An attempt's end, as `complete` is given it.
#[derive(Clone, Debug)]
pub struct Completion {
    pub claimed: Claimed,
    /// `None` where it didn't come to an attempt: cancelled, or put back.
    pub attempt: Option<Attempt>,
    /// What this attempt fixed; stored once.
    pub fixed: Option<Fixed>,
    pub next: Completed,
    /// How the attempt counts for the webhook's health; `None` for one that doesn't (tests, guest and host faults, drops).
    pub health: Option<bool>,
    /// Something goes on only when this is written: it isn't kept waiting for others to be written with.
    pub awaited: bool,
    pub now: Timestamp,
}

impl Completion {
    /// Attempts that were made, this one counted.
    pub fn tries(&self) -> u32 {
        self.attempt.as_ref().map_or(self.claimed.attempts, |attempt| attempt.number)
    }

    /// What the receiver answered to this attempt, if it did.
    pub fn reply_status(&self) -> Option<u16> {
        Some(self.attempt.as_ref()?.response.as_ref()?.status)
    }

    /// What every attempt is made of, once one has fixed it.
    pub fn revision(&self) -> Option<RevisionId> {
        let fixed = self.fixed.as_ref().or(self.claimed.fixed.as_ref())?;
        Some(fixed.revision)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    Next(Next),
    /// No attempt was made: it waits for its webhook (paused meanwhile, or parked).
    Waiting,
    /// No attempt was made: due again at this time.
    Scheduled(Timestamp),
}

/// What a claim got.
#[derive(Debug, Default)]
pub struct Taken {
    pub claimed: Vec<Claimed>,
    /// Rows were left that would have been taken if their data were smaller.
    pub too_large: bool,
}

/// How much data a claim may still take: all that fits, and the first row in any case.
pub(super) struct Budget {
    bytes: usize,
    begun: bool,
}

impl Budget {
    pub(super) const fn of(bytes: usize) -> Self {
        Self { bytes, begun: false }
    }

    pub(super) fn allows(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.bytes || !self.begun;
        (self.bytes, self.begun) = (self.bytes.saturating_sub(bytes), true);
        fits
    }
}

#[async_trait]
pub trait Queue {
    /// Records how attempts ended, all of them or none, in a group commit shared with others; an answer for each, in order.
    /// `false`: another node has claimed it since (the fence is old); the attempt is logged as a duplicate and nothing else is
    /// changed.
    async fn complete_all(&self, completions: Vec<Arc<Completion>>) -> Result<Vec<bool>>;

    /// The same of a single one.
    async fn complete(&self, completion: Completion) -> Result<bool> {
        let answers = self.complete_all(vec![Arc::new(completion)]).await?;
        Ok(answers.into_iter().all(|applied| applied))
    }

    /// Takes what is scheduled at or before `now`, oldest first.
    async fn claim_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>>;

    /// Takes what waits for these webhooks, at most so many for each, in the order of acceptance, until their events' data is more than
    /// `bytes` (counted for each row; the first one is always taken). All by one call, so that an event that several of them wait for is
    /// read once.
    async fn claim_waiting_all(&self, wanted: &[(WebhookId, u32)], bytes: usize) -> Result<Taken>;

    /// The same for a single one, however large.
    async fn claim_waiting(&self, webhook: WebhookId, limit: u32) -> Result<Vec<Claimed>> {
        Ok(self.claim_waiting_all(&[(webhook, limit)], usize::MAX).await?.claimed)
    }

    /// The same where the order counts, over all nodes: nothing while another node has some of it in hand, and nothing that comes after
    /// one that is scheduled for another attempt. `None`: for one of these reasons there is nothing to take now, though some may wait.
    async fn claim_in_order(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>>;

    /// The webhooks that something waits for.
    async fn waiting(&self) -> Result<Vec<WebhookId>>;

    /// How many rows wait for one webhook, counted up to `limit`.
    async fn count_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32>;

    /// Takes one back that was put aside, for a manual retry: pending and unclaimed, or ended. `None`: it is in somebody's hands now,
    /// or nobody knows it. Its trigger is then [`Trigger::Manual`], but a test stays a test.
    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Claimed>>;

    /// New deliveries of stored events: replays. One transaction for all. Those whose event is gone meanwhile are left out; the
    /// answer is which were written.
    async fn enqueue(&self, replays: Vec<(EventId, NewDelivery)>, now: Timestamp) -> Result<Vec<DeliveryId>>;

    /// Ends everything pending of a webhook that nobody has claimed, as `cancelled` with this reason; at most `limit`, and how many.
    async fn cancel_pending(&self, webhook: WebhookId, reason: &str, now: Timestamp, limit: u32) -> Result<u32>;

    /// The clock jumped: what is scheduled later than `after`, and in nobody's hands, is due so many milliseconds later (or earlier, if
    /// negative), but not before `now`. How many rows that were.
    async fn reschedule(&self, after: Timestamp, by_millis: i64, now: Timestamp) -> Result<u64>;

    /// When the next scheduled row is due, and how many rows there are: (scheduled or waiting, claimed).
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    async fn depth(&self) -> Result<QueueDepth>;

    /// At start: rows of nodes that are gone become scheduled at once. Returns how many.
    async fn recover(&self, now: Timestamp) -> Result<u64>;

    /// One step of deleting events, deliveries, attempts and keys past their retention: at most about `max_rows` rows, in a transaction
    /// that appends wait for, if they do, no longer than that takes. What still waits when its event expires ends as `cancelled` first,
    /// and is shown for another day.
    async fn purge(&self, now: Timestamp, max_rows: u32) -> Result<Purged>;
}

/// What a step of a purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Deleted, ended or forgotten, about; of a day that was dropped whole, one.
    pub rows: u64,
    /// There may be more to do now.
    pub more: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    pub claimed: u64,
    pub scheduled: u64,
    pub waiting: u64,
    /// The oldest row's acceptance.
    pub oldest: Option<Timestamp>,
}
