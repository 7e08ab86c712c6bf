//! Retention: what still waits when its event expires ends as `cancelled`, and is shown for another day; then its day is dropped.
//!
//! Nothing pending is dropped: a day stays while anything of it, or any later delivery of its events, stands in the queue. Keys and
//! callers' ids are forgotten row by row: they live in tables of their own.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row as _};

use super::PostgresStore;
use super::claims::{CANCEL, bind_cancel};
use super::convert::{int, millis, status_number};
use super::locks;
use super::partitions::{Part, TABLES, cutoff, existing, shown_since};
use crate::model::delivery::DeliveryStatus;
use crate::model::ids::floor_of;
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::admission::WINDOW;

const EXPIRED: &str = "expired";
/// lock_not_available, deadlock_detected: somebody reads or writes there for longer than others may be held up.
const BUSY: [&str; 2] = ["55P03", "40P01"];

impl PostgresStore {
    /// Counts rows that ended or were forgotten, and days that were dropped and weren't empty.
    pub(super) async fn purge_expired(&self, now: Timestamp, max_rows: u32) -> Result<u64> {
        self.shared.partitions.make_ahead(now).await?;
        let mut budget = i64::from(max_rows);
        let mut dropped = 0;
        for class in Retention::ALL.map(|class| i64::from(class.days())) {
            if budget > 0 {
                budget -= self.cancel_expired(class, now, budget).await?;
            }
            dropped += self.drop_expired(class, now).await?;
        }
        let since = now.minus(WINDOW);
        budget -= self.forget(FORGET_KEYS, millis(since), budget).await?;
        budget -= self.forget(FORGET_IDS, int(floor_of(since)), budget).await?;
        Ok((i64::from(max_rows) - budget).unsigned_abs() + dropped)
    }

    async fn cancel_expired(&self, class: i64, now: Timestamp, budget: i64) -> Result<i64> {
        let mut transaction = self.writers.begin().await?;
        let picked: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM queue WHERE class = $1 AND id < $2 AND node IS NULL ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED",
        )
        .bind(class)
        .bind(int(floor_of(cutoff(class, now))))
        .bind(budget)
        .fetch_all(&mut *transaction)
        .await?;
        if picked.is_empty() {
            transaction.rollback().await?;
            return Ok(0);
        }
        let parts = picked.iter().map(|id| Part::of_delivery(class, *id)).collect();
        self.shared.partitions.make(&mut transaction, parts).await?;
        let done = bind_cancel(sqlx::query(CANCEL), &picked, EXPIRED, now).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(int(done.rows_affected()))
    }

    async fn drop_expired(&self, class: i64, now: Timestamp) -> Result<u64> {
        let mut dropped = 0;
        for part in existing(&mut *self.writers.acquire().await?, class).await? {
            if part.ends() > cutoff(class, shown_since(now)) {
                break;
            }
            let mut transaction = self.writers.begin().await?;
            match drop_part(&mut transaction, part, now).await {
                Ok(held) => {
                    transaction.commit().await?;
                    dropped += u64::from(held == Some(true));
                }
                Err(error) if is_busy(&error) => {
                    tracing::debug!(?part, "a day that has expired is in use: it is dropped later");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(dropped)
    }

    async fn forget(&self, delete: &'static str, before: i64, budget: i64) -> Result<i64> {
        let query = sqlx::query(delete).bind(before).bind(budget.max(0));
        Ok(int(query.execute(&self.writers).await?.rows_affected()))
    }
}

// One that somebody is about to take again is left alone.
const FORGET_KEYS: &str = "DELETE FROM idempotency_keys WHERE scope IN \
    (SELECT scope FROM idempotency_keys WHERE kept_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
const FORGET_IDS: &str = "DELETE FROM external_ids WHERE (tenant, environment, external_id) IN \
    (SELECT tenant, environment, external_id FROM external_ids WHERE event < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// `Some`: it is dropped, and whether it held anything.
async fn drop_part(transaction: &mut PgConnection, part: Part, now: Timestamp) -> Result<Option<bool>, sqlx::Error> {
    if !locks::PURGE.try_take(transaction).await.unwrap_or(false) || is_needed(transaction, part, now).await? {
        return Ok(None);
    }
    transaction.execute("SET LOCAL lock_timeout = '300ms'").await?;
    let class = part.class;
    let parents = TABLES.map(|base| format!("ONLY {base}_{class}")).join(", ");
    transaction.execute(AssertSqlSafe(format!("LOCK TABLE {parents} IN ACCESS EXCLUSIVE MODE"))).await?;
    // Now that nobody can put in anything more: a replay, say.
    if is_needed(transaction, part, now).await? {
        return Ok(None);
    }
    let (events, deliveries) = (part.table("events"), part.table("deliveries"));
    let held = format!("SELECT EXISTS (SELECT FROM {events}) OR EXISTS (SELECT FROM {deliveries})");
    let held: bool = sqlx::query_scalar(AssertSqlSafe(held)).fetch_one(&mut *transaction).await?;
    let (from, to) = part.bounds();
    sqlx::query("DELETE FROM additions WHERE event >= $1 AND event < $2 AND class = $3")
        .bind(from)
        .bind(to)
        .bind(class)
        .execute(&mut *transaction)
        .await?;
    let tables = TABLES.map(|base| part.table(base)).join(", ");
    transaction.execute(AssertSqlSafe(format!("DROP TABLE {tables}"))).await?;
    Ok(Some(held))
}

async fn is_needed(connection: &mut PgConnection, part: Part, now: Timestamp) -> Result<bool, sqlx::Error> {
    let (from, to) = part.bounds();
    let row = sqlx::query(
        "SELECT EXISTS (SELECT FROM queue WHERE class = $1 AND (id >= $2 AND id < $3 OR event >= $2 AND event < $3)) \
         OR EXISTS (SELECT FROM deliveries WHERE class = $1 AND id >= $2 AND id < $3 AND status = $4 AND status <> 1 \
                    AND reason = $5 AND ended_at > $6) AS needed",
    )
    .bind(part.class)
    .bind(from)
    .bind(to)
    .bind(status_number(DeliveryStatus::Cancelled))
    .bind(EXPIRED)
    .bind(millis(shown_since(now)))
    .fetch_one(connection)
    .await?;
    row.try_get("needed")
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| BUSY.contains(&code.as_ref()))
}
