//! Whether the database answers, as those who call it find out: told once when it stops and once when it is back, however many ask.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::StoreError;
use crate::model::causes::WithCauses;

const UP: &str = "waxwing_database_up";

/// One for each store; for everybody's use.
#[derive(Debug)]
pub struct Reach {
    away: AtomicBool,
    since: Mutex<Option<Instant>>,
    /// How often it came back.
    returns: AtomicU64,
}

/// When a call began: after which return of the database.
#[derive(Clone, Copy, Debug)]
pub struct Asked(u64);

impl Default for Reach {
    /// It was opened: it answers.
    fn default() -> Self {
        metrics::gauge!(UP).set(1.0);
        Self { away: AtomicBool::new(false), since: Mutex::default(), returns: AtomicU64::new(0) }
    }
}

impl Reach {
    /// To be taken before a call, and told with its failure.
    pub fn ask(&self) -> Asked {
        Asked(self.returns.load(Ordering::Acquire))
    }

    /// A call failed. `false`: not because the database doesn't answer, so that nothing was said of it.
    pub fn lost(&self, error: &StoreError, asked: Asked) -> bool {
        if !matches!(error, StoreError::Unavailable(_)) {
            return false;
        }
        // Of a call from before it was back, told late, nothing follows.
        if asked.0 == self.returns.load(Ordering::Acquire) && !self.away.swap(true, Ordering::AcqRel) {
            *self.since.lock() = Some(Instant::now());
            metrics::gauge!(UP).set(0.0);
            tracing::error!(error = %WithCauses(error),
                "the database doesn't answer: until it does, events are refused and deliveries wait"
            );
        }
        true
    }

    /// Whether it stopped and isn't back yet, as far as anybody found out.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Something was written.
    pub fn found(&self) {
        if self.away.load(Ordering::Acquire) && self.away.swap(false, Ordering::AcqRel) {
            self.returns.fetch_add(1, Ordering::AcqRel);
            metrics::gauge!(UP).set(1.0);
            let seconds = self.since.lock().take().map_or(0.0, |since| since.elapsed().as_secs_f64());
            tracing::info!(seconds, "the database answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable() -> StoreError {
        StoreError::Unavailable("the disk is full".into())
    }

    #[test]
    fn a_failure_that_is_told_after_the_database_is_back_is_no_news() {
        let reach = Reach::default();
        let (first, late) = (reach.ask(), reach.ask());
        assert!(reach.lost(&unavailable(), first) && reach.is_away());
        reach.found();
        assert!(reach.lost(&unavailable(), late), "it is still a matter of the database");
        assert!(!reach.is_away(), "the call had begun before");
        assert!(reach.lost(&unavailable(), reach.ask()) && reach.is_away(), "this one began afterwards");
    }
}
