//! What is noted down while an attempt is made, and becomes its row in the log.

use std::time::Duration;

use crate::model::attempt::{Attempt, Outcome, Response, Sent, StageRun, Timings, Trigger};
use crate::model::delivery::{Claimed, Fixed, Next};
use crate::model::ids::DeliveryId;
use crate::model::policy::RetryPolicy;
use crate::model::time::Timestamp;
use crate::retry::{Decision, Ended};
use crate::store::{Completed, Completion};

pub(super) struct Record {
    delivery: DeliveryId,
    number: u32,
    trigger: Trigger,
    started_at: Timestamp,
    pub(super) sent: Option<Sent>,
    pub(super) response: Option<Response>,
    pub(super) timings: Timings,
    pub(super) stages: Vec<StageRun>,
    /// What this attempt fixed for all later ones.
    pub(super) fixed: Option<Fixed>,
    /// The wait that the reply asked for.
    pub(super) asked: Option<Duration>,
}

impl Record {
    pub(super) fn begin(claimed: &Claimed, now: Timestamp) -> Self {
        Self {
            delivery: claimed.id,
            number: claimed.attempts + 1,
            trigger: claimed.trigger,
            started_at: now,
            sent: None,
            response: None,
            timings: Timings::default(),
            stages: Vec::new(),
            fixed: None,
            asked: None,
        }
    }

    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    pub(super) const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    pub(super) const fn ended<'a>(&self, policy: &'a RetryPolicy, now: Timestamp) -> Ended<'a> {
        Ended { number: self.number, trigger: self.trigger, policy, asked: self.asked, now }
    }

    pub(super) fn completion(
        self,
        claimed: Claimed,
        outcome: Outcome,
        decision: &Decision,
        now: Timestamp,
    ) -> Completion {
        let (next_at, retry_reason) = match &decision.next {
            Next::Again { at, reason } => (Some(*at), Some(reason.clone())),
            Next::Ended { .. } => (None, None),
        };
        let health = counts(self.trigger, &outcome);
        let attempt = Attempt {
            delivery: self.delivery,
            number: self.number,
            trigger: self.trigger,
            started_at: self.started_at,
            ended_at: now,
            outcome,
            sent: self.sent,
            response: self.response,
            timings: self.timings,
            stages: self.stages,
            retry_reason,
            next_at,
        };
        let next = Completed::Next(decision.next.clone());
        Completion { claimed, attempt: Some(attempt), fixed: self.fixed, next, health, awaited: false, now }
    }
}

/// How an attempt counts for the webhook's health: only what the receiver did, and not in a test.
const fn counts(trigger: Trigger, outcome: &Outcome) -> Option<bool> {
    match (trigger, outcome) {
        (Trigger::Test, _) => None,
        (_, Outcome::Delivered) => Some(true),
        (_, Outcome::Rejected { .. } | Outcome::Unreachable { .. }) => Some(false),
        (_, Outcome::Dropped { .. } | Outcome::TransformFailed { .. } | Outcome::FormatFailed { .. }) => None,
    }
}
