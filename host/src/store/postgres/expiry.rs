//! Retention: what still waits when its event expires ends as `cancelled`, and is shown for another day; then its day is dropped
//! ([`super::days`]). Keys and callers' ids are forgotten row by row: they live in tables of their own.
//!
//! Of several nodes one does it at a time. Nothing of it need be durable: what a crash undoes is done again.

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
        budget -= forget(&mut connection, now, budget).await?;
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
}

// One that somebody is about to take again is left alone.
const FORGET_KEYS: &str = "DELETE FROM idempotency_keys WHERE scope IN \
    (SELECT scope FROM idempotency_keys WHERE kept_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
const FORGET_IDS: &str = "DELETE FROM external_ids WHERE (tenant, environment, external_id) IN \
    (SELECT tenant, environment, external_id FROM external_ids WHERE event < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

async fn forget(connection: &mut PgConnection, now: Timestamp, budget: i64) -> Result<i64> {
    let mut transaction = connection.begin().await?;
    if !locks::PURGE.try_take(&mut transaction).await? {
        return Ok(0);
    }
    transaction.execute("SET LOCAL synchronous_commit = off").await?;
    let (since, mut forgotten) = (now.minus(WINDOW), 0);
    for (delete, before) in [(FORGET_KEYS, millis(since)), (FORGET_IDS, int(floor_of(since)))] {
        let query = sqlx::query(delete).bind(before).bind((budget - forgotten).max(0));
        forgotten += int(query.execute(&mut *transaction).await?.rows_affected());
    }
    transaction.commit().await?;
    Ok(forgotten)
}
