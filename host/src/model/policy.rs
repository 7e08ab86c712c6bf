//! When a delivery that failed is tried again: the delays, as the webhook's owner chose them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A named schedule, or one's own: at most 50 delays of at most 7 days each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum RetryPolicy {
    /// 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: the schedule of the Standard Webhooks specification.
    #[default]
    Standard,
    /// 1, 5 and 30 minutes.
    LicenseValidator,
    /// 15 retries with growing delays, 3 days in all.
    Keygen,
    Custom(Vec<Duration>),
}

/// Why a schedule was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadPolicy {
    #[error("unknown retry policy '{0}': use 'standard', 'license-validator', 'keygen' or {{\"delaysSeconds\": […]}}")]
    UnknownName(String),
    #[error("at most {} delays of 1 to {} seconds each", RetryPolicy::DELAYS_MAX, RetryPolicy::DELAY_MAX.as_secs())]
    OutOfBounds,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const STANDARD: [u64; 9] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
const LICENSE_VALIDATOR: [u64; 3] = [MINUTE, 5 * MINUTE, 30 * MINUTE];
/// Doubling up to 8 h, then slower: 15 delays, 72 h and 4 min in all.
const KEYGEN: [u64; 15] = [
    15,
    30,
    MINUTE,
    2 * MINUTE,
    4 * MINUTE,
    8 * MINUTE,
    16 * MINUTE,
    32 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

impl RetryPolicy {
    pub const DELAYS_MAX: usize = 50;
    pub const DELAY_MAX: Duration = Duration::from_secs(7 * 24 * HOUR);

    pub fn custom(delays: Vec<Duration>) -> Result<Self, BadPolicy> {
        let in_bounds = |delay: &Duration| *delay >= Duration::from_secs(1) && *delay <= Self::DELAY_MAX;
        if delays.len() <= Self::DELAYS_MAX && delays.iter().all(in_bounds) {
            Ok(Self::Custom(delays))
        } else {
            Err(BadPolicy::OutOfBounds)
        }
    }

    /// How long to wait after the attempt with this number (1 for the first); `None` when it was the last.
    pub fn delay_after(&self, attempt: u32) -> Option<Duration> {
        let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
        match self {
            Self::Standard => STANDARD.get(index).copied().map(Duration::from_secs),
            Self::LicenseValidator => LICENSE_VALIDATOR.get(index).copied().map(Duration::from_secs),
            Self::Keygen => KEYGEN.get(index).copied().map(Duration::from_secs),
            Self::Custom(delays) => delays.get(index).copied(),
        }
    }

    /// From the first attempt to the last, without jitter.
    pub fn span(&self) -> Duration {
        (1..).map_while(|attempt| self.delay_after(attempt)).sum()
    }
}

/// As the API and the database write it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Delays {
        delays_seconds: Vec<u64>,
    },
}

impl TryFrom<Written> for RetryPolicy {
    type Error = BadPolicy;

    fn try_from(written: Written) -> Result<Self, BadPolicy> {
        match written {
            Written::Name(name) => match name.as_str() {
                "standard" => Ok(Self::Standard),
                "license-validator" => Ok(Self::LicenseValidator),
                "keygen" => Ok(Self::Keygen),
                _ => Err(BadPolicy::UnknownName(name)),
            },
            Written::Delays { delays_seconds } => {
                Self::custom(delays_seconds.into_iter().map(Duration::from_secs).collect())
            }
        }
    }
}

impl From<RetryPolicy> for Written {
    fn from(policy: RetryPolicy) -> Self {
        match policy {
            RetryPolicy::Standard => Self::Name("standard".into()),
            RetryPolicy::LicenseValidator => Self::Name("license-validator".into()),
            RetryPolicy::Keygen => Self::Name("keygen".into()),
            RetryPolicy::Custom(delays) => {
                Self::Delays { delays_seconds: delays.iter().map(Duration::as_secs).collect() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_schedules_are_those_of_the_documents() {
        assert_eq!(RetryPolicy::Standard.delay_after(1), Some(Duration::from_secs(5)));
        assert_eq!(RetryPolicy::Standard.delay_after(10), None);
        assert_eq!(RetryPolicy::LicenseValidator.span(), Duration::from_secs(36 * MINUTE));
        assert_eq!((1..).map_while(|n| RetryPolicy::Keygen.delay_after(n)).count(), 15);
        let days = RetryPolicy::Keygen.span().as_secs_f64() / 86_400.0;
        assert!((2.9..3.1).contains(&days), "{days} days");
    }

    #[test]
    fn a_schedule_survives_json() {
        for text in [r#""keygen""#, r#"{"delaysSeconds":[1,60]}"#] {
            let policy: RetryPolicy = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        }
        assert!(serde_json::from_str::<RetryPolicy>(r#"{"delaysSeconds":[0]}"#).is_err());
        assert!(serde_json::from_str::<RetryPolicy>(r#""soon""#).is_err());
    }
}
