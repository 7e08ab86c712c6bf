//! The worker's way to the database: what is due, and what waits for its webhook, is claimed as far as there is room in memory.
//!
//! A claim whose answer was lost may stand in the database all the same: it is noted, and found again when nothing is in hand.

use std::cmp::Reverse;

use hashbrown::HashMap;

use super::worker::Worker;
use crate::model::delivery::Claimed;
use crate::model::ids::WebhookId;
use crate::model::webhook::Ordering;
use crate::store::{Completed, StoreError};

/// Rows that one look takes.
const CLAIM_BATCH: u32 = 256;
/// Rows that one look takes for all webhooks that something waits for. The larger, the fewer looks; but SQLite writes nothing else meanwhile.
const CLAIM_TOGETHER: u32 = 4096;
/// No webhook gets fewer of them at a time, if it wants as many.
const FEW: u32 = 16;

impl Worker {
    /// One look; `true`: there may be more to be had now. What doesn't find room in its webhook's queue waits in line for it.
    pub(super) async fn claim_due(&self) -> Result<bool, StoreError> {
        let batch = self.dispatcher.room_for(CLAIM_BATCH);
        if batch == 0 {
            return Ok(false);
        }
        self.recorder.due.forget();
        let claimed = match self.parts.store.claim_due(self.sweeper.due_until(), batch).await {
            Ok(claimed) => claimed,
            Err(error) => {
                self.recorder.due.ask_again();
                self.dispatcher.note_lost();
                return Err(error);
            }
        };
        let more = claimed.len() >= batch as usize;
        if more {
            self.recorder.due.ask_again();
        }
        let too_many = claimed.into_iter().filter_map(|claimed| self.dispatcher.offer(claimed).err());
        let in_line = too_many.map(|claimed| (claimed, Completed::Waiting)).collect();
        self.recorder.unwritten.put_back(in_line, self.parts.clock.now()).await;
        if !more {
            let next = self.parts.store.next_due().await.inspect_err(|_| self.recorder.due.ask_again())?;
            next.into_iter().for_each(|at| self.recorder.due.at(at));
        }
        Ok(more)
    }

    pub(super) async fn refill(&self) -> Result<(), StoreError> {
        let mut together = Vec::new();
        for (webhook, asked) in self.dispatcher.to_refill() {
            match self.dispatcher.rules(webhook).ordering {
                Ordering::None => together.push((webhook, asked)),
                Ordering::Fifo => self.refill_in_order(webhook, asked).await?,
            }
        }
        self.refill_together(together).await
    }

    /// One call for all, so that an event that many wait for is read once.
    async fn refill_together(&self, wanting: Vec<(WebhookId, usize)>) -> Result<(), StoreError> {
        let (rows, bytes) = self.dispatcher.room();
        let (wanted, later) = share(rows.min(CLAIM_TOGETHER), wanting);
        later.into_iter().for_each(|webhook| self.dispatcher.refill_failed(webhook));
        if wanted.is_empty() {
            return Ok(());
        }
        let taken = self.parts.store.claim_waiting_all(&wanted, bytes).await.inspect_err(|_| {
            wanted.iter().for_each(|(webhook, _)| self.dispatcher.refill_failed(*webhook));
            self.dispatcher.note_lost();
        })?;
        let mut found: HashMap<WebhookId, Vec<Claimed>> = HashMap::with_capacity(wanted.len());
        taken.claimed.into_iter().for_each(|one| found.entry(one.webhook).or_default().push(one));
        for (webhook, asked) in wanted {
            let found = found.remove(&webhook).unwrap_or_default();
            // What was too large for now waits still.
            let asked = if taken.too_large { found.len() } else { asked as usize };
            self.dispatcher.refilled(webhook, found, asked);
        }
        Ok(())
    }

    async fn refill_in_order(&self, webhook: WebhookId, asked: usize) -> Result<(), StoreError> {
        let limit = u32::try_from(asked).unwrap_or(u32::MAX).min(self.dispatcher.room_for(CLAIM_BATCH));
        if limit == 0 {
            // Those before have taken what was free.
            self.dispatcher.refill_failed(webhook);
            return Ok(());
        }
        match self.parts.store.claim_in_order(webhook, limit).await {
            Ok(Some(claimed)) => self.dispatcher.refilled(webhook, claimed, limit as usize),
            Ok(None) => self.dispatcher.must_wait(webhook),
            Err(error) => {
                self.dispatcher.refill_failed(webhook);
                self.dispatcher.note_lost();
                return Err(error);
            }
        }
        Ok(())
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

/// How many each is to get of so much room, and who gets nothing this time: those with the most room of their own come first.
fn share(room: u32, mut wanting: Vec<(WebhookId, usize)>) -> (Vec<(WebhookId, u32)>, Vec<WebhookId>) {
    wanting.sort_by_key(|(webhook, asked)| (Reverse(*asked), *webhook));
    let each = (room / u32::try_from(wanting.len().max(1)).unwrap_or(u32::MAX)).max(FEW);
    let (mut left, mut wanted, mut later) = (room, Vec::new(), Vec::new());
    for (webhook, asked) in wanting {
        match u32::try_from(asked).unwrap_or(u32::MAX).min(each).min(left) {
            0 => later.push(webhook),
            most => {
                left -= most;
                wanted.push((webhook, most));
            }
        }
    }
    (wanted, later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_evenly_and_the_emptiest_come_first_where_it_is_scarce() {
        let webhook = WebhookId::from;
        let shared = share(1000, vec![(webhook(1), 700), (webhook(2), 3), (webhook(3), 900)]);
        assert_eq!(shared, (vec![(webhook(3), 333), (webhook(1), 333), (webhook(2), 3)], vec![]));
        let many: Vec<_> = (0..100).map(|number| (webhook(number), 600 + usize::from(number == 77))).collect();
        let (wanted, later) = share(50, many);
        assert_eq!(wanted, [(webhook(77), FEW), (webhook(0), FEW), (webhook(1), FEW), (webhook(2), 50 - 3 * FEW)]);
        assert_eq!(later.len(), 96);
        assert_eq!(share(0, vec![(webhook(1), 5)]), (vec![], vec![webhook(1)]));
    }
}
