//! Time and randomness: the only place that asks for either. Everything else is given a [`Clock`] and an [`Rng`].

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

pub trait Clock: Send + Sync {
    /// By the wall clock, which may jump.
    fn now(&self) -> Timestamp;

    /// Since some moment of this process, by a clock that only goes forward, as time does. One that never jumps needs no other.
    fn steady(&self) -> Duration {
        Duration::from_millis(self.now().millis())
    }
}

pub trait Rng: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);

    /// Uniform in 0.0..1.0. A test's is centred: always 0.5, which means "no jitter".
    fn unit(&self) -> f64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn steady(&self) -> Duration {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGUN.elapsed()
    }
}

/// The operating system's randomness, through a generator of each thread's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    fn unit(&self) -> f64 {
        rand::RngExt::random(&mut rand::rng())
    }
}
