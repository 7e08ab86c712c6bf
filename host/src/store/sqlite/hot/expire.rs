//! Retention's hot half: what was picked (`../purge.rs`) is ended or deleted, so many rows at a time, oldest first.
//!
//! Each kind of row goes by one statement for all of them. Whether an event may go is asked again here: a replay may have been made
//! since it was picked.

use std::sync::Arc;

use rusqlite::Row;

use super::Target;
use super::feed::{Cell, Rows};
use super::keys;
use crate::model::delivery::DeliveryStatus;
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::sqlite::convert::{int, millis, status_number};

pub(in crate::store::sqlite) const EXPIRED: &str = "expired";

/// What is to go, oldest first.
#[derive(Debug, Default)]
pub(in crate::store::sqlite) struct Expiring {
    /// Pending deliveries: they end as cancelled.
    pub(in crate::store::sqlite) pending: Vec<i64>,
    /// With all that hangs on them.
    pub(in crate::store::sqlite) events: Vec<i64>,
    /// Idempotency keys that were kept then or earlier are forgotten.
    pub(in crate::store::sqlite) keys_until: Timestamp,
    pub(in crate::store::sqlite) now: Timestamp,
    /// About the most rows that end, go or are forgotten.
    pub(in crate::store::sqlite) rows: usize,
}

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store::sqlite) struct Gone {
    /// Of all kinds.
    pub(in crate::store::sqlite) rows: usize,
    /// How many of those that were given are done with, or must stay for now.
    pub(in crate::store::sqlite) events: usize,
}

/// An event with one delivery and one attempt: so many rows are asked for at once, no matter what they turn out to be.
const ROWS_OF_MOST: usize = 3;

const END: &str = "INSERT OR REPLACE INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, last_status, \
    reason, revision, replay_of, ended_at) SELECT q.id, q.event, q.webhook, q.tenant, f.c1, q.cause, q.fence, q.attempts, \
    q.last_status, f.c2, q.revision, q.replay_of, f.c3 FROM feed AS f CROSS JOIN queue AS q ON q.id = f.c0 WHERE q.node IS NULL";
const TAKE_OUT: &str = "DELETE FROM queue WHERE node IS NULL AND id IN (SELECT c0 FROM feed)";

/// Those of these events that nothing is pending of, wherever it was made.
const FREE: &str = "SELECT e.id FROM feed AS f CROSS JOIN events AS e ON e.id = f.c0 \
    WHERE NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.event = e.id \
        AND (q.id BETWEEN e.first_delivery AND e.last_delivery \
             OR q.id IN (SELECT a.delivery FROM additions AS a WHERE a.event = e.id)))";
/// Their deliveries, event by event. As it stands, SQLite would rather make an index of its own for `d.event`.
const THEIRS: &str = "SELECT d.event, d.id, d.attempts \
    FROM feed AS f CROSS JOIN events AS e ON e.id = f.c0 CROSS JOIN deliveries AS d WHERE +d.event = e.id \
        AND (d.id BETWEEN e.first_delivery AND e.last_delivery \
             OR d.id IN (SELECT a.delivery FROM additions AS a WHERE a.event = e.id)) LIMIT ?";

/// Of deliveries, then of events.
const OF_DELIVERIES: &[&str] = &[
    "DELETE FROM attempts WHERE delivery IN (SELECT c0 FROM feed)",
    "DELETE FROM bodies WHERE delivery IN (SELECT c0 FROM feed)",
    "DELETE FROM deliveries WHERE id IN (SELECT c0 FROM feed)",
];
const OF_EVENTS: &[&str] = &[
    "DELETE FROM additions WHERE event IN (SELECT c0 FROM feed)",
    "DELETE FROM events WHERE id IN (SELECT c0 FROM feed)",
];

pub(super) fn expire(target: Target<'_>, expiring: &Expiring) -> Result<Gone> {
    let ended = end(target, expiring)?;
    if ended > 0 {
        return Ok(Gone { rows: ended, events: 0 });
    }
    let doomed = Doomed::pick(target, &expiring.events, expiring.rows)?;
    let (events, rows) = (doomed.looked_at, doomed.rows);
    doomed.delete(target)?;
    let keys = keys::forget(target, expiring.keys_until, expiring.rows.saturating_sub(rows))?;
    Ok(Gone { rows: rows + keys, events })
}

fn end(target: Target<'_>, expiring: &Expiring) -> Result<usize> {
    let (status, at) = (status_number(DeliveryStatus::Cancelled), millis(expiring.now));
    let reason: Arc<str> = EXPIRED.into();
    let row = |id: &i64| [Cell::from(*id), status.into(), Arc::clone(&reason).into(), at.into()];
    let pending: Arc<Rows<4>> = Arc::new(expiring.pending.iter().map(row).collect());
    target.insert(END, &pending)?;
    target.insert(TAKE_OUT, &pending)
}

/// What one transaction deletes.
#[derive(Default)]
struct Doomed {
    deliveries: Rows<1>,
    events: Rows<1>,
    rows: usize,
    /// Events that are done with, or must stay for now.
    looked_at: usize,
}

impl Doomed {
    /// At most so many rows; of the last event perhaps a part of its deliveries, and one of them in any case.
    fn pick(target: Target<'_>, events: &[i64], budget: usize) -> Result<Self> {
        let events = events.get(..events.len().min(budget / ROWS_OF_MOST + 1)).unwrap_or_default();
        let free: Vec<i64> = target.select(FREE, (&list(events), &[]), |row| row.get(0))?;
        let limit = int(u64::try_from(budget).unwrap_or(u64::MAX)).saturating_add(1);
        let theirs = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, u32>(2)? as usize));
        let mut theirs = target.select(THEIRS, (&list(&free), &[&limit]), theirs)?.into_iter().peekable();
        let mut doomed = Self { looked_at: events.len(), ..Self::default() };
        for event in free {
            while let Some((_, delivery, attempts)) = theirs.next_if(|of| of.0 == event) {
                // Itself, its attempts, and perhaps a body; and its event must fit too.
                let weight = 2 + attempts;
                if !doomed.deliveries.is_empty() && doomed.rows + weight + 1 > budget {
                    doomed.looked_at = events.iter().position(|id| *id == event).unwrap_or_default();
                    return Ok(doomed);
                }
                doomed.rows += weight;
                doomed.deliveries.push([delivery.into()]);
            }
            doomed.rows += 1;
            doomed.events.push([event.into()]);
            if doomed.rows >= budget {
                doomed.looked_at = events.iter().position(|id| *id == event).map_or(0, |at| at + 1);
                return Ok(doomed);
            }
        }
        Ok(doomed)
    }

    fn delete(self, target: Target<'_>) -> Result<()> {
        for (statements, rows) in [(OF_DELIVERIES, self.deliveries), (OF_EVENTS, self.events)] {
            let rows = Arc::new(rows);
            for statement in statements {
                target.insert(statement, &rows)?;
            }
        }
        Ok(())
    }
}

fn list(ids: &[i64]) -> Arc<Rows<1>> {
    Arc::new(ids.iter().map(|id| [Cell::from(*id)]).collect())
}
