//! Identifiers: 63 bits that sort by time, with a prefix that says of what.
//!
//! From the high end: 41 bits of milliseconds since 2020 (until 2089), 10 bits of node, 12 bits of sequence. The text form is
//! the prefix and 13 digits of Crockford's base 32, so that texts sort as the numbers do.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// 2020-01-01T00:00:00Z.
const EPOCH_MILLIS: u64 = 1_577_836_800_000;
const SEQUENCE_BITS: u32 = 12;
const NODE_BITS: u32 = 10;
const TIME_SHIFT: u32 = SEQUENCE_BITS + NODE_BITS;
const NODE_MASK: u64 = (1 << NODE_BITS) - 1;
const LARGEST: u64 = i64::MAX as u64;
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LENGTH: usize = 13;

/// The text isn't an identifier of the kind that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id of the form {prefix}… with {TEXT_LENGTH} digits of base 32")]
pub struct NotAnId {
    pub prefix: &'static str,
}

/// Makes identifiers that only grow, also when the clock jumps back, for one node.
#[derive(Debug)]
pub struct IdSource {
    /// Time, sequence and node of the last one, in this order, so that adding to the sequence never touches the node.
    last: AtomicU64,
    /// No identifier is of a later time, unless those of that time are used up; as [`floor_of`] makes it.
    latest: AtomicU64,
}

impl IdSource {
    /// `node` is 0–1023, and nobody else's; higher bits are ignored.
    /// `after` is the highest identifier that the store knows, so that a clock set back can't repeat one.
    pub fn new(node: u16, after: u64) -> Self {
        let (time, sequence) = (after >> TIME_SHIFT << TIME_SHIFT, after & ((1 << SEQUENCE_BITS) - 1));
        let last = AtomicU64::new(time | (sequence << NODE_BITS) | number_of(node));
        Self { last, latest: AtomicU64::new(LARGEST) }
    }

    /// From now on identifiers are this node's; they go on growing.
    pub fn set_node(&self, node: u16) {
        // From the next millisecond on: within one, those of a lower number would come before those that were made.
        let step = |last: u64| Some((((last >> TIME_SHIFT) + 1) << TIME_SHIFT) | number_of(node));
        let _ = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
    }

    /// The clock may be far ahead, and one identifier of a late time makes all that follow as late: until this is said again, none is
    /// of a later time than this.
    pub fn keep_below(&self, latest: Timestamp) {
        self.latest.store(floor_of(latest), Ordering::Relaxed);
    }

    /// A new identifier. More than 4,096 in one millisecond borrow from the next one.
    pub fn next<I: From<u64>>(&self, now: Timestamp) -> I {
        let floor = floor_of(now).min(self.latest.load(Ordering::Relaxed));
        let following = |last: u64| (floor | (last & NODE_MASK)).max(last + (1 << NODE_BITS));
        let step = |last: u64| Some(following(last));
        let before = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
        let current = following(before);
        let (time, node) = (current >> TIME_SHIFT << TIME_SHIFT, current & NODE_MASK);
        let sequence = (current >> NODE_BITS) & ((1 << SEQUENCE_BITS) - 1);
        I::from((time | (node << SEQUENCE_BITS) | sequence) & LARGEST)
    }
}

/// The lowest identifier of a moment: everything made at `time` or later has this one or a higher one.
pub fn floor_of(time: Timestamp) -> u64 {
    // A time that no identifier can tell is the last one that it can.
    time.millis().saturating_sub(EPOCH_MILLIS).min(LARGEST >> TIME_SHIFT) << TIME_SHIFT
}

fn number_of(node: u16) -> u64 {
    u64::from(node) & NODE_MASK
}

fn time_of(id: u64) -> Timestamp {
    Timestamp::from_millis((id >> TIME_SHIFT) + EPOCH_MILLIS)
}

