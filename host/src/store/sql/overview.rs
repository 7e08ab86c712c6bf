//! How things stand, from the newest rows of each table: nothing here looks at more than [`SCAN_MAX`] of one.

use std::time::Duration;

use sqlx::QueryBuilder;

use super::attempts::percentile;
use super::convert::{Columns, int, status};
use super::dialect::{ANY_END, ANY_OF, Connection, Db, indexed_by};
use crate::model::delivery::DeliveryStatus;
use crate::model::ids::{DeliveryId, floor_of};
use crate::model::name::Tenant;
use crate::model::page::SCAN_MAX;
use crate::model::time::Timestamp;
use crate::store::{HourCount, Overview, QueueDepth, Result};

/// Whose rows, and from when on.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) tenant: Option<&'a Tenant>,
    pub(super) since: Timestamp,
}

pub(super) async fn of(reader: &mut Connection, asked: Asked<'_>) -> Result<Overview> {
    let (queue, queue_truncated) = queue(reader, asked.tenant).await?;
    let (mut hours, truncated) = ended(reader, asked).await?;
    hours.extend(pending(reader, asked).await?);
    let mut took = took(reader, asked).await?;
    took.sort_unstable();
    Ok(Overview {
        queue,
        queue_truncated,
        hours,
        truncated,
        attempts: u64::try_from(took.len()).unwrap_or(u64::MAX),
        p50_ms: percentile(&took, 50),
        p95_ms: percentile(&took, 95),
    })
}

async fn queue(reader: &mut Connection, tenant: Option<&Tenant>) -> Result<(QueueDepth, bool)> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT count(*) AS total, min(q.id) AS oldest, \
         CAST(coalesce(sum(CASE WHEN q.node IS NULL AND q.due_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS scheduled, \
         CAST(coalesce(sum(CASE WHEN q.node IS NULL AND q.due_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS waiting, \
         (SELECT count(*) FROM (SELECT 1 FROM queue LIMIT ",
    );
    query.push_bind(i64::from(SCAN_MAX)).push(
        ") AS looked) AS looked_at FROM (SELECT r.id, r.node, r.due_at, r.tenant FROM queue AS r ORDER BY r.id LIMIT ",
    );
    query.push_bind(i64::from(SCAN_MAX)).push(") AS q");
    if let Some(tenant) = tenant {
        query.push(" WHERE q.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    let row = query.build().fetch_one(reader).await?;
    let (total, scheduled, waiting): (u64, u64, u64) =
        (row.count("total")?, row.count("scheduled")?, row.count("waiting")?);
    let claimed = total.saturating_sub(scheduled).saturating_sub(waiting);
    let oldest = row.maybe_id("oldest")?.map(DeliveryId::time);
    Ok((QueueDepth { claimed, scheduled, waiting, oldest }, row.count::<u32>("looked_at")? >= SCAN_MAX))
}

/// Of the log. One that was taken back for a manual retry is pending.
async fn ended(reader: &mut Connection, asked: Asked<'_>) -> Result<(Vec<HourCount>, bool)> {
    let mut query = begun(asked);
    query.push(
        ", d.status, count(*) AS looked_at, CAST(sum(CASE WHEN d.cause <> 2 \
         AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.id = d.id) THEN 1 ELSE 0 END) AS BIGINT) AS counted \
         FROM (SELECT r.id, r.status, r.cause FROM deliveries AS r",
    );
    write_newest(&mut query, asked, SCAN_MAX);
    query.push(") AS d GROUP BY 1, 2");
    let (mut hours, mut looked_at) = (Vec::new(), 0_u64);
    for row in query.build().fetch_all(reader).await? {
        looked_at += row.count::<u64>("looked_at")?;
        let (hour, status) = (row.count("hour")?, status(row.raw("status")?)?);
        hours.push(HourCount { hour, status, count: row.count("counted")? });
    }
    hours.retain(|each| each.count > 0);
    Ok((hours, looked_at >= u64::from(SCAN_MAX)))
}

async fn pending(reader: &mut Connection, asked: Asked<'_>) -> Result<Vec<HourCount>> {
    let mut query = begun(asked);
    query.push(", count(*) AS counted FROM (SELECT r.id, r.cause, r.tenant FROM queue AS r WHERE r.id >= ");
    query.push_bind(int(floor_of(asked.since))).push(" ORDER BY r.id DESC LIMIT ");
    query.push_bind(i64::from(SCAN_MAX)).push(") AS d WHERE d.cause <> 2");
    if let Some(tenant) = asked.tenant {
        query.push(" AND d.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    query.push(" GROUP BY 1");
    let mut hours = Vec::new();
    for row in query.build().fetch_all(reader).await? {
        hours.push(HourCount {
            hour: row.count("hour")?,
            status: DeliveryStatus::Pending,
            count: row.count("counted")?,
        });
    }
    Ok(hours)
}

/// Microseconds of each exchange.
async fn took(reader: &mut Connection, asked: Asked<'_>) -> Result<Vec<u64>> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT a.micros FROM attempts AS a WHERE a.cause <> 2 AND a.outcome <= 2 AND a.delivery",
    );
    query.push(ANY_OF).push("SELECT d.id FROM (SELECT r.id FROM deliveries AS r");
    write_newest(&mut query, asked, Overview::TIMED_MAX);
    query.push(") AS d").push(ANY_END);
    query.build().fetch_all(reader).await?.iter().map(|row| row.count("micros")).collect()
}

/// The hour of a row `d`, told by its id.
fn begun(asked: Asked<'_>) -> QueryBuilder<Db> {
    let first = floor_of(asked.since);
    let hour = floor_of(asked.since.plus(Duration::from_secs(3600))) - first;
    let mut query = QueryBuilder::<Db>::new("SELECT (d.id - ");
    query.push_bind(int(first)).push(") / ").push_bind(int(hour.max(1))).push(" AS hour");
    query
}

fn write_newest(query: &mut QueryBuilder<Db>, asked: Asked<'_>, limit: u32) {
    if asked.tenant.is_some() {
        query.push(indexed_by!("deliveries_by_tenant"));
    }
    query.push(" WHERE r.id >= ").push_bind(int(floor_of(asked.since)));
    if let Some(tenant) = asked.tenant {
        query.push(" AND r.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    query.push(" ORDER BY r.id DESC LIMIT ").push_bind(i64::from(limit));
}
