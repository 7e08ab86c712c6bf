//! The worker's way to the database: what is due, and what waits for its webhook, is claimed as far as there is room in memory.
//!
//! A claim whose answer was lost may stand in the database all the same: it is noted, and found again when nothing is in hand.

use super::worker::Worker;
use crate::model::delivery::Claimed;
use crate::model::ids::WebhookId;
use crate::model::webhook::Ordering;
use crate::store::StoreError;

/// Rows that one look takes.
const CLAIM_BATCH: u32 = 256;

impl Worker {
    pub(super) async fn claim_due(&self) -> Result<(), StoreError> {
        while let batch @ 1.. = self.dispatcher.room_for(CLAIM_BATCH) {
            self.recorder.due.forget();
            let claimed = match self.parts.store.claim_due(self.sweeper.due_until(), batch).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    self.recorder.due.ask_again();
                    self.dispatcher.note_lost();
                    return Err(error);
                }
            };
            let full = claimed.len() >= batch as usize;
            for claimed in claimed {
                if let Err(too_much) = self.dispatcher.offer(claimed) {
                    self.recorder.unwritten.park(too_much, self.parts.clock.now()).await;
                }
            }
            if !full {
                match self.parts.store.next_due().await {
                    Ok(next) => {
                        next.into_iter().for_each(|at| self.recorder.due.at(at));
                        return Ok(());
                    }
                    Err(error) => {
                        self.recorder.due.ask_again();
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn refill(&self) -> Result<(), StoreError> {
        for (webhook, asked) in self.dispatcher.to_refill() {
            let limit = u32::try_from(asked).unwrap_or(u32::MAX).min(self.dispatcher.room_for(CLAIM_BATCH));
            if limit == 0 {
                // Those before have taken what was free.
                self.dispatcher.refill_failed(webhook);
                continue;
            }
            match self.claim_waiting(webhook, limit).await {
                Ok(Some(claimed)) => self.dispatcher.refilled(webhook, claimed, limit as usize),
                Ok(None) => self.dispatcher.must_wait(webhook),
                Err(error) => {
                    self.dispatcher.refill_failed(webhook);
                    self.dispatcher.note_lost();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn claim_waiting(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>, StoreError> {
        match self.dispatcher.rules(webhook).ordering {
            Ordering::None => self.parts.store.claim_waiting(webhook, limit).await.map(Some),
            Ordering::Fifo => self.parts.store.claim_in_order(webhook, limit).await,
        }
    }

    /// Rows that were claimed for us by a call whose answer was lost are due again. If one comes into memory at this very moment
    /// it is claimed twice and sent twice, and the fence lets only one of them count.
    pub(super) async fn find_the_lost(&self) -> Result<(), StoreError> {
        if self.dispatcher.take_lost() {
            if let Err(error) = self.parts.store.recover(self.parts.clock.now()).await {
                self.dispatcher.note_lost();
                return Err(error);
            }
            self.recorder.due.ask_again();
        }
        Ok(())
    }
}
