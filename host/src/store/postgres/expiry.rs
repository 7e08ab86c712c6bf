//! Retention: what still waits when its event expires ends as `cancelled`, and is shown for another day; then its day is dropped
//! ([`super::days`]). Keys and callers' ids are forgotten row by row: they live in tables of their own.
//!
//! Of several nodes one does it at a time. Nothing of it need be durable: what a crash undoes is done again.

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Connection as _, Executor, PgConnection};

use super::PostgresStore;
use super::claims::{CANCEL, bind_cancel};
use super::convert::{int, millis};
use super::days::{self, EXPIRED};
use super::locks;
use super::partitions::{Part, cutoff};
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
        budget -= self.forget(&mut connection, now, budget).await?;
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

    async fn forget(&self, connection: &mut PgConnection, now: Timestamp, budget: i64) -> Result<i64> {
        let mut transaction = connection.begin().await?;
        if !locks::PURGE.try_take(&mut transaction).await? {
            return Ok(0);
        }
        transaction.execute("SET LOCAL synchronous_commit = off").await?;
        let (since, mut forgotten) = (now.minus(WINDOW), 0);
        let kinds = [
            (FORGET_KEYS, millis(since), &self.forgotten.keys),
            (FORGET_IDS, int(floor_of(since)), &self.forgotten.ids),
        ];
        for (delete, before, reached) in kinds {
            let left = (budget - forgotten).max(0);
            let query = sqlx::query_as(delete).bind(before).bind(left).bind(reached.load(Ordering::Relaxed));
            let (rows, newest): (i64, Option<i64>) = query.fetch_one(&mut *transaction).await?;
            // What somebody held meanwhile is met when it begins from the first one again.
            reached.store(newest.filter(|_| rows == left).unwrap_or(i64::MIN), Ordering::Relaxed);
            forgotten += rows;
        }
        transaction.commit().await?;
        Ok(forgotten)
    }
}

/// Up to which age the last step came. The next one goes on from there: an index still leads to what was deleted until it is vacuumed.
#[derive(Debug)]
pub(super) struct Forgotten {
    keys: AtomicI64,
    ids: AtomicI64,
}

impl Default for Forgotten {
    fn default() -> Self {
        Self { keys: AtomicI64::new(i64::MIN), ids: AtomicI64::new(i64::MIN) }
    }
}

// One that somebody is about to take again is left alone. In the order of age, so that the index is used and not the whole table read;
// by the row's place, so that what was found there isn't looked up again.
const FORGET_KEYS: &str = "WITH gone AS (DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY \
    (SELECT ctid FROM idempotency_keys WHERE kept_at BETWEEN $3 AND $1 ORDER BY kept_at LIMIT $2 FOR UPDATE SKIP LOCKED)) \
    RETURNING kept_at AS age) SELECT count(*), max(age) FROM gone";
const FORGET_IDS: &str = "WITH gone AS (DELETE FROM external_ids WHERE ctid = ANY (ARRAY \
    (SELECT ctid FROM external_ids WHERE event >= $3 AND event < $1 ORDER BY event LIMIT $2 FOR UPDATE SKIP LOCKED)) \
    RETURNING event AS age) SELECT count(*), max(age) FROM gone";
