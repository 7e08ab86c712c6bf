//! Attempts as they are read back, and what they say of a webhook.

use sqlx::{QueryBuilder, Row as _};

use super::convert::{Columns, cause, int, millis};
use super::dialect::{Connection, Db, LIST_MAX, Row, indexed_by, push_in};
use crate::model::attempt::Attempt;
use crate::model::ids::{DeliveryId, WebhookId, floor_of};
use crate::model::time::Timestamp;
use crate::store::packed::{AttemptKey, damaged, unpack_attempt};
use crate::store::{Result, WebhookStats};

/// The most deliveries whose attempts make up a webhook's statistics.
const LOOKED_AT_MAX: i64 = 5_000;

pub(super) async fn of_delivery(connection: &mut Connection, delivery: DeliveryId) -> Result<Vec<Attempt>> {
    let rows = sqlx::query("SELECT * FROM attempts WHERE delivery = $1 ORDER BY number, fence")
        .bind(int(delivery.number()))
        .fetch_all(connection)
        .await?;
    rows.iter().map(attempt_of).collect()
}

fn attempt_of(row: &Row) -> Result<Attempt> {
    let key = AttemptKey {
        delivery: row.id("delivery")?,
        number: row.count("number")?,
        trigger: cause(row.raw("cause")?)?,
        started_at: row.time("started_at")?,
        ended_at: row.time("ended_at")?,
        next_at: row.maybe_time("next_at")?,
    };
    unpack_attempt(key, row.raw("detail")?, row.raw("response")?).map_err(|error| damaged("attempt", error))
}

/// Over exchanges (something was sent, or was to be): what a plugin dropped or broke says nothing of the receiver. Looks at the
/// newest [`LOOKED_AT_MAX`] deliveries in the log, and as many of those that wait for a retry.
pub(super) async fn stats(connection: &mut Connection, webhook: WebhookId, since: Timestamp) -> Result<WebhookStats> {
    let latest: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT id FROM (SELECT id FROM deliveries",
        indexed_by!("deliveries_by_webhook"),
        " WHERE webhook = $1 ORDER BY id DESC LIMIT $2) AS ended \
         UNION SELECT id FROM (SELECT id FROM queue",
        indexed_by!("queue_scheduled"),
        " WHERE webhook = $1 AND node IS NULL AND due_at IS NOT NULL ORDER BY id DESC LIMIT $2) AS scheduled \
         UNION SELECT id FROM (SELECT id FROM queue",
        indexed_by!("queue_waiting"),
        " WHERE webhook = $1 AND node IS NULL AND due_at IS NULL ORDER BY id DESC LIMIT $2) AS waiting",
    ))
    .bind(int(webhook.number()))
    .bind(LOOKED_AT_MAX)
    .fetch_all(&mut *connection)
    .await?;
    let (mut successes, mut took): (u64, Vec<u64>) = (0, Vec::new());
    for chunk in latest.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Db>::new("SELECT outcome, micros FROM attempts WHERE started_at >= ");
        query.push_bind(millis(since)).push(" AND cause <> 2 AND outcome <= 2 AND delivery");
        push_in(&mut query, chunk.iter().copied());
        for row in query.build().fetch_all(&mut *connection).await? {
            successes += u64::from(row.try_get::<i64, _>("outcome")? == 0);
            took.push(row.count("micros")?);
        }
    }
    took.sort_unstable();
    Ok(WebhookStats {
        attempts: u64::try_from(took.len()).unwrap_or(u64::MAX),
        successes,
        p50_ms: percentile(&took, 50),
        p95_ms: percentile(&took, 95),
        truncated: has_more(connection, webhook, since).await?,
    })
}

async fn has_more(connection: &mut Connection, webhook: WebhookId, since: Timestamp) -> Result<bool> {
    let beyond: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT id FROM deliveries",
        indexed_by!("deliveries_by_webhook"),
        " WHERE webhook = $1 ORDER BY id DESC LIMIT 1 OFFSET $2",
    ))
    .bind(int(webhook.number()))
    .bind(LOOKED_AT_MAX)
    .fetch_optional(connection)
    .await?;
    Ok(beyond.is_some_and(|id| id >= int(floor_of(since))))
}

/// The nearest-rank percentile of sorted microseconds, in milliseconds.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> Option<u32> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let micros = sorted.get(rank - 1)?;
    Some(u32::try_from(micros / 1000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let micros: Vec<u64> = (1..=100).map(|ms| ms * 1000).collect();
        assert_eq!(percentile(&micros, 50), Some(50));
        assert_eq!(percentile(&micros, 95), Some(95));
        assert_eq!(percentile(&micros[..1], 95), Some(1));
        assert_eq!(percentile(&[], 50), None);
    }
}
