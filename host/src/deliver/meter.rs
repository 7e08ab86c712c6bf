//! What `/metrics` tells of deliveries. Labels never carry a URL, a tenant or a webhook.

use crate::model::attempt::{Attempt, Outcome, Trigger};
use crate::store::QueueDepth;

/// One attempt has ended.
pub(super) fn attempt(attempt: &Attempt) {
    let (outcome, trigger) = (outcome_label(&attempt.outcome), trigger_label(attempt.trigger));
    metrics::counter!("waxwing_attempts_total", "outcome" => outcome, "trigger" => trigger).increment(1);
    let took = attempt.ended_at.since(attempt.started_at);
    metrics::histogram!("waxwing_attempt_seconds", "outcome" => outcome).record(took.as_secs_f64());
    if let Some(first_byte) = attempt.timings.first_byte {
        metrics::histogram!("waxwing_first_byte_seconds").record(first_byte.as_secs_f64());
    }
}

/// From acceptance to the end of the first attempt.
pub(super) fn first_attempt(waited: std::time::Duration) {
    metrics::histogram!("waxwing_acceptance_to_first_attempt_seconds").record(waited.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact above 2^52 rows is nobody's wish")]
pub(super) fn queue(depth: QueueDepth, in_flight: usize, in_memory: usize) {
    metrics::gauge!("waxwing_queue_rows", "state" => "claimed").set(depth.claimed as f64);
    metrics::gauge!("waxwing_queue_rows", "state" => "scheduled").set(depth.scheduled as f64);
    metrics::gauge!("waxwing_queue_rows", "state" => "waiting").set(depth.waiting as f64);
    metrics::gauge!("waxwing_attempts_in_flight").set(in_flight as f64);
    metrics::gauge!("waxwing_deliveries_in_memory").set(in_memory as f64);
}

/// A webhook was disabled by us.
pub(super) fn disabled(reason: &'static str) {
    metrics::counter!("waxwing_webhooks_disabled_total", "reason" => reason).increment(1);
}

const fn outcome_label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Unreachable { .. } => "unreachable",
        Outcome::Dropped { .. } => "dropped",
        Outcome::TransformFailed { .. } => "transform-failed",
        Outcome::FormatFailed { .. } => "format-failed",
    }
}

const fn trigger_label(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Automatic => "automatic",
        Trigger::Manual => "manual",
        Trigger::Test => "test",
    }
}
