//! Taking rows of the queue into this node's hands, putting more in, and ending what nobody has in hand. Every claim raises the row's
//! fence, above the 1 that a row is born claimed with: so the index of what was taken holds no row of the hot path.
//!
//! Rows that another node is just taking are passed over, never waited for. A claim whose commit got no answer is doubted
//! ([`super::doubts`]): it may stand in this node's hands.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Transaction};

use super::convert::{Columns, cause_number, int, millis, status_number};
use super::days::revivable;
use super::dialect::Row;
use super::partitions::Part;
use super::{PostgresStore, loaded};
use crate::model::attempt::Trigger;
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::model::event::DATA_MAX;
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::time::Timestamp;
use crate::store::{Budget, NewDelivery, Result, Start, Taken};

const DUE: &str = "WITH picked AS MATERIALIZED (SELECT id AS picked FROM queue \
        WHERE node IS NULL AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED) \
    UPDATE queue SET fence = greatest(fence, 1) + 1, node = $1 FROM picked WHERE id = picked RETURNING queue.*";

const WAITING: &str = "WITH picked AS MATERIALIZED (SELECT each.id AS picked \
        FROM unnest($2::bigint[], $3::bigint[]) AS wanted (webhook, most) CROSS JOIN LATERAL (SELECT q.id FROM queue AS q \
            WHERE q.node IS NULL AND q.due_at IS NULL AND q.webhook = wanted.webhook ORDER BY q.id LIMIT wanted.most \
            FOR UPDATE SKIP LOCKED) AS each) \
    UPDATE queue SET fence = greatest(fence, 1) + 1, node = $1 FROM picked WHERE id = picked RETURNING queue.*";

/// One that has ended comes back as a queue row, unless its event has expired; its row in the log stays until it ends again.
const BACK: &str = "INSERT INTO queue \
    (id, class, event, webhook, tenant, fence, attempts, cause, last_status, reason, revision, replay_of) \
    SELECT d.id, d.class, d.event, d.webhook, d.tenant, d.fence, d.attempts, d.cause, d.last_status, d.reason, d.revision, \
    d.replay_of FROM deliveries AS d JOIN events AS e ON e.id = d.event \
    JOIN unnest($2::bigint[], $3::bigint[]) AS k (class, since) ON k.class = e.class AND k.since <= e.id \
    WHERE d.id = $1 ON CONFLICT (id) DO NOTHING";

/// A test stays a test: it counts nowhere.
const ONE: &str = "UPDATE queue SET fence = greatest(fence, 1) + 1, node = $1, cause = CASE cause WHEN $3 THEN cause ELSE $4 END \
    WHERE id = $2 AND node IS NULL RETURNING queue.*";

const PUT_IN: &str = "WITH added AS (INSERT INTO queue \
        (id, class, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
        SELECT n.id, e.class, e.id, n.webhook, e.tenant, n.node, n.due_at, n.fence, 0, n.cause, n.replay_of \
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
            $8::bigint[]) AS n (id, event, webhook, node, due_at, fence, cause, replay_of) \
        JOIN events AS e ON e.id = n.event \
        JOIN unnest($9::bigint[], $10::bigint[]) AS k (class, since) ON k.class = e.class AND k.since <= e.id RETURNING id, event, class) \
    INSERT INTO additions (event, delivery, class) SELECT event, id, class FROM added RETURNING delivery, class";

/// From the queue to the log, as cancelled: `$1` are ids whose rows are locked.
pub(super) const CANCEL: &str = "WITH gone AS (DELETE FROM queue WHERE id = ANY ($1) RETURNING *) \
    INSERT INTO deliveries (id, class, event, webhook, tenant, status, cause, fence, attempts, last_status, reason, revision, \
        replay_of, ended_at) \
    SELECT id, class, event, webhook, tenant, $2, cause, fence, attempts, last_status, $3, revision, replay_of, $4 FROM gone \
    ON CONFLICT (id, class) DO UPDATE SET status = excluded.status, cause = excluded.cause, fence = excluded.fence, \
        attempts = excluded.attempts, last_status = excluded.last_status, reason = excluded.reason, \
        revision = excluded.revision, ended_at = excluded.ended_at";

