//! Taking rows of the queue into this process's hands ([`super::hot`] does it), putting more in, and ending what nobody has in hand.
//! Every claim raises the row's fence.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::convert::{cause_number, int, millis, status_number};
use super::dialect::{LIST_MAX, push_in};
use super::hot::{Claiming, Errand};
use super::{NODE, SqliteStore, loaded};
use crate::model::attempt::Trigger;
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::time::Timestamp;
use crate::store::{NewDelivery, Result, Start, Taken};

/// What the claim of a single one returns.
const CLAIMED: &str = "id, event, webhook, due_at, fence, attempts, cause, revision, replay_of";

impl SqliteStore {
    pub(super) async fn take_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>> {
        Ok(self.claim(Claiming::Due { now, most: limit }).await?.claimed)
    }

    pub(super) async fn take_waiting(&self, wanted: &[(WebhookId, u32)], bytes: usize) -> Result<Taken> {
        self.claim(Claiming::Waiting { wanted: wanted.to_vec(), bytes }).await
    }

    pub(super) async fn take_in_order(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>> {
        let (claimed, blocked) = self.writer.run(|answer| Errand::ClaimInOrder((webhook, limit), answer)).await?;
        Ok((!blocked || !claimed.is_empty()).then_some(claimed))
    }

    async fn claim(&self, claiming: Claiming) -> Result<Taken> {
        self.writer.run(|answer| Errand::Claim(claiming, answer)).await
    }

    pub(super) async fn take_back(&self, id: DeliveryId, _now: Timestamp) -> Result<Option<Claimed>> {
        let mut transaction = self.begin().await?;
        // One that has ended comes back as a queue row; its row in the log stays until it ends again.
        sqlx::query(
            "INSERT INTO queue (id, event, webhook, tenant, fence, attempts, cause, last_status, reason, revision, replay_of) \
             SELECT d.id, d.event, d.webhook, d.tenant, d.fence, d.attempts, d.cause, d.last_status, d.reason, d.revision, \
             d.replay_of FROM deliveries AS d JOIN events AS e ON e.id = d.event \
             WHERE d.id = $1 AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.id = d.id)",
        )
        .bind(int(id.number()))
        .execute(&mut *transaction)
        .await?;
        // A test stays a test: it counts nowhere.
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE queue SET fence = fence + 1, node = ");
        query.push_bind(i64::from(NODE.0)).push(", cause = CASE cause WHEN ").push_bind(cause_number(Trigger::Test));
        query.push(" THEN cause ELSE ").push_bind(cause_number(Trigger::Manual)).push(" END WHERE id = ");
        query.push_bind(int(id.number())).push(" AND node IS NULL RETURNING ").push(CLAIMED);
        let rows = query.build().fetch_all(&mut *transaction).await?;
        let claimed = loaded::load(&mut transaction, &rows).await?.pop();
        transaction.commit().await?;
        Ok(claimed)
    }

    pub(super) async fn put_in(&self, replays: &[(EventId, NewDelivery)], _now: Timestamp) -> Result<Vec<DeliveryId>> {
        let mut transaction = self.begin().await?;
        let mut written = Vec::with_capacity(replays.len());
        for (event, new) in replays {
            if enqueue_one(&mut transaction, *event, new).await? {
                written.push(new.id);
            }
        }
        transaction.commit().await?;
        Ok(written)
    }

    pub(super) async fn cancel_unclaimed(
        &self,
        webhook: WebhookId,
        (reason, now): (&str, Timestamp),
        limit: u32,
    ) -> Result<u32> {
        let mut transaction = self.begin().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM (SELECT id FROM queue INDEXED BY queue_waiting \
                             WHERE node IS NULL AND due_at IS NULL AND webhook = $1 \
               UNION ALL SELECT id FROM queue INDEXED BY queue_scheduled \
                             WHERE node IS NULL AND due_at IS NOT NULL AND webhook = $1) LIMIT $2",
        )
        .bind(int(webhook.number()))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        cancel(&mut transaction, &ids, reason, now).await?;
        transaction.commit().await?;
        Ok(u32::try_from(ids.len()).unwrap_or(limit))
    }

    /// All claims are void at the start: whoever held them is gone.
    pub(super) async fn free(&self, now: Timestamp) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE queue SET node = NULL, due_at = $1 WHERE node IS NOT NULL")
            .bind(millis(now))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}

/// A new row's node, due time and fence.
pub(super) fn starting(start: Start) -> (Option<i64>, Option<i64>, i64) {
    match start {
        Start::Claimed => (Some(i64::from(NODE.0)), None, 1),
        Start::Scheduled(at) => (None, Some(millis(at)), 0),
        Start::Waiting => (None, None, 0),
    }
}

/// One more delivery of a stored event; `false` where the event is gone.
async fn enqueue_one(connection: &mut SqliteConnection, event: EventId, new: &NewDelivery) -> Result<bool> {
    let (node, due_at, fence) = starting(new.start);
    let done = sqlx::query(
        "INSERT INTO queue (id, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
         SELECT $1, id, $3, tenant, $4, $5, $6, 0, $7, $8 FROM events WHERE id = $2",
    )
    .bind(int(new.id.number()))
    .bind(int(event.number()))
    .bind(int(new.webhook.number()))
    .bind(node)
    .bind(due_at)
    .bind(fence)
    .bind(cause_number(new.trigger))
    .bind(new.replay_of.map(|id| int(id.number())))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("INSERT INTO additions (event, delivery) VALUES ($1, $2)")
        .bind(int(event.number()))
        .bind(int(new.id.number()))
        .execute(&mut *connection)
        .await?;
    Ok(true)
}

/// Ends unclaimed rows of the queue.
pub(super) async fn cancel(connection: &mut SqliteConnection, ids: &[i64], reason: &str, now: Timestamp) -> Result<()> {
    for chunk in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, last_status, \
             reason, revision, replay_of, ended_at) SELECT id, event, webhook, tenant, ",
        );
        query.push_bind(status_number(DeliveryStatus::Cancelled)).push(", cause, fence, attempts, last_status, ");
        query.push_bind(reason).push(", revision, replay_of, ").push_bind(millis(now));
        query.push(" FROM queue WHERE id");
        push_in(&mut query, chunk.iter().copied());
        query.build().execute(&mut *connection).await?;
        let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM queue WHERE id");
        push_in(&mut query, chunk.iter().copied());
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}
