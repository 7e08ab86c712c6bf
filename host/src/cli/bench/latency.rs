//! How long things took, in microseconds: noted one by one, told as percentiles.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Each with when it began.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(Vec<(u64, u32)>);

/// By nearest rank: a value that was really met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Percentiles {
    pub(super) p50: u32,
    pub(super) p99: u32,
}

impl Latencies {
    /// One of more than an hour counts as an hour and some.
    pub(super) fn note(&mut self, began: u64, micros: u64) {
        self.0.push((began, u32::try_from(micros).unwrap_or(u32::MAX)));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        self.within(0..u64::MAX)
    }

    /// Of those that began then.
    pub(super) fn within(&self, time: Range<u64>) -> Option<Percentiles> {
        let within = self.0.iter().filter(|(began, _)| time.contains(began));
        let mut took: Vec<u32> = within.map(|(_, micros)| *micros).collect();
        took.sort_unstable();
        let at = |hundredths: usize| took.get((took.len() * hundredths).div_ceil(100).checked_sub(1)?).copied();
        Some(Percentiles { p50: at(50)?, p99: at(99)? })
    }
}

/// `CLOCK_REALTIME` in microseconds: the one clock whose reading means the same in another process of this machine.
#[allow(clippy::disallowed_methods, reason = "the product's clock counts milliseconds; a delivery takes less than one")]
pub(super) fn wall_micros() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_met() {
        let mut latencies = Latencies::default();
        (1..=200).rev().for_each(|micros| latencies.note(1000 + micros, micros));
        assert_eq!(latencies.percentiles(), Some(Percentiles { p50: 100, p99: 198 }));
        assert_eq!(latencies.within(1000..1101), Some(Percentiles { p50: 50, p99: 99 }));
        assert_eq!(latencies.within(5000..6000), None);
        let mut one = Latencies::default();
        one.note(1, 7);
        assert_eq!(one.percentiles(), Some(Percentiles { p50: 7, p99: 7 }));
        assert_eq!(Latencies::default().percentiles(), None);
    }
}
