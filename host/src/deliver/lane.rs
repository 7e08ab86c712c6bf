//! One webhook's deliveries in memory: its queue, how many may be under way, its rate, and whether more wait in the database.
//!
//! Plain data under the dispatcher's lock: it never waits, and never asks for the time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::delivery::Claimed;
use crate::model::ids::DeliveryId;
use crate::model::time::Timestamp;
use crate::model::webhook::Ordering;

/// Where a webhook begins that nothing is known of: many that turn out dead at once must not fill the server.
const CAP_START: usize = 4;
/// The most rows in memory for a webhook that answers, and for each of one's cap that doesn't.
const ROWS_MAX: usize = 1024;
const ROWS_PER_CAP_WHEN_FAILING: usize = 4;
/// A row announced as waiting that hasn't shown up after this long was never written.
const ANNOUNCED_FOR: Duration = Duration::from_secs(5);

/// How an attempt went, as far as the receiver's ability to take more is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It answered in time.
    Answered,
    /// It answered that it has too much: 429 or 503.
    Overloaded,
    /// Nothing came back, and the attempt held its place all the while.
    Silent,
    /// Nothing was sent.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Lane {
    queue: VecDeque<Claimed>,
    /// Places promised to rows that are being written.
    reserved: usize,
    in_flight: usize,
    cap: usize,
    failing: bool,
    /// Rows wait in the database: new ones line up behind them.
    backlog: bool,
    /// Rows that were told to wait and may not be written yet; an upper bound.
    announced: usize,
    announced_at: Timestamp,
    /// `fifo`: this one failed and will be tried again; those behind it stay where they are.
    held_by: Option<DeliveryId>,
    bucket: Bucket,
    pub(super) in_ring: bool,
    pub(super) refilling: bool,
}

/// What the webhook's settings say, as they are now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) ordering: Ordering,
    pub(super) rate: Option<u32>,
    /// The most attempts under way for one webhook; the server's, and as low as 1.
    pub(super) most: usize,
}

/// Whether a lane can start an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// Not before something else happens.
    Blocked,
    /// The rate allows the next one then.
    At(Timestamp),
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            reserved: 0,
            in_flight: 0,
            cap: CAP_START,
            failing: false,
            backlog: false,
            announced: 0,
            announced_at: Timestamp::default(),
            held_by: None,
            bucket: Bucket::default(),
            in_ring: false,
            refilling: false,
        }
    }
}

impl Lane {
    /// Whether a new row may come straight into memory; if so, its place is kept.
    pub(super) fn reserve(&mut self, now: Timestamp) -> bool {
        if self.backlog || self.held_by.is_some() || self.room() == 0 {
            self.announced += 1;
            self.announced_at = now;
            return false;
        }
        self.reserved += 1;
        true
    }

    pub(super) fn release(&mut self, places: usize) {
        self.reserved = self.reserved.saturating_sub(places);
    }

    /// Puts a claimed row in: in order where the order counts.
    pub(super) fn push(&mut self, claimed: Claimed, ordering: Ordering) {
        let at = match ordering {
            Ordering::None => self.queue.len(),
            Ordering::Fifo => self.queue.partition_point(|earlier| earlier.id < claimed.id),
        };
        self.queue.insert(at, claimed);
    }

    pub(super) fn room(&self) -> usize {
        let most = if self.failing { self.cap * ROWS_PER_CAP_WHEN_FAILING } else { ROWS_MAX };
        most.saturating_sub(self.queue.len() + self.reserved + self.in_flight)
    }

    pub(super) fn readiness(&mut self, rules: Rules, now: Timestamp) -> Readiness {
        let cap = if rules.ordering == Ordering::Fifo { 1 } else { self.cap.min(rules.most) };
        let first = self.queue.front().map(|claimed| claimed.id);
        let held = self.held_by.is_some_and(|holder| first != Some(holder));
        if first.is_none() || held || self.in_flight >= cap {
            return Readiness::Blocked;
        }
        rules.rate.map_or(Readiness::Ready, |rate| match self.bucket.next_at(rate, now) {
            at if at <= now => Readiness::Ready,
            at => Readiness::At(at),
        })
    }

    /// Takes the first one out to be attempted; ask [`Self::readiness`] before.
    pub(super) fn start(&mut self, rules: Rules, now: Timestamp) -> Option<Claimed> {
        let claimed = self.queue.pop_front()?;
        self.in_flight += 1;
        if let Some(rate) = rules.rate {
            self.bucket.spend(rate, now);
        }
        Some(claimed)
    }

