//! A moment, kept to the millisecond as everywhere in the product.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, never before it. Shown as RFC 3339 with three digits and `Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The latest moment that RFC 3339 can write with four digits of year: 9999-12-31T23:59:59.999Z.
const LATEST: u64 = 253_402_300_799_999;

/// The text isn't an RFC 3339 date and time between 1970 and 9999.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an RFC 3339 time between 1970 and 9999, such as 2026-01-31T12:00:00Z")]
pub struct NotATimestamp;

impl Timestamp {
    /// A moment after 9999 becomes the last one of 9999.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > LATEST { LATEST } else { millis })
    }

    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, as signatures carry them.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The moment `duration` later; stops at the end of 9999.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The moment `duration` earlier; stops at 1970.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero if it isn't.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Date and time by the calendar, in UTC.
    pub fn calendar(self) -> jiff::Timestamp {
        i64::try_from(self.0)
            .ok()
            .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.calendar())
    }
}

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| NotATimestamp)?;
        let millis = u64::try_from(parsed.as_millisecond()).map_err(|_| NotATimestamp)?;
        if millis > LATEST { Err(NotATimestamp) } else { Ok(Self(millis)) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_three_digits_and_z() {
        let time: Timestamp = "2018-04-20T13:11:34.6926949Z".parse().unwrap();
        assert_eq!(time.to_string(), "2018-04-20T13:11:34.692Z");
        let whole: Timestamp = "2026-01-31T12:00:00+01:00".parse().unwrap();
        assert_eq!(whole.to_string(), "2026-01-31T11:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-01-31", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATimestamp), "{text}");
        }
    }
}