pub(super) fn bind_cancel<'q>(
    query: Query<'q, Postgres, PgArguments>,
    ids: &[i64],
    reason: &str,
    now: Timestamp,
) -> Query<'q, Postgres, PgArguments> {
    let cancelled = status_number(DeliveryStatus::Cancelled);
    query.bind(ids.to_vec()).bind(cancelled).bind(reason.replace('\0', "")).bind(millis(now))
}

impl PostgresStore {
    pub(super) async fn take_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Claimed>> {
        let (mut transaction, node) = self.begin_claim().await?;
        let query = sqlx::query(DUE).bind(node).bind(millis(now)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *transaction).await?;
        self.loaded(transaction, node, rows).await
    }

    pub(super) async fn take_waiting(&self, wanted: &[(WebhookId, u32)], bytes: usize) -> Result<Taken> {
        let webhooks: Vec<i64> = wanted.iter().map(|(webhook, _)| int(webhook.number())).collect();
        let most: Vec<i64> = wanted.iter().map(|(_, most)| i64::from(*most)).collect();
        let (mut transaction, node) = self.begin_claim().await?;
        let mut rows = sqlx::query(WAITING).bind(node).bind(webhooks).bind(most).fetch_all(&mut *transaction).await?;
        let too_large = leave_too_large(&mut transaction, &mut rows, bytes).await?;
        Ok(Taken { claimed: self.loaded(transaction, node, rows).await?, too_large })
    }

    /// With this node's number.
    async fn begin_claim(&self) -> Result<(Transaction<'static, Postgres>, i64)> {
        let mut transaction = self.writers.begin().await?;
        let node = self.shared.membership.hold(&mut transaction).await?;
        Ok((transaction, node))
    }

    /// The rest of a claim: what was taken is read with its event, and committed.
    pub(super) async fn loaded(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        node: i64,
        mut rows: Vec<Row>,
    ) -> Result<Vec<Claimed>> {
        // RETURNING has no order of its own; waiting rows have no due time and so are sorted by id alone.
        let order = |row: &Row| (row.raw::<Option<i64>>("due_at").ok(), row.raw::<i64>("id").ok());
        rows.sort_by_cached_key(order);
        let claimed = loaded::load(&mut transaction, &rows).await?;
        self.commit_claims(transaction, node, &rows).await?;
        Ok(claimed)
    }

