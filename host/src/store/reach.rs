//! Whether the database answers, as those who call it find out: told once when it stops and once when it is back, however many ask.

use std::sync::atomic::{AtomicBool, Ordering};
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
}

impl Default for Reach {
    /// It was opened: it answers.
    fn default() -> Self {
        metrics::gauge!(UP).set(1.0);
        Self { away: AtomicBool::new(false), since: Mutex::default() }
    }
}

impl Reach {
    /// A call failed. `false`: not because the database doesn't answer, so that nothing was said of it.
    pub fn lost(&self, error: &StoreError) -> bool {
        if !matches!(error, StoreError::Unavailable(_)) {
            return false;
        }
        if !self.away.swap(true, Ordering::AcqRel) {
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
            metrics::gauge!(UP).set(1.0);
            let seconds = self.since.lock().take().map_or(0.0, |since| since.elapsed().as_secs_f64());
            tracing::info!(seconds, "the database answers again");
        }
    }
}
