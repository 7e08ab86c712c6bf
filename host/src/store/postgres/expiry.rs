//! Retention: what still waits when its event expires ends as `cancelled`, and is shown for another day; then its day is dropped
//! ([`super::days`]). The keys of a day are forgotten by emptying its table
//! ([`super::slots`]), callers' ids row by row: they live in tables of their own.
//!
//! Of several nodes one does it at a time. Nothing of it need be durable: what a crash undoes is done again.

use std::sync::atomic::Ordering;

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};

use super::PostgresStore;
use super::claims::{CANCEL, bind_cancel};
use super::convert::int;
use super::days::{self, EXPIRED};
use super::partitions::{Part, cutoff};
use super::{locks, slots};
use crate::model::ids::floor_of;
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::admission::WINDOW;
use crate::store::{Purged, Result};

impl PostgresStore {
    /// Counts rows that ended or were forgotten, and days that were dropped and weren't empty.
    pub(super) async fn purge_expired(&self, now: Timestamp, max_rows: u32) -> Result<Purged> {
        let mut connection = self.writers.acquire().await?;
        self.shared.partitions.make_ahead(&mut connection, now).await?;
        let mut budget = i64::from(max_rows);
        for class in Retention::ALL.map(|class| i64::from(class.days())) {
            budget -= self.cancel_expired(&mut connection, (class, now), budget).await?;
        }
        budget -= self.forget_ids(&mut connection, now, budget).await?;
        budget -= self.forget_keys(&mut connection, now).await?;
        let over = days::over(&mut connection, now).await?;
        drop(connection);
        let dropped = if over.is_empty() { 0 } else { self.shared.drop_days(&over, now).await? };
        Ok(Purged { rows: (i64::from(max_rows) - budget).unsigned_abs() + dropped, more: budget <= 0 })
    }

    async fn cancel_expired(
        &self,
        connection: &mut PgConnection,
        (class, now): (i64, Timestamp),
        budget: i64,
    ) -> Result<i64> {
        if budget <= 0 {
            return Ok(0);
        }
        let mut transaction = connection.begin().await?;
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

    /// The keys of a day, all at once; 1 if there were any.
    async fn forget_keys(&self, connection: &mut PgConnection, now: Timestamp) -> Result<i64> {
        let Some(slot) = slots::emptied(now) else { return Ok(0) };
        let any = format!("SELECT EXISTS (SELECT FROM idempotency_keys_{slot})");
        if !sqlx::query_scalar::<_, bool>(AssertSqlSafe(any)).fetch_one(&mut *connection).await? {
            return Ok(0);
        }
        let mut transaction = connection.begin().await?;
        if !locks::PURGE.try_take(&mut transaction).await? {
            return Ok(0);
        }
        transaction.execute(PATIENCE).await?;
        match transaction.execute(AssertSqlSafe(format!("TRUNCATE idempotency_keys_{slot}"))).await {
            Ok(_) => transaction.commit().await?,
            Err(error) if days::is_busy(&error) => {
                tracing::debug!(slot, "keys that are forgotten are being read: their table is emptied later");
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(1)
    }

    async fn forget_ids(&self, connection: &mut PgConnection, now: Timestamp, budget: i64) -> Result<i64> {
        let mut transaction = connection.begin().await?;
        if !locks::PURGE.try_take(&mut transaction).await? {
            return Ok(0);
        }
        transaction.execute("SET LOCAL synchronous_commit = off").await?;
        let budget = budget.max(0);
        let reached = self.forgotten.load(Ordering::Relaxed);
        let query = sqlx::query_as(FORGET_IDS).bind(int(floor_of(now.minus(WINDOW)))).bind(budget).bind(reached);
        let (rows, newest): (i64, Option<i64>) = query.fetch_one(&mut *transaction).await?;
        // What somebody held meanwhile is met when it begins from the first one again.
        self.forgotten.store(newest.filter(|_| rows == budget).unwrap_or(i64::MIN), Ordering::Relaxed);
        transaction.commit().await?;
        Ok(rows)
    }
}

/// Whoever posts waits behind whoever waits for the table.
const PATIENCE: &str = "SET LOCAL lock_timeout = '50ms'";

// One that somebody is about to take again is left alone. In the order of age, so that the index is used and not the whole table read;
// by the row's place, so that what was found there isn't looked up again.
const FORGET_IDS: &str = "WITH gone AS (DELETE FROM external_ids WHERE ctid = ANY (ARRAY \
    (SELECT ctid FROM external_ids WHERE event >= $3 AND event < $1 ORDER BY event LIMIT $2 FOR UPDATE SKIP LOCKED)) \
    RETURNING event AS age) SELECT count(*), max(age) FROM gone";
