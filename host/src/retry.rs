//! What becomes of a delivery after an attempt: ended, or once more, and when. Pure: time and chance are arguments.
//!
//! The rules, in the order in which they are asked:
//!
//! - a success, a drop, a guest's fault and a format that can't carry the event end the delivery;
//! - 410 and a plugin's `disable-webhook` end it and ask for the webhook to be disabled, a plugin's `fail` ends it;
//! - a test or a manual attempt is never followed by an automatic one;
//! - all else (other replies, no reply, host faults) is tried again by the webhook's policy until that is used up.
//!
//! A receiver's `Retry-After` (RFC 9110, section 10.2.3) and a plugin's `retry(after)` can put an attempt off, up to
//! [`ASKED_MAX`]; they never bring it forward, else a receiver that says "1 second" would use up the schedule while it restarts.

use std::time::Duration;

use crate::model::attempt::{Judgement, Outcome, Trigger};
use crate::model::delivery::{DeliveryStatus, Next};
use crate::model::fault::Blame;
use crate::model::policy::RetryPolicy;
use crate::model::time::Timestamp;

/// The longest wait that a receiver or a plugin can ask for.
pub const ASKED_MAX: Duration = Duration::from_secs(24 * 3600);
/// A delay of the policy is spread over ± this part of itself.
pub const JITTER: f64 = 0.2;
/// The status by which a receiver says that it is gone for good (RFC 9110, section 15.5.11).
pub const GONE: u16 = 410;

/// The attempt that has ended, as far as it matters for what follows.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// 1 for the first.
    pub number: u32,
    pub trigger: Trigger,
    /// The webhook's policy as it is now.
    pub policy: &'a RetryPolicy,
    /// The wait that the reply asked for: see [`retry_after`].
    pub asked: Option<Duration>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub next: Next,
    /// The receiver is gone, and why we think so: the webhook is to be disabled at once.
    pub gone: Option<String>,
}

/// `unit` is uniform in 0.0..1.0; 0.5 means no jitter.
pub fn decide(ended: &Ended<'_>, outcome: &Outcome, unit: f64) -> Decision {
    let end = |status, reason: String| Decision { next: Next::Ended { status, reason: Some(reason) }, gone: None };
    let gone = |why: String| {
        let gone = (ended.trigger != Trigger::Test).then(|| why.clone());
        Decision { gone, ..end(DeliveryStatus::Failed, why) }
    };
    match outcome {
        Outcome::Delivered => {
            Decision { next: Next::Ended { status: DeliveryStatus::Delivered, reason: None }, gone: None }
        }
        Outcome::Dropped { plugin, reason } => end(DeliveryStatus::Dropped, format!("dropped by {plugin}: {reason}")),
        Outcome::FormatFailed { code, message } => end(DeliveryStatus::Failed, format!("{code}: {message}")),
        Outcome::TransformFailed { fault } if fault.kind.blame() == Blame::Guest => {
            end(DeliveryStatus::Failed, fault.to_string())
        }
        Outcome::Rejected { judged: Some(Judgement::Fail { reason }), status } => {
            end(DeliveryStatus::Failed, format!("{status}: {reason}"))
        }
        Outcome::Rejected { judged: Some(Judgement::DisableWebhook { reason }), status } => {
            gone(format!("{status}: {reason}"))
        }
        Outcome::Rejected { judged: None, status: GONE } => gone("410: the receiver is gone".into()),
        Outcome::Rejected { .. } | Outcome::Unreachable { .. } | Outcome::TransformFailed { .. } => {
            Decision { next: again_or_failed(ended, outcome, unit), gone: None }
        }
    }
}

/// The wait that a `Retry-After` header asks for: seconds or an HTTP date; `None` for anything else.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a very long wait, which is bounded anyway.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let at = Timestamp::from_millis(u64::try_from(date.as_millisecond()).ok()?);
    Some(at.since(now))
}

