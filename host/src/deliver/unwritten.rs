//! Ends of attempts that the store didn't take yet: kept in memory, and written before anything new is begun.

use std::sync::Arc;

use parking_lot::Mutex;

use super::pipeline::{Pipeline, Unsettled};
use crate::model::delivery::Claimed;
use crate::model::time::Timestamp;
use crate::store::{Completed, Completion, StoreError};

/// The most that one call of the store puts back.
const BATCH: usize = 1024;

pub(super) struct Unwritten {
    pipeline: Arc<Pipeline>,
    kept: Mutex<Vec<Arc<Completion>>>,
}

impl Unwritten {
    pub(super) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline, kept: Mutex::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.lock().is_empty()
    }

    pub(super) fn keep(&self, completion: Arc<Completion>) {
        self.kept.lock().push(completion);
    }

    /// Tries all of them again, in their order.
    pub(super) async fn write(&self) -> Result<(), StoreError> {
        loop {
            let Some(completion) = self.kept.lock().first().cloned() else { return Ok(()) };
            if let Err(Unsettled { error, .. }) = self.pipeline.settle(completion).await {
                return Err(error);
            }
            self.kept.lock().remove(0);
        }
    }

    /// Back to the queue, for whoever comes: due, or in line for its webhook. What others have in hand stays there.
    pub(super) async fn put_back(&self, queued: Vec<(Claimed, Completed)>, now: Timestamp) {
        let untried: Vec<_> = queued.into_iter().map(|(claimed, next)| untried(claimed, next, now)).collect();
        for some in untried.chunks(BATCH) {
            let unwritten = self.pipeline.settle_all(some).await;
            unwritten.into_iter().for_each(|completion| self.keep(completion));
        }
    }
}

fn untried(claimed: Claimed, next: Completed, now: Timestamp) -> Arc<Completion> {
    Arc::new(Completion { claimed, attempt: None, fixed: None, next, health: None, awaited: false, now })
}
