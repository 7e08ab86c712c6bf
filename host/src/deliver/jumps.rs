//! Whether the wall clock goes as time does, and what a jump of it must not do.
//!
//! A clock that is suddenly ahead is doubted for a day of running: until then nothing is deleted and nobody is disabled because so
//! much time seems to have passed. A jump that is taken back meanwhile leaves nothing behind. Pure: it is told both times.

use std::time::Duration;

use parking_lot::Mutex;

use crate::model::time::Timestamp;

/// Less is how clocks are corrected.
const JUMP: Duration = Duration::from_secs(60);
/// A clock that is ahead is believed when it has been so for this long.
const DOUBTED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Longer without anything new, and a start can't tell a pause from a clock that is ahead.
const PAUSE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Default)]
pub(super) struct Jumps(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The wall clock and the steady one at the last look.
    last: Option<(Timestamp, Duration)>,
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// So much is it ahead of where it should be.
    ahead: Duration,
    /// By the steady clock.
    until: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    Forward(Duration),
    Back(Duration),
}

impl Jump {
    /// Negative: back.
    pub(super) fn millis(self) -> i64 {
        let millis = |by: Duration| i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        match self {
            Self::Forward(by) => millis(by),
            Self::Back(by) => -millis(by),
        }
    }
}

impl Jumps {
    /// A process begins; `newest` is when the last thing happened, if anything ever did. After a long pause nobody can tell by how much
    /// the clock may be ahead.
    pub(super) fn begin(&self, newest: Option<Timestamp>, now: Timestamp, steady: Duration) {
        let mut state = self.0.lock();
        state.last = Some((now, steady));
        if newest.is_some_and(|newest| now.since(newest) > PAUSE) {
            state.doubt = Some(Doubt { ahead: Duration::ZERO, until: steady.saturating_add(DOUBTED_FOR) });
        }
    }

    /// To be asked often: what has happened since the last time.
    pub(super) fn look(&self, now: Timestamp, steady: Duration) -> Option<Jump> {
        let mut state = self.0.lock();
        let (then, before) = state.last.replace((now, steady))?;
        let expected = then.plus(steady.saturating_sub(before));
        let (ahead, behind) = (now.since(expected), expected.since(now));
        let doubted = state.doubt.map_or(Duration::ZERO, |doubt| doubt.ahead);
        if ahead > JUMP {
            let ahead_of_all = doubted.saturating_add(ahead);
            state.doubt = Some(Doubt { ahead: ahead_of_all, until: steady.saturating_add(DOUBTED_FOR) });
            return Some(Jump::Forward(ahead));
        }
        if behind > JUMP {
            let still = doubted.saturating_sub(behind);
            state.doubt = state.doubt.filter(|_| still > JUMP).map(|doubt| Doubt { ahead: still, ..doubt });
            return Some(Jump::Back(behind));
        }
        state.doubt = state.doubt.filter(|doubt| steady < doubt.until);
        None
    }

    /// Whether the clock may be ahead.
    pub(super) fn is_doubted(&self) -> bool {
        self.0.lock().doubt.is_some()
    }

    /// What time it is if all that is doubted was wrong.
    pub(super) fn surely(&self, now: Timestamp) -> Timestamp {
        now.minus(self.0.lock().doubt.map_or(Duration::ZERO, |doubt| doubt.ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORNING: Timestamp = Timestamp::from_millis(1_767_603_600_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clock_that_goes_with_time_or_is_corrected_a_little_is_believed() {
        let jumps = Jumps::default();
        jumps.begin(Some(MORNING.minus(SECOND)), MORNING, SECOND);
        assert_eq!(jumps.look(MORNING.plus(DAY), SECOND + DAY), None);
        assert_eq!(jumps.look(MORNING.plus(DAY + JUMP), SECOND + DAY), None);
        assert_eq!(jumps.look(MORNING.plus(DAY), SECOND + DAY), None);
        assert!(!jumps.is_doubted());
    }

    #[test]
    fn a_jump_that_is_taken_back_leaves_nothing_behind() {
        let jumps = Jumps::default();
        jumps.begin(Some(MORNING), MORNING, SECOND);
        let ahead = MORNING.plus(40 * DAY);
        assert_eq!(jumps.look(ahead, SECOND), Some(Jump::Forward(40 * DAY)));
        assert_eq!((jumps.is_doubted(), jumps.surely(ahead)), (true, MORNING));
        assert_eq!(jumps.look(MORNING.plus(SECOND), 2 * SECOND), Some(Jump::Back(40 * DAY)));
        assert!(!jumps.is_doubted());
    }

    #[test]
    fn a_clock_that_stays_ahead_for_a_day_is_believed() {
        let jumps = Jumps::default();
        jumps.begin(Some(MORNING), MORNING, SECOND);
        assert_eq!(jumps.look(MORNING.plus(3 * DAY), SECOND), Some(Jump::Forward(3 * DAY)));
        assert_eq!(jumps.look(MORNING.plus(4 * DAY - SECOND), DAY), None);
        assert!(jumps.is_doubted());
        assert_eq!(jumps.look(MORNING.plus(4 * DAY), DAY + SECOND), None);
        assert!(!jumps.is_doubted());
    }

    #[test]
    fn a_start_after_a_long_pause_doubts_the_clock_and_a_first_start_does_not() {
        let (first, late, soon) = (Jumps::default(), Jumps::default(), Jumps::default());
        first.begin(None, MORNING, SECOND);
        late.begin(Some(MORNING.minus(2 * DAY)), MORNING, SECOND);
        soon.begin(Some(MORNING.minus(DAY)), MORNING, SECOND);
        assert_eq!(late.surely(MORNING), MORNING);
        assert_eq!([first, late, soon].map(|jumps| jumps.is_doubted()), [false, true, false]);
    }
}
