//! What others ask of the worker: to follow a webhook's change, to try a delivery again, to give back what isn't begun.

use super::worker::Worker;
use super::{Retried, health};
use crate::model::delivery::Claimed;
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::webhook::{Ordering, Status};
use crate::store::{Completed, StoreError};

impl Worker {
    pub(super) async fn webhook_changed(&self, id: WebhookId) -> Result<(), StoreError> {
        let status = self.parts.directory.webhook(id).map(|webhook| webhook.revision.status);
        match status {
            None => health::cancel_pending(&self.parts, id, super::DELETED).await?,
            Some(Status::Disabled(reason)) => {
                health::cancel_pending(&self.parts, id, &super::disabled_line(reason)).await?;
            }
            Some(Status::Paused) => return Ok(()),
            Some(Status::Active) => {
                self.health.reload(id).await?;
                self.dispatcher.mark_backlog(id);
            }
        }
        if status != Some(Status::Active) {
            self.dispatcher.unhold(id);
        }
        self.look();
        Ok(())
    }

    pub(super) async fn retry(&self, id: DeliveryId) -> Result<Retried, StoreError> {
        let claimed = self.parts.store.retry(id, self.parts.clock.now()).await;
        let Some(claimed) = claimed.inspect_err(|_| self.dispatcher.note_lost())? else {
            return Ok(Retried::InProgress);
        };
        if self.dispatcher.is_resting() {
            let now = self.parts.clock.now();
            self.recorder.unwritten.put_back(vec![(claimed, Completed::Scheduled(now))], now).await;
        } else {
            self.dispatcher.insist(claimed);
        }
        self.attention.notify_one();
        Ok(Retried::Started)
    }

    /// For whoever comes next. What was never tried of a webhook whose order counts goes in line again, behind what was.
    pub(super) async fn put_back(&self, queued: Vec<Claimed>) {
        let now = self.parts.clock.now();
        let in_line = |claimed: &Claimed| {
            claimed.attempts == 0 && self.dispatcher.rules(claimed.webhook).ordering == Ordering::Fifo
        };
        let back = |claimed: Claimed| {
            let next = if in_line(&claimed) { Completed::Waiting } else { Completed::Scheduled(now) };
            (claimed, next)
        };
        self.recorder.unwritten.put_back(queued.into_iter().map(back).collect(), now).await;
    }
}