    pub(super) async fn take_back(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Claimed>> {
        let mut transaction = self.writers.begin().await?;
        let node = self.shared.membership.hold(&mut transaction).await?;
        let (classes, since) = revivable(now);
        sqlx::query(BACK).bind(int(id.number())).bind(classes).bind(since).execute(&mut *transaction).await?;
        let rows = sqlx::query(ONE)
            .bind(node)
            .bind(int(id.number()))
            .bind(cause_number(Trigger::Test))
            .bind(cause_number(Trigger::Manual))
            .fetch_all(&mut *transaction)
            .await?;
        let claimed = loaded::load(&mut transaction, &rows).await?.pop();
        self.commit_claims(transaction, node, &rows).await?;
        Ok(claimed)
    }

    async fn commit_claims(&self, transaction: Transaction<'_, Postgres>, node: i64, rows: &[Row]) -> Result<()> {
        let claims: Vec<(i64, i64)> =
            rows.iter().map(|row| Ok((row.raw("id")?, row.raw("fence")?))).collect::<Result<_>>()?;
        let unsettled = self.shared.doubts.until_settled(node, claims);
        transaction.commit().await?;
        unsettled.settled();
        Ok(())
    }

    pub(super) async fn put_in(&self, replays: &[(EventId, NewDelivery)], now: Timestamp) -> Result<Vec<DeliveryId>> {
        let mut transaction = self.writers.begin().await?;
        let node = self.shared.membership.hold(&mut transaction).await?;
        let column = |of: &dyn Fn(&(EventId, NewDelivery)) -> i64| replays.iter().map(of).collect::<Vec<i64>>();
        let (classes, since) = revivable(now);
        let starts: Vec<_> = replays.iter().map(|(_, new)| starting(new.start, node)).collect();
        let rows = sqlx::query(PUT_IN)
            .bind(column(&|(_, new)| int(new.id.number())))
            .bind(column(&|(event, _)| int(event.number())))
            .bind(column(&|(_, new)| int(new.webhook.number())))
            .bind(starts.iter().map(|start| start.0).collect::<Vec<_>>())
            .bind(starts.iter().map(|start| start.1).collect::<Vec<_>>())
            .bind(starts.iter().map(|start| start.2).collect::<Vec<_>>())
            .bind(column(&|(_, new)| cause_number(new.trigger)))
            .bind(replays.iter().map(|(_, new)| new.replay_of.map(|id| int(id.number()))).collect::<Vec<_>>())
            .bind(classes)
            .bind(since)
            .fetch_all(&mut *transaction)
            .await?;
        let added: HashSet<i64> = rows.iter().map(|row| row.raw("delivery")).collect::<Result<_>>()?;
        let part = |row: &Row| Ok(Part::of_delivery(row.raw("class")?, row.raw("delivery")?));
        let parts: BTreeSet<Part> = rows.iter().map(part).collect::<Result<_>>()?;
        self.shared.partitions.make(&mut transaction, parts).await?;
        transaction.commit().await.inspect_err(|_| self.shared.doubts.add(node, added.iter().map(|id| (*id, 1))))?;
        let written = replays.iter().filter(|(_, new)| added.contains(&int(new.id.number())));
        if written.clone().any(|(_, new)| new.start != Start::Claimed) {
            self.shared.tidings.work();
        }
        Ok(written.map(|(_, new)| new.id).collect())
    }

    pub(super) async fn cancel_unclaimed(
        &self,
        webhook: WebhookId,
        (reason, now): (&str, Timestamp),
        limit: u32,
    ) -> Result<u32> {
        let mut transaction = self.writers.begin().await?;
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT id, class FROM queue WHERE node IS NULL AND webhook = $1 AND (due_at IS NULL OR due_at IS NOT NULL) \
             LIMIT $2 FOR UPDATE SKIP LOCKED",
        )
        .bind(int(webhook.number()))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
        let parts = rows.iter().map(|(id, class)| Part::of_delivery(*class, *id)).collect();
        self.shared.partitions.make(&mut transaction, parts).await?;
        bind_cancel(sqlx::query(CANCEL), &ids, reason, now).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(u32::try_from(ids.len()).unwrap_or(limit))
    }
}

/// What was just taken goes back from where the events' data is more than so many bytes, before any of it is read: how large a row's
/// data is, only its event says. Whether any did.
async fn leave_too_large(connection: &mut PgConnection, rows: &mut Vec<Row>, bytes: usize) -> Result<bool> {
    if rows.len().saturating_mul(DATA_MAX) <= bytes {
        return Ok(false);
    }
    rows.sort_by_cached_key(|row| row.raw::<i64>("id").ok());
    let events: Vec<i64> = rows.iter().map(|row| row.raw("event")).collect::<Result<_>>()?;
    let sizes: Vec<(i64, i32)> = sqlx::query_as("SELECT id, octet_length(data) FROM events WHERE id = ANY ($1)")
        .bind(events.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await?;
    let sizes: HashMap<i64, i32> = sizes.into_iter().collect();
    let size = |event: &i64| sizes.get(event).map_or(0, |size| usize::try_from(*size).unwrap_or(DATA_MAX));
    let mut budget = Budget::of(bytes);
    let fitting = events.iter().take_while(|event| budget.allows(size(event))).count();
    let left: Vec<i64> = rows.drain(fitting..).map(|row| row.raw("id")).collect::<Result<_>>()?;
    if !left.is_empty() {
        sqlx::query("UPDATE queue SET node = NULL WHERE id = ANY ($1)").bind(&left).execute(connection).await?;
    }
    Ok(!left.is_empty())
}

/// A new row's node, due time and fence.
pub(super) fn starting(start: Start, node: i64) -> (Option<i64>, Option<i64>, i64) {
    match start {
        Start::Claimed => (Some(node), None, 1),
        Start::Scheduled(at) => (None, Some(millis(at)), 0),
        Start::Waiting => (None, None, 0),
    }
}