fn again_or_failed(ended: &Ended<'_>, outcome: &Outcome, unit: f64) -> Next {
    let what = in_a_word(outcome);
    let failed = |why: &str| Next::Ended { status: DeliveryStatus::Failed, reason: Some(format!("{what}; {why}")) };
    match ended.trigger {
        Trigger::Test => return failed("a test is not repeated"),
        Trigger::Manual => return failed("a manual attempt is not followed by others"),
        Trigger::Automatic => {}
    }
    let Some(planned) = ended.policy.delay_after(ended.number) else {
        return failed(&format!("no attempt is left after {}", ended.number));
    };
    let judged = match outcome {
        Outcome::Rejected { judged: Some(Judgement::Retry { after_ms: Some(millis) }), .. } => {
            Some(Duration::from_millis(*millis))
        }
        _ => None,
    };
    let asked = judged.or(ended.asked).unwrap_or_default().min(ASKED_MAX);
    let delay = jittered(planned, unit).max(asked);
    Next::Again { at: ended.now.plus(delay), reason: format!("again in {}: {what}", shown(delay)) }
}

fn jittered(delay: Duration, unit: f64) -> Duration {
    delay.mul_f64(1.0 + JITTER * (unit.clamp(0.0, 1.0) * 2.0 - 1.0))
}

/// What went wrong, as short as a list shows it.
fn in_a_word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected { status, .. } => status.to_string(),
        Outcome::Unreachable { error } => error.kind.as_str().into(),
        Outcome::TransformFailed { fault } => fault.to_string(),
        Outcome::Delivered => "delivered".into(),
        Outcome::Dropped { reason, .. } => reason.clone(),
        Outcome::FormatFailed { code, .. } => code.clone(),
    }
}