fn write_digits(id: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0; TEXT_LENGTH];
    for (place, byte) in text.iter_mut().rev().enumerate() {
        let digit = usize::try_from((id >> (5 * place)) & 31).unwrap_or_default();
        *byte = DIGITS.get(digit).copied().ok_or(fmt::Error)?;
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_digits(text: &str) -> Option<u64> {
    if text.len() != TEXT_LENGTH {
        return None;
    }
    let mut id: u64 = 0;
    for byte in text.bytes() {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        id = id.checked_mul(32)?.checked_add(u64::try_from(digit).ok()?)?;
    }
    (id <= LARGEST).then_some(id)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal $(, also $also:literal)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// When it was made.
            pub fn time(self) -> Timestamp {
                time_of(self.0)
            }

            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number & LARGEST)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_digits(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = None $(.or_else(|| text.strip_prefix($also)))? .or_else(|| text.strip_prefix($prefix));
                digits.and_then(read_digits).map(Self).ok_or(NotAnId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One thing that happened.
    EventId, "evt_"
);
id!(
    /// A registered receiver.
    WebhookId, "webhook_"
);
id!(
    /// What a webhook was at a time.
    RevisionId, "rev_"
);
id!(
    /// One event for one webhook. That of a test is shown as `delivery_test_…` (see [`DeliveryId::shown`]).
    DeliveryId, "delivery_", also "delivery_test_"
);
id!(
    /// An access token's name; the token itself is never an id.
    TokenId, "token_"
);

id!(
    /// A receiver of this server's own.
    SinkId, "sink_"
);
id!(
    /// A request that came to a sink.
    ReceivedId, "received_"
);

impl DeliveryId {
    /// The text that the API and headers show: `delivery_test_…` for a test.
    pub fn shown(self, test: bool) -> String {
        let plain = self.to_string();
        if !test {
            return plain;
        }
        format!("delivery_test_{}", plain.trim_start_matches(Self::PREFIX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_jumps_back() {
        let source = IdSource::new(3, 0);
        let late: EventId = source.next(Timestamp::from_millis(EPOCH_MILLIS + 5000));
        let early: EventId = source.next(Timestamp::from_millis(EPOCH_MILLIS + 1000));
        assert!(early > late);
        let restarted = IdSource::new(3, early.number());
        assert!(restarted.next::<EventId>(Timestamp::from_millis(EPOCH_MILLIS)) > early);
    }

    #[test]
    fn a_clock_that_is_far_ahead_for_a_moment_does_not_take_the_ids_with_it() {
        let (source, now) = (IdSource::new(3, 0), Timestamp::from_millis(EPOCH_MILLIS + 5000));
        let tomorrow = now.plus(std::time::Duration::from_secs(24 * 3600));
        source.keep_below(tomorrow);
        let before: EventId = source.next(now);
        let ahead: Vec<EventId> = (0..3).map(|_| source.next(Timestamp::from_millis(u64::MAX))).collect();
        assert!(ahead.is_sorted_by(|one, next| one < next) && before < ahead[0]);
        assert_eq!(ahead[2].time(), tomorrow);
        let after: EventId = source.next(now);
        assert!(after > ahead[2] && after.time() == tomorrow);
    }

    #[test]
    fn ids_grow_through_a_change_of_the_nodes_number() {
        let (source, now) = (IdSource::new(9, 0), Timestamp::from_millis(EPOCH_MILLIS + 5000));
        let before: Vec<EventId> = (0..3).map(|_| source.next(now)).collect();
        source.set_node(2);
        let after: Vec<EventId> = (0..5000).map(|_| source.next(now)).collect();
        let all: Vec<EventId> = before.into_iter().chain(after).collect();
        assert!(all.is_sorted_by(|one, next| one < next));
        let node = |id: &EventId| (id.number() >> SEQUENCE_BITS) & NODE_MASK;
        let nodes: Vec<u64> = all.iter().map(node).collect();
        assert_eq!((&nodes[..3], nodes[3..].iter().all(|node| *node == 2)), (&[9, 9, 9][..], true));
    }

    #[test]
    fn a_test_delivery_reads_back_as_the_same_delivery() {
        let id = DeliveryId::from(77);
        assert!(id.shown(true).starts_with("delivery_test_0"));
        assert_eq!(id.shown(true).parse::<DeliveryId>(), Ok(id));
    }

    proptest! {
        #[test]
        fn texts_sort_as_the_numbers_do(a in 0..=LARGEST, b in 0..=LARGEST) {
            let (left, right) = (WebhookId::from(a), WebhookId::from(b));
            prop_assert_eq!(left.to_string().cmp(&right.to_string()), a.cmp(&b));
            prop_assert_eq!(left.to_string().parse::<WebhookId>(), Ok(left));
        }

        #[test]
        fn an_id_tells_when_it_was_made(millis in EPOCH_MILLIS..EPOCH_MILLIS + (1 << 41)) {
            let now = Timestamp::from_millis(millis);
            let id: EventId = IdSource::new(1023, 0).next(now);
            prop_assert_eq!(id.time(), now);
            prop_assert!(id.number() >= floor_of(now));
        }
    }
}
