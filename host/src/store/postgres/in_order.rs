//! Taking what waits for a webhook whose order counts, over all nodes: one at a time has any of it in hand.
//!
//! Looks and takes under a lock of the webhook's, so that of two nodes that ask at once the second sees what the first one took. A
//! retry that is due may be in any node's hands, by `claim_due`: nothing behind it is taken before it has ended.

use super::PostgresStore;
use super::convert::int;
use super::locks;
use crate::model::delivery::Claimed;
use crate::model::ids::WebhookId;
use crate::store::Result;

/// Whether another node has any of it in hand, and the first one that is scheduled.
const STANDING: &str = "SELECT EXISTS (SELECT 1 FROM queue WHERE node IS NOT NULL AND fence > 1 AND webhook = $1 AND node <> $2), \
    (SELECT min(id) FROM queue WHERE node IS NULL AND due_at IS NOT NULL AND webhook = $1)";

const NEXT: &str = "WITH picked AS MATERIALIZED (SELECT id AS picked FROM queue \
        WHERE node IS NULL AND due_at IS NULL AND webhook = $2 AND id < $4 ORDER BY id LIMIT $3 FOR UPDATE) \
    UPDATE queue SET fence = greatest(fence, 1) + 1, node = $1 FROM picked WHERE id = picked RETURNING queue.*";

/// What becomes of a row that its node lets go of, as its due time (`$2`: now): it waits in line if it was never tried and the order
/// counts. `q` is the queue.
pub(super) const LET_GO: &str = "CASE WHEN q.attempts = 0 AND q.webhook IN \
    (SELECT id FROM webhooks WHERE CAST(policies AS JSONB) ->> 'ordering' = 'fifo') THEN NULL ELSE CAST($2 AS BIGINT) END";

impl PostgresStore {
    pub(super) async fn take_in_order(&self, webhook: WebhookId, limit: u32) -> Result<Option<Vec<Claimed>>> {
        let mut transaction = self.writers.begin().await?;
        let node = self.shared.membership.hold(&mut transaction).await?;
        locks::take_webhook(&mut transaction, webhook).await?;
        let (taken, scheduled): (bool, Option<i64>) =
            sqlx::query_as(STANDING).bind(int(webhook.number())).bind(node).fetch_one(&mut *transaction).await?;
        if taken {
            transaction.rollback().await?;
            return Ok(None);
        }
        let rows = sqlx::query(NEXT)
            .bind(node)
            .bind(int(webhook.number()))
            .bind(i64::from(limit))
            .bind(scheduled.unwrap_or(i64::MAX))
            .fetch_all(&mut *transaction)
            .await?;
        let claimed = self.loaded(transaction, node, rows).await?;
        Ok((scheduled.is_none() || !claimed.is_empty()).then_some(claimed))
    }
}