/// `5s`, `5m`, `1h 12m`, `1d 2h`: the two largest units, rounded to the second.
pub fn shown(duration: Duration) -> String {
    let seconds = duration.saturating_add(Duration::from_millis(500)).as_secs();
    let units = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let told = units.iter().skip_while(|(count, _)| *count == 0).take(2).filter(|(count, _)| *count > 0);
    let text = told.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ");
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::attempt::{SendError, SendErrorKind};
    use crate::model::fault::{Fault, FaultKind};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn first(policy: &RetryPolicy) -> Ended<'_> {
        Ended { number: 1, trigger: Trigger::Automatic, policy, asked: None, now: NOW }
    }

    fn rejected(status: u16) -> Outcome {
        Outcome::Rejected { status, judged: None }
    }

    fn judged(judgement: Judgement) -> Outcome {
        Outcome::Rejected { status: 200, judged: Some(judgement) }
    }

    fn faulty(kind: FaultKind) -> Outcome {
        Outcome::TransformFailed { fault: Fault { plugin: "p@1.0.0".into(), kind } }
    }

    fn again_at(decision: &Decision) -> Option<Timestamp> {
        match &decision.next {
            Next::Again { at, .. } => Some(*at),
            Next::Ended { .. } => None,
        }
    }

    fn failed(decision: &Decision) -> bool {
        matches!(decision.next, Next::Ended { status: DeliveryStatus::Failed, .. })
    }

    #[test]
    fn a_failure_is_tried_again_by_the_policy_and_says_so_in_one_line() {
        let policy = RetryPolicy::LicenseValidator;
        let decision = decide(&Ended { number: 2, ..first(&policy) }, &rejected(503), 0.5);
        let expected = Next::Again { at: NOW.plus(Duration::from_secs(300)), reason: "again in 5m: 503".into() };
        assert_eq!(decision, Decision { next: expected, gone: None });
    }

    #[test]
    fn the_last_attempt_fails_the_delivery() {
        let policy = RetryPolicy::LicenseValidator;
        let decision = decide(&Ended { number: 4, ..first(&policy) }, &rejected(500), 0.5);
        let reason = Some("500; no attempt is left after 4".into());
        assert_eq!(decision.next, Next::Ended { status: DeliveryStatus::Failed, reason });
    }

    #[test]
    fn gone_means_gone_but_not_for_a_test() {
        let policy = RetryPolicy::Standard;
        let decision = decide(&first(&policy), &rejected(410), 0.5);
        assert!(failed(&decision) && decision.gone.is_some());
        let tested = decide(&Ended { trigger: Trigger::Test, ..first(&policy) }, &rejected(410), 0.5);
        assert!(failed(&tested) && tested.gone.is_none());
    }

    #[test]
    fn a_plugin_judges_before_the_status_does() {
        let policy = RetryPolicy::Standard;
        let disable = decide(&first(&policy), &judged(Judgement::DisableWebhook { reason: "no_service".into() }), 0.5);
        assert_eq!(disable.gone.as_deref(), Some("200: no_service"));
        let fail = decide(&first(&policy), &judged(Judgement::Fail { reason: "bad property".into() }), 0.5);
        assert!(failed(&fail) && fail.gone.is_none());
        let later = decide(&first(&policy), &judged(Judgement::Retry { after_ms: Some(60_000) }), 0.5);
        assert_eq!(again_at(&later), Some(NOW.plus(Duration::from_secs(60))));
        let judged_410 = Outcome::Rejected { status: 410, judged: Some(Judgement::Retry { after_ms: None }) };
        assert!(again_at(&decide(&first(&policy), &judged_410, 0.5)).is_some());
    }

    #[test]
    fn a_guests_fault_is_final_and_a_hosts_is_not() {
        let policy = RetryPolicy::Standard;
        assert!(failed(&decide(&first(&policy), &faulty(FaultKind::Trap { message: "unreachable".into() }), 0.5)));
        let host = decide(&first(&policy), &faulty(FaultKind::Host { message: "no slot".into() }), 0.5);
        assert_eq!(again_at(&host), Some(NOW.plus(Duration::from_secs(5))));
    }

    #[test]
    fn nothing_follows_a_manual_attempt_or_a_test() {
        let policy = RetryPolicy::Standard;
        let error = SendError { kind: SendErrorKind::Timeout, detail: "10s".into() };
        for trigger in [Trigger::Manual, Trigger::Test] {
            let ended = Ended { trigger, ..first(&policy) };
            assert!(failed(&decide(&ended, &Outcome::Unreachable { error: error.clone() }, 0.5)), "{trigger:?}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(retry_after(" 120 ", NOW), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", NOW), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Tue, 14 Nov 2000 22:14:20 GMT", NOW), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-5", "1.5", "99 bottles"] {
            assert_eq!(retry_after(nonsense, NOW), None, "{nonsense}");
        }
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let cases = [(0, "0s"), (5, "5s"), (300, "5m"), (4320, "1h 12m"), (93_600, "1d 2h"), (3605, "1h")];
        for (seconds, text) in cases {
            assert_eq!(shown(Duration::from_secs(seconds)), text);
        }
    }

    proptest! {
        #[test]
        fn an_attempt_is_never_earlier_than_the_jitter_allows_nor_later_than_its_bounds(
            seconds in 1_u64..604_800, asked in proptest::option::of(0_u64..u64::MAX), unit in 0.0_f64..1.0,
        ) {
            let planned = Duration::from_secs(seconds);
            let policy = RetryPolicy::Custom(vec![planned]);
            let ended = Ended { asked: asked.map(Duration::from_secs), ..first(&policy) };
            let at = again_at(&decide(&ended, &rejected(503), unit)).unwrap();
            let slack = Duration::from_millis(1);
            prop_assert!(at >= NOW.plus(planned.mul_f64(0.8)).minus(slack));
            prop_assert!(at <= NOW.plus(planned.mul_f64(1.2).max(ASKED_MAX)).plus(slack));
            let asked = Duration::from_secs(asked.unwrap_or(0)).min(ASKED_MAX);
            prop_assert!(at >= NOW.plus(asked));
        }

        #[test]
        fn a_schedule_ends(delays in proptest::collection::vec(1_u64..100, 0..50)) {
            let policy = RetryPolicy::Custom(delays.iter().copied().map(Duration::from_secs).collect());
            let attempts = (1..).take_while(|number| {
                again_at(&decide(&Ended { number: *number, ..first(&policy) }, &rejected(500), 0.5)).is_some()
            });
            prop_assert_eq!(attempts.count(), delays.len());
        }

        #[test]
        fn no_header_value_breaks_the_parser(value in ".{0,64}") {
            let _ = retry_after(&value, NOW);
        }
    }
}
