//! The queue's verbs: what both databases say alike is here, what takes rows or gives them back is each one's own `claims`.

use std::sync::Arc;

use async_trait::async_trait;

use super::convert::{Columns, int, millis};
use super::dialect::{Store, indexed_by};
use crate::model::delivery::Claimed;
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::time::Timestamp;
use crate::store::packed::PackedCompletion;
use crate::store::{Completion, NewDelivery, Purged, Queue, QueueDepth, Result, Taken};

#[async_trait]
impl Queue for Store {
    async fn complete_all(&self, completions: Vec<Arc<Completion>>) -> Result<Vec<bool>> {
        let packed: Vec<_> = completions.into_iter().map(PackedCompletion::new).collect::<Result<_>>()?;
        self.completions().complete(packed).await
    }

    async fn claim_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>> {
        // Mostly nothing is due: that is found out beside whoever writes.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        self.take_due(now, limit).await
    }

    async fn claim_waiting_all(&self, wanted: &[(WebhookId, u32)], bytes: usize) -> Result<Taken> {
        self.take_waiting(wanted, bytes).await
    }

    async fn claim_in_order(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>> {
        self.take_in_order(webhook, limit).await
    }

    async fn waiting(&self) -> Result<Vec<WebhookId>> {
        // From one webhook to the next by the index: the rows themselves may be millions.
        let ids: Vec<i64> = sqlx::query_scalar(concat!(
            "WITH RECURSIVE waiting (webhook) AS (SELECT min(webhook) FROM queue",
            indexed_by!("queue_waiting"),
            " WHERE node IS NULL AND due_at IS NULL UNION ALL SELECT (SELECT min(webhook) FROM queue",
            indexed_by!("queue_waiting"),
            " WHERE node IS NULL AND due_at IS NULL AND webhook > waiting.webhook) \
             FROM waiting WHERE waiting.webhook IS NOT NULL) \
             SELECT webhook FROM waiting WHERE webhook IS NOT NULL",
        ))
        .fetch_all(&self.readers)
        .await?;
        Ok(ids.into_iter().map(|id| WebhookId::from(id.unsigned_abs())).collect())
    }

    async fn count_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32> {
        let counted: i64 = sqlx::query_scalar(concat!(
            "SELECT count(*) FROM (SELECT 1 FROM queue",
            indexed_by!("queue_waiting"),
            " WHERE node IS NULL AND due_at IS NULL AND webhook = $1 LIMIT $2) AS counted",
        ))
        .bind(int(webhook.number()))
        .bind(i64::from(limit))
        .fetch_one(&self.readers)
        .await?;
        Ok(u32::try_from(counted).unwrap_or(limit))
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Claimed>> {
        self.take_back(id, now).await
    }

    async fn enqueue(&self, replays: Vec<(EventId, NewDelivery)>, now: Timestamp) -> Result<Vec<DeliveryId>> {
        self.put_in(&replays, now).await
    }

    async fn cancel_pending(&self, webhook: WebhookId, reason: &str, now: Timestamp, limit: u32) -> Result<u32> {
        self.cancel_unclaimed(webhook, (reason, now), limit).await
    }

    async fn reschedule(&self, after: Timestamp, by_millis: i64, now: Timestamp) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(concat!(
            "UPDATE queue",
            indexed_by!("queue_due"),
            " SET due_at = CASE WHEN due_at + $1 < $2 THEN $2 ELSE due_at + $1 END \
             WHERE node IS NULL AND due_at IS NOT NULL AND due_at > $3",
        ))
        .bind(by_millis)
        .bind(millis(now))
        .bind(millis(after))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let due: Option<i64> = sqlx::query_scalar(concat!(
            "SELECT min(due_at) FROM queue",
            indexed_by!("queue_due"),
            " WHERE node IS NULL AND due_at IS NOT NULL",
        ))
        .fetch_one(&self.readers)
        .await?;
        Ok(due.map(|millis| Timestamp::from_millis(millis.unsigned_abs())))
    }

    async fn depth(&self) -> Result<QueueDepth> {
        let row = sqlx::query(concat!(
            "SELECT (SELECT count(*) FROM queue) AS total, (SELECT min(id) FROM queue) AS oldest, \
             (SELECT count(*) FROM queue",
            indexed_by!("queue_due"),
            " WHERE node IS NULL AND due_at IS NOT NULL) AS scheduled, (SELECT count(*) FROM queue",
            indexed_by!("queue_waiting"),
            " WHERE node IS NULL AND due_at IS NULL) AS waiting",
        ))
        .fetch_one(&self.readers)
        .await?;
        let (total, scheduled, waiting): (u64, u64, u64) =
            (row.count("total")?, row.count("scheduled")?, row.count("waiting")?);
        let claimed = total.saturating_sub(scheduled).saturating_sub(waiting);
        Ok(QueueDepth { claimed, scheduled, waiting, oldest: row.maybe_id("oldest")?.map(DeliveryId::time) })
    }

    async fn recover(&self, now: Timestamp) -> Result<u64> {
        self.free(now).await
    }

    async fn purge(&self, now: Timestamp, max_rows: u32) -> Result<Purged> {
        self.purge_expired(now, max_rows).await
    }
}
