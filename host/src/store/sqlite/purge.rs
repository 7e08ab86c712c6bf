//! Retention: events go with their deliveries, attempts and bodies, a bounded number of rows a transaction, so that the one writer
//! is never held up for long. What has expired is picked here, beside the writer; it goes in the writer's turn ([`super::hot`]).
//!
//! Nothing pending is dropped: a delivery that still waits when its event expires ends as `cancelled` first, and stays in the log
//! for another day. One that is in a node's hands, or was made later than its event, keeps the event until it ends or expires.

use std::collections::VecDeque;
use std::time::Duration;

use sqlx::SqliteConnection;

use super::SqliteStore;
use super::convert::{Columns, int, millis};
use super::hot::{EXPIRED, Errand, Expiring};
use crate::model::ids::floor_of;
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::admission::WINDOW;
use crate::store::{Purged, Result};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Events that are picked at once, for several transactions.
const PICKED: usize = 2048;

/// What has expired of a tenant that nobody has in hand.
const PENDING: &str = "SELECT id FROM queue WHERE id < $1 AND tenant = $2 AND node IS NULL ORDER BY id LIMIT $3";
/// What has expired of a tenant and may go: an event that something is pending of, or was until a day ago, stays for now.
const EVENTS: &str = "SELECT e.id FROM events AS e INDEXED BY events_by_tenant WHERE e.tenant = $1 AND e.id < $2 \
    AND NOT EXISTS (SELECT 1 FROM queue AS d WHERE d.event = e.id AND (d.id BETWEEN e.first_delivery AND e.last_delivery \
        OR d.id IN (SELECT delivery FROM additions WHERE event = e.id))) \
    AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = e.id AND (d.id BETWEEN e.first_delivery AND e.last_delivery \
        OR d.id IN (SELECT delivery FROM additions WHERE event = e.id)) AND d.ended_at > $3 AND d.reason = $4) \
    ORDER BY e.id LIMIT $5";

/// Picked, and not gone yet. What is lost of it is picked again.
#[derive(Debug, Default)]
pub(super) struct Picked {
    pending: VecDeque<i64>,
    events: VecDeque<i64>,
}

/// A tenant with the id below which its events have expired.
type Cutoff = (String, i64);

impl SqliteStore {
    pub(super) async fn purge_expired(&self, now: Timestamp, max_rows: u32) -> Result<Purged> {
        let rows = usize::try_from(max_rows).unwrap_or(usize::MAX);
        let mut picked = self.picked.lock().await;
        if picked.is_empty() {
            *picked = self.pick(now, rows).await?;
        }
        let (expiring, only_keys) = (picked.first(now, rows), picked.is_empty());
        let pending = expiring.pending.len();
        let gone = self.writer.run(|answer| Errand::Expire(expiring, answer)).await?;
        picked.forget(pending, gone.events);
        Ok(Purged { rows: u64::try_from(gone.rows).unwrap_or(u64::MAX), more: !only_keys || gone.rows >= rows })
    }

    async fn pick(&self, now: Timestamp, most: usize) -> Result<Picked> {
        let (mut picked, mut reader) = (Picked::default(), self.readers.acquire().await?);
        for cutoff in cutoffs(&mut reader, now).await? {
            let room = most.saturating_sub(picked.pending.len());
            picked.pending.extend(pending(&mut reader, &cutoff, room).await?);
            let room = PICKED.saturating_sub(picked.events.len());
            picked.events.extend(events(&mut reader, &cutoff, (now, room)).await?);
        }
        Ok(picked)
    }
}

impl Picked {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.events.is_empty()
    }

    /// As many as `rows` at least.
    fn first(&self, now: Timestamp, rows: usize) -> Expiring {
        let some = |of: &VecDeque<i64>| of.iter().take(rows).copied().collect();
        Expiring { pending: some(&self.pending), events: some(&self.events), keys_until: now.minus(WINDOW), now, rows }
    }

    fn forget(&mut self, pending: usize, events: usize) {
        self.pending.drain(..pending.min(self.pending.len()));
        self.events.drain(..events.min(self.events.len()));
    }
}

/// Tenants that have something that has expired.
async fn cutoffs(reader: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Cutoff>> {
    let rows = sqlx::query(
        "WITH RECURSIVE present (tenant) AS ( \
           SELECT min(tenant) FROM events \
           UNION ALL SELECT (SELECT min(tenant) FROM events WHERE tenant > present.tenant) \
           FROM present WHERE present.tenant IS NOT NULL) \
         SELECT present.tenant, tenants.retention, (SELECT min(id) FROM events WHERE tenant = present.tenant) AS oldest \
         FROM present LEFT JOIN tenants ON tenants.name = present.tenant WHERE present.tenant IS NOT NULL",
    )
    .fetch_all(reader)
    .await?;
    let mut cutoffs = Vec::new();
    for row in rows {
        let days = row.maybe_count("retention")?.unwrap_or(Retention::default().days().into());
        let cutoff = int(floor_of(now.minus(DAY * days)));
        if row.raw::<i64>("oldest")? < cutoff {
            cutoffs.push((row.raw("tenant")?, cutoff));
        }
    }
    Ok(cutoffs)
}

async fn pending(reader: &mut SqliteConnection, (tenant, cutoff): &Cutoff, most: usize) -> Result<Vec<i64>> {
    let query = sqlx::query_scalar(PENDING).bind(cutoff).bind(tenant).bind(limit(most));
    Ok(query.fetch_all(reader).await?)
}

async fn events(
    reader: &mut SqliteConnection,
    (tenant, cutoff): &Cutoff,
    (now, most): (Timestamp, usize),
) -> Result<Vec<i64>> {
    let query = sqlx::query_scalar(EVENTS).bind(tenant).bind(cutoff);
    let query = query.bind(millis(now.minus(DAY))).bind(EXPIRED).bind(limit(most));
    Ok(query.fetch_all(reader).await?)
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
