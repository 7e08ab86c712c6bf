//! Writes down how attempts ended: all that ended while the store was at work goes into its next call, so that no attempt waits for
//! a commit by itself, and the loop is woken once for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc};

use super::dispatcher::Dispatcher;
use super::lane::Pace;
use super::pipeline::{Attempted, Pipeline, Unsettled};
use super::under_way::UnderWay;
use super::unwritten::Unwritten;
use crate::model::causes::WithCauses;
use crate::model::delivery::Next;
use crate::model::time::Timestamp;
use crate::store::Completed;

/// The most that one call of the store records.
const BATCH: usize = 1024;

pub(super) struct Recorder {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) pipeline: Arc<Pipeline>,
    /// While there is anything in it, nothing new is started.
    pub(super) unwritten: Unwritten,
    pub(super) due: Due,
}

/// An attempt that was made, with its place among those under way.
pub(super) struct Ended {
    pub(super) under_way: UnderWay,
    pub(super) attempted: Attempted,
}

/// When the next scheduled row may be due, as far as this node knows; in milliseconds of the clock.
pub(super) struct Due {
    at: AtomicU64,
    attention: Arc<Notify>,
}

impl Recorder {
    /// Records what comes until nobody can send any more; after each call of the store `go_on` is called.
    pub(super) async fn run(&self, mut ended: mpsc::UnboundedReceiver<Ended>, go_on: impl Fn()) {
        let mut batch = Vec::new();
        while ended.recv_many(&mut batch, BATCH).await > 0 {
            self.record(std::mem::take(&mut batch)).await;
            go_on();
        }
    }

    pub(super) async fn record(&self, ended: Vec<Ended>) {
        let (mut places, mut attempted) = (Vec::with_capacity(ended.len()), Vec::with_capacity(ended.len()));
        for one in ended {
            places.push((one.under_way, one.attempted.pace));
            attempted.push(one.attempted);
        }
        let asked = self.pipeline.reach().ask();
        let recorded = self.pipeline.record(attempted).await;
        for ((under_way, pace), recorded) in places.into_iter().zip(recorded) {
            let completed = match recorded {
                Ok(completed) => completed,
                Err(Unsettled { completion, error }) => {
                    if !self.pipeline.reach().lost(&error, asked) {
                        tracing::error!(delivery = %completion.claimed.id, error = %WithCauses(&error), "an attempt's end couldn't be written yet");
                    }
                    let completed = completion.next.clone();
                    self.unwritten.keep(completion);
                    completed
                }
            };
            self.end(under_way, pace, &completed);
        }
    }

    fn end(&self, mut under_way: UnderWay, pace: Pace, completed: &Completed) {
        match completed {
            Completed::Next(Next::Again { at, .. }) | Completed::Scheduled(at) => {
                under_way.end(pace, true);
                self.due.at(*at);
            }
            Completed::Next(Next::Ended { .. }) => under_way.end(pace, false),
            Completed::Waiting => {
                self.dispatcher.mark_backlog(under_way.held.webhook);
                under_way.end(pace, false);
            }
        }
    }
}

impl Due {
    /// The loop that `attention` wakes asks for the first time at once.
    pub(super) const fn now(attention: Arc<Notify>) -> Self {
        Self { at: AtomicU64::new(0), attention }
    }

    /// A row is due then: the loop is woken if it expected none before.
    pub(super) fn at(&self, time: Timestamp) {
        if self.at.fetch_min(time.millis(), Ordering::AcqRel) > time.millis() {
            self.attention.notify_one();
        }
    }

    /// Ask as soon as possible, without being woken.
    pub(super) fn ask_again(&self) {
        self.at.store(0, Ordering::Release);
    }

    /// Whoever asks now forgets first: an attempt that ends meanwhile may bring it forward again.
    pub(super) fn forget(&self) {
        self.at.store(u64::MAX, Ordering::Release);
    }

    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.at.load(Ordering::Acquire))
    }
}
