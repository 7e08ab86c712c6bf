//! Time that moves only when told, and chance that is always the middle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use waxwing::clock::{Clock, Rng};
use waxwing::model::time::Timestamp;

/// 2026-01-05T09:00:00Z, a Monday.
const MORNING: u64 = 1_767_603_600_000;

/// The wall clock, and the steady one beside it.
pub(crate) struct ManualClock {
    wall: AtomicU64,
    steady: AtomicU64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { wall: AtomicU64::new(MORNING), steady: AtomicU64::new(0) }
    }
}

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.wall.fetch_add(millis, Ordering::SeqCst);
        self.steady.fetch_add(millis, Ordering::SeqCst);
    }

    /// Somebody sets the clock; no time passes.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn set_forward(&self, by: Duration) {
        self.wall.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    #[allow(dead_code, reason = "not every test target asks for it")]
    pub(crate) fn set_back(&self, by: Duration) {
        self.wall.fetch_sub(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.steady.load(Ordering::SeqCst))
    }
}

/// `unit` is 0.5, which means "no jitter"; the bytes count upwards, so that no nonce comes twice.
#[derive(Default)]
pub(crate) struct CentredRng(AtomicU64);

impl Rng for CentredRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }

    fn unit(&self) -> f64 {
        0.5
    }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

pub(crate) const fn hours(count: u64) -> Duration {
    Duration::from_secs(3600 * count)
}

pub(crate) const fn days(count: u64) -> Duration {
    hours(24 * count)
}
