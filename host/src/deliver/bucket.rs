//! A webhook's rate, as a bucket that fills evenly.

use crate::model::time::Timestamp;

/// Starts a second, by the clock: as many as the rate at once, then evenly.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When the bucket will be full again if nothing is spent, in microseconds of the clock.
    full_at: u64,
}

impl Bucket {
    pub(super) fn next_at(&self, rate: u32, now: Timestamp) -> Timestamp {
        let (one, now_micros) = (interval(rate), micros(now));
        // With the bucket full there is one second's worth to spend at once.
        let earliest = self.full_at.saturating_add(one).saturating_sub(one.saturating_mul(u64::from(rate.max(1))));
        Timestamp::from_millis(earliest.max(now_micros).div_ceil(1000))
    }

    pub(super) fn spend(&mut self, rate: u32, now: Timestamp) {
        self.full_at = self.full_at.max(micros(now)).saturating_add(interval(rate));
    }
}

fn interval(rate: u32) -> u64 {
    1_000_000 / u64::from(rate.max(1))
}

fn micros(time: Timestamp) -> u64 {
    time.millis().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rate_is_never_exceeded_over_any_second(rate in 1_u32..50, gaps in proptest::collection::vec(0_u64..400, 1..200)) {
            let mut bucket = Bucket::default();
            let mut now = Timestamp::from_millis(1_700_000_000_000);
            let mut starts: Vec<u64> = Vec::new();
            for gap in gaps {
                now = now.plus(Duration::from_millis(gap));
                while bucket.next_at(rate, now) <= now {
                    bucket.spend(rate, now);
                    starts.push(now.millis());
                }
            }
            for (index, start) in starts.iter().enumerate() {
                let within = starts[index..].iter().take_while(|later| **later < start + 1000).count();
                // A full bucket, and what drips in during that second.
                prop_assert!(within <= 2 * usize::try_from(rate).unwrap(), "{within} in a second at {rate}");
            }
        }
    }
}
