//! Retention at work: once a minute what has expired is deleted, step by step, beside everything else.
//!
//! Whoever posts waits for one step at most, and a step is short. After each there is a rest that is longer the longer the step took:
//! where the database has much to do it is left alone more, and what has expired goes more slowly.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::jumps::Jumps;
use crate::model::causes::WithCauses;
use crate::model::sink::KEPT_FOR;
use crate::store::StoreError;

const EVERY: Duration = Duration::from_secs(60);
/// About as many rows go in one step.
const ROWS: u32 = 200;
/// The rest after a step, as a multiple of what it took, the wait for its turn included.
const REST: u32 = 2;
const REST_MAX: Duration = Duration::from_millis(250);
/// Longer than any retry is put off: 7 days, and a fifth more by chance.
const LONGEST: Duration = Duration::from_secs(9 * 24 * 3600);

pub(super) struct Retention {
    parts: Parts,
    jumps: Arc<Jumps>,
    /// By the steady clock.
    last: Mutex<Option<Duration>>,
}

impl Retention {
    pub(super) fn new(parts: Parts, jumps: Arc<Jumps>) -> Self {
        Self { parts, jumps, last: Mutex::default() }
    }

    /// In the background, until it is stopped: at once, then every minute.
    pub(super) async fn run(&self, stop: CancellationToken) {
        let always = async {
            loop {
                let asked = self.parts.store.reach().ask();
                if let Err(error) = self.purge(rest).await
                    && !self.parts.store.reach().lost(&error, asked)
                {
                    tracing::error!(error = %WithCauses(&error), "what has expired can't be deleted; trying again in a minute");
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = always => {}
        }
    }

    /// Without a rest, if the last time was a minute ago: for who drives it step by step.
    pub(super) async fn purge_when_due(&self) -> Result<(), StoreError> {
        let steady = self.parts.clock.steady();
        let due = self.last.lock().is_none_or(|last| steady >= last.saturating_add(EVERY));
        if !due {
            return Ok(());
        }
        *self.last.lock() = Some(steady);
        self.purge(async |_| tokio::task::yield_now().await).await
    }

    async fn purge(&self, rest: impl AsyncFn(Duration)) -> Result<(), StoreError> {
        let (store, clock) = (&self.parts.store, &self.parts.clock);
        let now = clock.now();
        // Nothing is ever put off for longer: a clock that was ahead has written it.
        store.reschedule(now.plus(LONGEST), i64::MIN / 2, now).await?;
        if !self.jumps.is_doubted() {
            store.forget_received(now.minus(KEPT_FOR), ROWS).await?;
        }
        while !self.jumps.is_doubted() {
            let begun = clock.steady();
            if !store.purge(now, ROWS).await?.more {
                break;
            }
            rest(clock.steady().saturating_sub(begun)).await;
        }
        Ok(())
    }
}

async fn rest(took: Duration) {
    tokio::time::sleep(took.saturating_mul(REST).min(REST_MAX)).await;
}
