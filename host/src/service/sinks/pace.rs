//! How much sinks take in a second. Each request is a write beside those of deliveries: a sink is for looking at, not for load.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::ids::SinkId;

const OF_A_SINK: u32 = 10;
const OF_ALL: u32 = 25;

/// Counts by whole seconds; forgets all at the next one.
#[derive(Debug, Default)]
pub(in crate::service) struct Pace {
    second: u64,
    all: u32,
    by_sink: HashMap<SinkId, u32>,
}

impl Pace {
    /// Whether one more may be taken.
    pub(super) fn take(&mut self, sink: SinkId, now: Duration) -> bool {
        if self.second != now.as_secs() {
            *self = Self { second: now.as_secs(), ..Self::default() };
        }
        let own = self.by_sink.entry(sink).or_default();
        let fits = self.all < OF_ALL && *own < OF_A_SINK;
        if fits {
            self.all += 1;
            *own += 1;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_takes_ten_a_second_and_all_of_them_twenty_five() {
        let (mut pace, at) = (Pace::default(), Duration::from_millis);
        let mut taken = |sink: u64, now| (0..20).filter(|_| pace.take(sink.into(), now)).count();
        assert_eq!((taken(1, at(1000)), taken(2, at(1999)), taken(3, at(1999)), taken(4, at(1999))), (10, 10, 5, 0));
        assert_eq!(taken(4, at(2000)), 10);
    }
}
