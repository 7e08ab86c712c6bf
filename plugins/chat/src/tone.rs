//! How an event type sounds: good, bad, or neither. A formatter turns it into a colour or a sign.
//!
//! Goes by the last group of the type (`failed` in `activation.failed`) and knows the words that products use, not the products.
//! Settings override it. Next: the formatters.

/// How an event type sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something began or succeeded.
    Good,
    /// Something changed, ended as wished, or is merely told.
    Neutral,
    /// Somebody should look at it some time.
    Warning,
    /// Something failed or was taken away.
    Bad,
}

const GOOD: &[&str] = &[
    "accepted",
    "activated",
    "added",
    "approved",
    "assigned",
    "completed",
    "created",
    "delivered",
    "enabled",
    "paid",
    "recovered",
    "reinstated",
    "renewed",
    "resolved",
    "resumed",
    "started",
    "succeeded",
    "success",
    "upgraded",
    "validated",
    "verified",
];

const WARNING: &[&str] = &[
    "cancelled",
    "canceled",
    "deactivated",
    "degraded",
    "delayed",
    "disabled",
    "disputed",
    "downgraded",
    "exceeded",
    "expiring",
    "flagged",
    "limited",
    "paused",
    "refunded",
    "suspended",
    "unassigned",
    "warning",
];

const BAD: &[&str] = &[
    "banned", "blocked", "bounced", "critical", "declined", "denied", "down", "error", "expired", "failed", "failure",
    "overdue", "rejected", "revoked",
];

impl Tone {
    /// The tone of an event type.
    #[must_use]
    pub fn of(event_type: &str) -> Self {
        let action = event_type.rsplit('.').next().unwrap_or_default();
        let says = |words: &[&str]| {
            action.split(['-', '_']).any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
        };
        if says(BAD) {
            Tone::Bad
        } else if says(WARNING) {
            Tone::Warning
        } else if says(GOOD) {
            Tone::Good
        } else {
            Tone::Neutral
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_group_gives_the_tone() {
        for (event_type, tone) in [
            ("license.created", Tone::Good),
            ("license.updated", Tone::Neutral),
            ("license.expiring-soon", Tone::Warning),
            ("activation.failed", Tone::Bad),
            ("payment_FAILED", Tone::Bad),
            ("failed.jobs.listed", Tone::Neutral),
            ("", Tone::Neutral),
        ] {
            assert_eq!(Tone::of(event_type), tone, "{event_type}");
        }
    }
}
