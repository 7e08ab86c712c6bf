//! Where an idempotency key stands: in the table of its day, three by turns. Today's and yesterday's hold what is remembered; the third
//! is emptied, for tomorrow.
//!
//! A key is unique in its table. Two nodes that bring the same one must meet in the same table, though one's clock says that it is
//! tomorrow: in the first minutes of a day a key goes into yesterday's as well. Nodes' clocks may differ by less than [`MARGIN`].

use std::time::Duration;

use crate::model::time::Timestamp;

const SLOTS: i64 = 3;
const DAY: i64 = 24 * 3600 * 1000;
const MARGIN: Duration = Duration::from_secs(600);

/// The slot of what was kept at this time, in SQL.
pub const OF_KEPT_AT: &str = "kept_at / 86400000 % 3";

/// Where a key that is kept now goes.
pub(super) fn kept_in(now: Timestamp) -> impl Iterator<Item = i64> + Clone {
    let day = day_of(now);
    (if is_young(now) { day - 1 } else { day }..=day).map(slot)
}

/// Where one that is remembered may stand.
pub(super) fn looked_in(now: Timestamp) -> [Option<i64>; 3] {
    let day = day_of(now);
    // Of the day before yesterday there may still be some that was kept by another clock.
    [Some(day), Some(day - 1), is_young(now).then_some(day - 2)].map(|day| day.map(slot))
}

/// What holds nothing that is remembered; `None` around midnight, when for another node it may be another one.
pub(super) fn emptied(now: Timestamp) -> Option<i64> {
    let is_old = day_of(now.plus(MARGIN)) > day_of(now);
    (!is_young(now) && !is_old).then(|| slot(day_of(now) + 1))
}

fn is_young(now: Timestamp) -> bool {
    day_of(now.minus(MARGIN)) < day_of(now)
}

fn day_of(time: Timestamp) -> i64 {
    super::convert::millis(time) / DAY
}

const fn slot(day: i64) -> i64 {
    day.rem_euclid(SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: Timestamp = Timestamp::from_millis(1_769_904_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    /// By the clocks of two nodes, at one moment.
    fn pairs() -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let times = (0..6 * 1440).map(|minute| MIDNIGHT.plus(MINUTE * minute));
        times.flat_map(|time| (0..10).map(move |ahead| (time, time.plus(MINUTE * ahead))))
    }

    #[test]
    fn nodes_whose_clocks_differ_meet_in_one_table_and_see_each_others_keys() {
        for (behind, ahead) in pairs() {
            assert!(kept_in(behind).any(|slot| kept_in(ahead).any(|other| other == slot)), "{behind:?} {ahead:?}");
            assert!(kept_in(ahead).any(|slot| looked_in(behind).contains(&Some(slot))), "{behind:?} {ahead:?}");
            assert!(kept_in(behind).any(|slot| looked_in(ahead).contains(&Some(slot))), "{behind:?} {ahead:?}");
        }
    }

    #[test]
    fn nothing_that_is_remembered_or_being_kept_is_emptied() {
        for (behind, ahead) in pairs() {
            for (empties, other) in [(behind, ahead), (ahead, behind)] {
                let Some(emptied) = emptied(empties) else { continue };
                assert!(kept_in(other).all(|slot| slot != emptied), "{empties:?} {other:?}");
                // A minute short of a day ago, by either clock.
                for ago in [Duration::ZERO, MINUTE * 1439] {
                    assert!(kept_in(other.minus(ago)).any(|slot| slot != emptied), "{empties:?} {other:?}");
                }
            }
        }
        assert_eq!(emptied(MIDNIGHT.plus(MINUTE * 9)), None);
        assert!(emptied(MIDNIGHT.plus(MINUTE * 10)).is_some());
    }

    #[test]
    fn the_database_reckons_as_we_do() {
        assert_eq!(OF_KEPT_AT, format!("kept_at / {DAY} % {SLOTS}"));
    }

    #[test]
    fn a_key_is_found_for_a_day() {
        for (time, _) in pairs() {
            for minutes in [0, 1, 700, 1439] {
                let later = time.plus(MINUTE * minutes);
                assert!(kept_in(time).any(|slot| looked_in(later).contains(&Some(slot))), "{time:?} {minutes}");
            }
        }
    }
}
