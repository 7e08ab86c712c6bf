//! Claims: rows of the queue that nobody has in hand come into this process's, with all that an attempt needs.
//!
//! Here and not on a connection of its own, since the rows are at hand in this one's cache, and a row costs what SQLite costs. An event
//! is read once for all rows of a claim. A claim needn't be durable: all are void after a restart.

use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use rusqlite::{OptionalExtension as _, Row, ToSql, params};

use super::Target;
use super::feed::{Cell, Rows};
use super::row::{EVENT_COLUMNS, event_of};
use crate::model::delivery::{Claimed, Fixed, FixedBody};
use crate::model::event::Event;
use crate::model::ids::{DeliveryId, RevisionId, WebhookId};
use crate::model::time::Timestamp;
use crate::store::packed::{damaged, unpack_body};
use crate::store::sqlite::NODE;
use crate::store::sqlite::convert::{cause, int, millis};
use crate::store::{Budget, Result, Taken};

/// Which rows.
pub(in crate::store::sqlite) enum Claiming {
    /// Scheduled for this time or earlier, the oldest first.
    Due { now: Timestamp, most: u32 },
    /// Waiting for these webhooks: at most so many for each, in the order of acceptance, and no more data than so much.
    Waiting { wanted: Vec<(WebhookId, u32)>, bytes: usize },
}

macro_rules! queue {
    ($condition:literal) => {
        concat!("SELECT id, event, webhook, fence, attempts, cause, revision, replay_of FROM queue ", $condition)
    };
}

const DUE: &str = queue!(
    "INDEXED BY queue_due WHERE node IS NULL AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?"
);
const WAITING: &str = queue!(
    "INDEXED BY queue_waiting WHERE node IS NULL AND due_at IS NULL AND webhook = ? AND id < ? ORDER BY id LIMIT ?"
);
const FIRST_SCHEDULED: &str = "SELECT min(id) FROM queue INDEXED BY queue_scheduled \
    WHERE node IS NULL AND due_at IS NOT NULL AND webhook = ?";
const TAKE: &str = "UPDATE queue SET fence = fence + 1, node = c1 FROM feed WHERE id = c0";
static EVENT: LazyLock<String> = LazyLock::new(|| format!("SELECT {EVENT_COLUMNS} FROM events WHERE id = ?"));
const BODY: &str = "SELECT draft, body FROM bodies WHERE delivery = ?";

/// A row as it was before.
struct Found {
    id: i64,
    event: i64,
    webhook: i64,
    fence: u32,
    attempts: u32,
    cause: i64,
    revision: Option<i64>,
    replay_of: Option<i64>,
}

pub(super) fn claim(target: Target<'_>, claiming: &Claiming) -> Result<Taken> {
    let mut found = Vec::new();
    match claiming {
        Claiming::Due { now, most } => {
            find(target, DUE, &[&millis(*now), most], &mut found)?;
            take(target, &found, usize::MAX)
        }
        Claiming::Waiting { wanted, bytes } => {
            for (webhook, most) in wanted {
                find(target, WAITING, &[&int(webhook.number()), &i64::MAX, most], &mut found)?;
            }
            found.sort_unstable_by_key(|row| row.id);
            take(target, &found, *bytes)
        }
    }
}

/// Nothing that comes after one that is scheduled for another attempt; and whether there is one.
pub(super) fn claim_in_order(target: Target<'_>, (webhook, most): (WebhookId, u32)) -> Result<(Vec<Claimed>, bool)> {
    let webhook = int(webhook.number());
    let mut first = target.connection.prepare_cached(FIRST_SCHEDULED)?;
    let scheduled: Option<i64> = first.query_row([webhook], |row| row.get(0))?;
    let mut found = Vec::new();
    find(target, WAITING, &[&webhook, &scheduled.unwrap_or(i64::MAX), &most], &mut found)?;
    Ok((take(target, &found, usize::MAX)?.claimed, scheduled.is_some()))
}

fn find(target: Target<'_>, query: &str, parameters: &[&dyn ToSql], found: &mut Vec<Found>) -> Result<()> {
    let mut query = target.connection.prepare_cached(query)?;
    let mut rows = query.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(Found {
            id: row.get(0)?,
            event: row.get(1)?,
            webhook: row.get(2)?,
            fence: row.get(3)?,
            attempts: row.get(4)?,
            cause: row.get(5)?,
            revision: row.get(6)?,
            replay_of: row.get(7)?,
        });
    }
    Ok(())
}

/// The first ones, until their data is more than `bytes`.
fn take(target: Target<'_>, found: &[Found], bytes: usize) -> Result<Taken> {
    let node = Cell::from(i64::from(NODE.0));
    let mut rows: Rows<2> = Vec::with_capacity(found.len());
    let mut events: HashMap<i64, Option<Arc<Event>>> = HashMap::new();
    let (mut claimed, mut budget) = (Vec::with_capacity(found.len()), Budget::of(bytes));
    for row in found {
        let event = match events.get(&row.event) {
            Some(known) => known.clone(),
            None => events.entry(row.event).or_insert(event(target, row.event)?).clone(),
        };
        if !budget.allows(event.as_ref().map_or(0, |event| event.data.bytes.len())) {
            break;
        }
        rows.push([row.id.into(), node.clone()]);
        match event {
            Some(event) => claimed.push(row.claimed(target, event)?),
            // Purge never drops an event with a queue row: the file was changed by hand. One such row mustn't stop the others.
            None => {
                let id = DeliveryId::from(row.id.unsigned_abs());
                tracing::error!(%id, "a delivery's event is gone; it stays where it is");
            }
        }
    }
    let too_large = rows.len() < found.len();
    target.insert(TAKE, &Arc::new(rows))?;
    Ok(Taken { claimed, too_large })
}

fn event(target: Target<'_>, id: i64) -> Result<Option<Arc<Event>>> {
    let mut query = target.connection.prepare_cached(&EVENT)?;
    let mut rows = query.query([id])?;
    rows.next()?.map(|row: &Row<'_>| event_of(row).map(Arc::new)).transpose()
}

impl Found {
    fn claimed(&self, target: Target<'_>, event: Arc<Event>) -> Result<Claimed> {
        Ok(Claimed {
            id: self.id.unsigned_abs().into(),
            event,
            webhook: self.webhook.unsigned_abs().into(),
            attempts: self.attempts,
            trigger: cause(self.cause)?,
            replay_of: self.replay_of.map(|id| id.unsigned_abs().into()),
            fixed: self.revision.map(|revision| self.fixed(target, revision)).transpose()?,
            fence: self.fence + 1,
        })
    }

    /// What the first attempt fixed.
    fn fixed(&self, target: Target<'_>, revision: i64) -> Result<Fixed> {
        let mut query = target.connection.prepare_cached(BODY)?;
        let made: Option<(Option<String>, Vec<u8>)> =
            query.query_row(params![self.id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let body = match made {
            Some((draft, body)) => unpack_body(draft.as_deref(), &body).map_err(|error| damaged("body", error))?,
            None => FixedBody::Rebuilt,
        };
        Ok(Fixed { revision: RevisionId::from(revision.unsigned_abs()), body })
    }
}
