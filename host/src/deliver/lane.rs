//! One webhook's deliveries in memory: its queue, how many may be under way, its rate, and whether more wait in the database.
//!
//! Plain data under the dispatcher's lock: it never waits, and never asks for the time.

use std::collections::VecDeque;
use std::time::Duration;

use super::bucket::Bucket;
use crate::model::delivery::Claimed;
use crate::model::ids::DeliveryId;
use crate::model::time::Timestamp;
use crate::model::webhook::Ordering;

/// Where a webhook begins that nothing is known of: many that turn out dead at once must not fill the server.
const CAP_START: usize = 4;
/// Rows in memory for a webhook that answers, however full memory is, and for each of one's cap that doesn't.
const ROWS_MAX: usize = 1024;
/// New rows of one that answers may take this part of what is free, so that a burst needn't go through the database, and many
/// bursts at once leave room for each other.
const PART_OF_FREE: usize = 4;
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
    /// Whether a new row may come straight into memory, where so many are `free`; if so, its place is kept.
    pub(super) fn reserve(&mut self, now: Timestamp, free: usize) -> bool {
        let room = self.room_of((free / PART_OF_FREE).max(ROWS_MAX));
        if self.backlog || self.held_by.is_some() || room == 0 {
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
        self.room_of(ROWS_MAX)
    }

    /// `most`: of one that answers.
    fn room_of(&self, most: usize) -> usize {
        let most = if self.failing { self.cap * ROWS_PER_CAP_WHEN_FAILING } else { most };
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

    /// Times that were noted by a clock that has been put back mean nothing any more.
    pub(super) fn clock_went_back(&mut self, now: Timestamp) {
        self.bucket = Bucket::default();
        self.announced_at = now;
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(!lane.reserve(now, 0), "it must queue behind the backlog");
        assert!(lane.refilled(0, 10, now));
        assert!(!lane.reserve(now, 0), "the announced row isn't in yet");
        assert!(!lane.refilled(2, 10, now));
        assert!(lane.reserve(now, 0));
    }

    #[test]
    fn a_burst_takes_a_part_of_what_is_free_and_a_failing_receiver_none_of_it() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let rules = Rules { ordering: Ordering::None, rate: None, most: 16 };
        let (mut lane, mut free) = (Lane::default(), 40 * ROWS_MAX);
        while lane.reserve(now, free) {
            free -= 1;
        }
        assert_eq!(40 * ROWS_MAX - free, 8 * ROWS_MAX, "a quarter of what is left");
        let mut other = Lane::default();
        assert_eq!((0..).take_while(|_| other.reserve(now, 0)).count(), ROWS_MAX, "the least");
        let mut failing = Lane::default();
        failing.done(DeliveryId::from(1), Pace::Silent, true, rules);
        assert_eq!((0..).take_while(|_| failing.reserve(now, free)).count(), ROWS_PER_CAP_WHEN_FAILING);
    }
}