    /// An attempt has ended. `again`: the same delivery will come back later.
    pub(super) fn done(&mut self, id: DeliveryId, pace: Pace, again: bool, rules: Rules) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match pace {
            Pace::Answered => (self.cap, self.failing) = ((self.cap + 1).min(rules.most), false),
            Pace::Overloaded => self.cap = (self.cap / 2).max(1),
            Pace::Silent => (self.cap, self.failing) = ((self.cap / 4).max(1), true),
            Pace::Unknown => {}
        }
        if again && rules.ordering == Ordering::Fifo {
            self.held_by = Some(id);
        } else if self.held_by == Some(id) {
            self.held_by = None;
        }
    }

    pub(super) fn hold(&mut self, id: DeliveryId) {
        self.held_by = Some(id);
    }

    pub(super) fn held_by(&self) -> Option<DeliveryId> {
        self.held_by
    }

    pub(super) fn unhold(&mut self) {
        self.held_by = None;
    }

    pub(super) fn mark_backlog(&mut self) {
        self.backlog = true;
    }

    /// How many waiting rows to fetch now: none while memory is more than half full.
    pub(super) fn wants(&self) -> usize {
        let room = self.room();
        let used = self.queue.len() + self.reserved + self.in_flight;
        if self.backlog && !self.refilling && self.held_by.is_none() && used <= room { room } else { 0 }
    }

    /// `found` rows of the `asked` were waiting. Fewer than asked, and none announced: there are no more.
    /// The answer is whether there may be more.
    pub(super) fn refilled(&mut self, found: usize, asked: usize, now: Timestamp) -> bool {
        self.refilling = false;
        self.announced = self.announced.saturating_sub(found);
        if now >= self.announced_at.plus(ANNOUNCED_FOR) {
            self.announced = 0;
        }
        self.backlog = found >= asked || self.announced > 0;
        self.backlog
    }

    /// What waits isn't to be had now: whoever knows when it is says so again.
    pub(super) fn must_wait(&mut self) {
        (self.refilling, self.backlog, self.announced) = (false, false, 0);
    }

    /// Everything in the queue, for those who put it back into the database.
    pub(super) fn empty(&mut self) -> Vec<Claimed> {
        self.queue.drain(..).collect()
    }

    /// Nothing would be lost by forgetting it.
    pub(super) fn is_idle(&self) -> bool {
        let empty = self.queue.is_empty() && self.reserved == 0 && self.in_flight == 0;
        empty && !self.backlog && self.held_by.is_none() && !self.failing && !self.refilling
    }
}

/// Starts a second, by the clock: as many as the rate at once, then evenly.
#[derive(Debug, Default)]
struct Bucket {
    /// When the bucket will be full again if nothing is spent, in microseconds of the clock.
    full_at: u64,
}

impl Bucket {
    fn next_at(&self, rate: u32, now: Timestamp) -> Timestamp {
        let (one, now_micros) = (interval(rate), micros(now));
        // With the bucket full there is one second's worth to spend at once.
        let earliest = self.full_at.saturating_add(one).saturating_sub(one.saturating_mul(u64::from(rate.max(1))));
        Timestamp::from_millis(earliest.max(now_micros).div_ceil(1000))
    }

    fn spend(&mut self, rate: u32, now: Timestamp) {
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

    #[test]
    fn a_silent_receiver_keeps_one_place_and_an_answer_wins_them_back() {
        let mut lane = Lane::default();
        let id = DeliveryId::from(1);
        let rules = Rules { ordering: Ordering::None, rate: None, most: 16 };
        for _ in 0..3 {
            lane.done(id, Pace::Silent, true, rules);
        }
        assert_eq!((lane.cap, lane.room()), (1, ROWS_PER_CAP_WHEN_FAILING));
        for _ in 0..40 {
            lane.done(id, Pace::Answered, false, rules);
        }
        assert_eq!((lane.cap, lane.room()), (16, ROWS_MAX));
    }

    #[test]
    fn new_rows_line_up_behind_those_that_wait_until_all_of_them_came() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut lane = Lane::default();
        lane.mark_backlog();
        assert!(!lane.reserve(now), "it must queue behind the backlog");
        assert!(lane.refilled(0, 10, now));
        assert!(!lane.reserve(now), "the announced row isn't in yet");
        assert!(!lane.refilled(2, 10, now));
        assert!(lane.reserve(now));
    }
}
