//! What `/metrics` tells of deliveries. Labels never carry a URL, a tenant or a webhook.

use std::sync::LazyLock;

use metrics::{Counter, Histogram};

use crate::model::attempt::{Attempt, Trigger};
use crate::store::QueueDepth;

/// What every attempt counts: looked up by name once.
static ATTEMPTS: LazyLock<Attempts> = LazyLock::new(Attempts::new);

struct Attempts {
    outcomes: [OfOutcome; OUTCOMES.len()],
    first_byte: Histogram,
    first_attempt: Histogram,
}

struct OfOutcome {
    totals: [Counter; TRIGGERS.len()],
    seconds: Histogram,
}

/// In the order of `Outcome::number`.
const OUTCOMES: [&str; 6] = ["delivered", "rejected", "unreachable", "dropped", "transform-failed", "format-failed"];
const TRIGGERS: [&str; 3] = ["automatic", "manual", "test"];

impl Attempts {
    fn new() -> Self {
        let total =
            |outcome, trigger| metrics::counter!("waxwing_attempts_total", "outcome" => outcome, "trigger" => trigger);
        let of_outcome = |outcome| OfOutcome {
            totals: TRIGGERS.map(|trigger| total(outcome, trigger)),
            seconds: metrics::histogram!("waxwing_attempt_seconds", "outcome" => outcome),
        };
        Self {
            outcomes: OUTCOMES.map(of_outcome),
            first_byte: metrics::histogram!("waxwing_first_byte_seconds"),
            first_attempt: metrics::histogram!("waxwing_acceptance_to_first_attempt_seconds"),
        }
    }
}

/// One attempt has ended.
pub(super) fn attempt(attempt: &Attempt) {
    let Some(known) = ATTEMPTS.outcomes.get(usize::from(attempt.outcome.number())) else { return };
    known.totals.get(trigger_place(attempt.trigger)).into_iter().for_each(|total| total.increment(1));
    known.seconds.record(attempt.ended_at.since(attempt.started_at).as_secs_f64());
    if let Some(first_byte) = attempt.timings.first_byte {
        ATTEMPTS.first_byte.record(first_byte.as_secs_f64());
    }
}

/// From acceptance to the end of the first attempt.
pub(super) fn first_attempt(waited: std::time::Duration) {
    ATTEMPTS.first_attempt.record(waited.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact above 2^52 rows is nobody's wish")]
pub(super) fn queue(depth: QueueDepth, in_flight: usize, in_memory: usize) {
    metrics::gauge!("waxwing_queue_rows", "state" => "claimed").set(depth.claimed as f64);
    metrics::gauge!("waxwing_queue_rows", "state" => "scheduled").set(depth.scheduled as f64);
    metrics::gauge!("waxwing_queue_rows", "state" => "waiting").set(depth.waiting as f64);
    metrics::gauge!("waxwing_attempts_in_flight").set(in_flight as f64);
    metrics::gauge!("waxwing_deliveries_in_memory").set(in_memory as f64);
}

/// The wall clock jumped.
pub(super) fn clock_jumped(direction: &'static str) {
    metrics::counter!("waxwing_clock_jumps_total", "direction" => direction).increment(1);
}

/// A webhook was disabled by us.
pub(super) fn disabled(reason: &'static str) {
    metrics::counter!("waxwing_webhooks_disabled_total", "reason" => reason).increment(1);
}

/// Where it stands in [`TRIGGERS`].
const fn trigger_place(trigger: Trigger) -> usize {
    match trigger {
        Trigger::Automatic => 0,
        Trigger::Manual => 1,
        Trigger::Test => 2,
    }
}
