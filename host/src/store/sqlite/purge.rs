//! Retention: events go with their deliveries, attempts and bodies, a bounded number of rows a transaction, so that the one writer
//! is never held up for long.
//!
//! Nothing pending is dropped: a delivery that still waits when its event expires ends as `cancelled` first, and stays in the log
//! for another day. One that is in a node's hands, or was made later than its event, keeps the event until it ends or expires.

use std::time::Duration;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::SqliteStore;
use super::claims::cancel;
use super::convert::{Columns, int, millis};
use super::dialect::{LIST_MAX, push_in};
use super::hot::day_of;
use crate::model::ids::floor_of;
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::admission::WINDOW;

const DAY: Duration = Duration::from_secs(24 * 3600);
const EXPIRED: &str = "expired";
/// Of an event `e`: its deliveries in `deliveries` as `d`, wherever they were made.
const OF_EVENT: &str = "d.event = e.id AND (d.id BETWEEN e.first_delivery AND e.last_delivery \
                        OR d.id IN (SELECT delivery FROM additions WHERE event = e.id))";

impl SqliteStore {
    pub(super) async fn purge_expired(&self, now: Timestamp, max_rows: u32) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let mut budget = i64::from(max_rows);
        for (tenant, cutoff) in cutoffs(&mut transaction, now).await? {
            if budget <= 0 {
                break;
            }
            let cancelled = cancel_expired(&mut transaction, &tenant, cutoff, (now, budget)).await?;
            budget -= cancelled;
            budget -= delete_expired(&mut transaction, &tenant, cutoff, (now, budget)).await?;
        }
        budget -= forget_keys(&mut transaction, now, budget.max(0)).await?;
        transaction.commit().await?;
        Ok((i64::from(max_rows) - budget).unsigned_abs())
    }
}

/// Keys that are no longer remembered, in the order in which they were kept, and their days in the index. The newest one stays, so
/// that no number is given twice.
async fn forget_keys(connection: &mut SqliteConnection, now: Timestamp, budget: i64) -> Result<i64> {
    let oldest = now.minus(WINDOW);
    let keys = sqlx::query(
        "DELETE FROM idempotency_keys WHERE kept_at <= $1 AND id < (SELECT max(id) FROM idempotency_keys) \
         AND id IN (SELECT id FROM idempotency_keys ORDER BY id LIMIT $2)",
    )
    .bind(millis(oldest))
    .bind(budget)
    .execute(&mut *connection)
    .await?;
    let left = budget - int(keys.rows_affected());
    let entries = sqlx::query(
        "DELETE FROM idempotency_index WHERE (day, fingerprint, key) IN \
         (SELECT day, fingerprint, key FROM idempotency_index WHERE day < $1 ORDER BY day, fingerprint, key LIMIT $2)",
    )
    .bind(day_of(oldest))
    .bind(left)
    .execute(&mut *connection)
    .await?;
    Ok(int(keys.rows_affected() + entries.rows_affected()))
}

/// Every tenant that has events, with the id below which they have expired.
async fn cutoffs(connection: &mut SqliteConnection, now: Timestamp) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query(
        "WITH RECURSIVE present (tenant) AS ( \
           SELECT min(tenant) FROM events \
           UNION ALL SELECT (SELECT min(tenant) FROM events WHERE tenant > present.tenant) \
           FROM present WHERE present.tenant IS NOT NULL) \
         SELECT present.tenant, tenants.retention FROM present LEFT JOIN tenants ON tenants.name = present.tenant \
         WHERE present.tenant IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    let cutoff = |days: Option<u32>| int(floor_of(now.minus(DAY * days.unwrap_or(Retention::default().days().into()))));
    rows.iter().map(|row| Ok((row.raw("tenant")?, cutoff(row.maybe_count("retention")?)))).collect()
}

async fn cancel_expired(
    connection: &mut SqliteConnection,
    tenant: &str,
    cutoff: i64,
    (now, budget): (Timestamp, i64),
) -> Result<i64> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM queue WHERE id < $1 AND tenant = $2 AND node IS NULL ORDER BY id LIMIT $3")
            .bind(cutoff)
            .bind(tenant)
            .bind(budget)
            .fetch_all(&mut *connection)
            .await?;
    cancel(connection, &ids, EXPIRED, now).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(budget))
}

/// Deletes whole events with all that hangs on them, oldest first; stops where the budget ends, in the middle of an event if it
/// has more deliveries than that. Returns the number of rows.
async fn delete_expired(
    connection: &mut SqliteConnection,
    tenant: &str,
    cutoff: i64,
    (now, budget): (Timestamp, i64),
) -> Result<i64> {
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT e.id FROM events AS e INDEXED BY events_by_tenant WHERE e.tenant = ");
    query.push_bind(tenant).push(" AND e.id < ").push_bind(cutoff);
    query.push(" AND NOT EXISTS (SELECT 1 FROM queue AS d WHERE ").push(OF_EVENT);
    query.push(") AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE ").push(OF_EVENT);
    query.push(" AND d.ended_at > ").push_bind(millis(now.minus(DAY))).push(" AND d.reason = ").push_bind(EXPIRED);
    query.push(") ORDER BY e.id LIMIT ").push_bind(budget);
    let events: Vec<i64> = query.build_query_scalar().fetch_all(&mut *connection).await?;
    let mut deleted = 0;
    for event in events {
        if deleted >= budget {
            break;
        }
        deleted += delete_event(connection, event, budget - deleted).await?;
    }
    Ok(deleted)
}

async fn delete_event(connection: &mut SqliteConnection, event: i64, budget: i64) -> Result<i64> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT d.id, d.attempts FROM events AS e CROSS JOIN deliveries AS d WHERE e.id = ",
    );
    query.push_bind(event).push(" AND ").push(OF_EVENT).push(" ORDER BY d.id LIMIT ").push_bind(budget + 1);
    let mut rows = 0;
    let mut doomed: Vec<i64> = Vec::new();
    let mut rest = false;
    for row in query.build().fetch_all(&mut *connection).await? {
        // The delivery, its attempts and perhaps a body. At least one goes each time, whatever it weighs.
        let weight = 2 + row.count::<i64>("attempts")?;
        rest = !doomed.is_empty() && rows + weight >= budget;
        if rest {
            break;
        }
        rows += weight;
        doomed.push(row.raw("id")?);
    }
    for chunk in doomed.chunks(LIST_MAX) {
        for delete in [
            "DELETE FROM attempts WHERE delivery",
            "DELETE FROM bodies WHERE delivery",
            "DELETE FROM deliveries WHERE id",
        ] {
            let mut query = QueryBuilder::<Sqlite>::new(delete);
            push_in(&mut query, chunk.iter().copied());
            query.build().execute(&mut *connection).await?;
        }
    }
    if !rest {
        for delete in ["DELETE FROM additions WHERE event = $1", "DELETE FROM events WHERE id = $1"] {
            sqlx::query(delete).bind(event).execute(&mut *connection).await?;
        }
        rows += 1;
    }
    Ok(rows)
}
