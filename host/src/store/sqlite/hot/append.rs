//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group.

use std::sync::{Arc, LazyLock};

use rusqlite::{CachedStatement, Connection, params};

use super::keys::{self, Changes, Keys};
use super::row::{EVENT_COLUMNS, event_of};
use crate::model::event::{ContentType, Event};
use crate::model::ids::floor_of;
use crate::store::admission::{External, FirstEvent, Known, WINDOW, external_of};
use crate::store::sqlite::claims::starting;
use crate::store::sqlite::convert::{cause_number, int, millis};
use crate::store::{Appended, NewBatch, NewDelivery, NewEvent, Result};

const EVENT: &str = "INSERT INTO events (id, tenant, environment, type, occurred_at, content_type, external_id, \
    deliveries, first_delivery, last_delivery, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const QUEUE: &str = "INSERT INTO queue (id, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)";

/// The newest of its tenant and environment; another's event may bear the same id, and isn't even loaded.
static KNOWN_EVENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {EVENT_COLUMNS}, deliveries FROM events WHERE external_id = ? AND id >= ? AND tenant = ? \
         AND environment = ? ORDER BY id DESC LIMIT 1"
    )
});

/// One transaction's statements.
struct Statements<'c> {
    event: CachedStatement<'c>,
    queue: CachedStatement<'c>,
    keys: keys::Statements<'c>,
}

pub(super) fn append(
    transaction: &Connection,
    batches: &[NewBatch],
    keys: &Keys,
    changes: &mut Changes,
) -> Result<Vec<Appended>> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut statements = Statements {
        event: transaction.prepare_cached(EVENT)?,
        queue: transaction.prepare_cached(QUEUE)?,
        keys: keys::Statements::new(transaction)?,
    };
    let mut known = Known::default();
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        // What was kept before this group; of the group itself, `known` remembers.
        if let Some(claim) = &batch.idempotency
            && let Some(kept) = keys.find(&mut statements.keys, claim, batch.now)?
        {
            known.add_key(claim.scope, kept);
        }
        look_up_events(transaction, batch, &mut known)?;
        let answer = known.admit(batch);
        if answer == Appended::Stored {
            statements.insert(batch)?;
            statements.keys.append(batch, changes)?;
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn look_up_events(transaction: &Connection, batch: &NewBatch, known: &mut Known) -> Result<()> {
    for external in batch.events.iter().filter_map(|new| external_of(&new.event)) {
        let oldest = int(floor_of(batch.now.minus(WINDOW)));
        if let Some(first) = first_event(transaction, &external, oldest)? {
            known.add_event(first);
        }
    }
    Ok(())
}

fn first_event(transaction: &Connection, external: &External, oldest: i64) -> Result<Option<FirstEvent>> {
    let (tenant, environment, id) = external;
    let mut statement = transaction.prepare_cached(&KNOWN_EVENT)?;
    let mut rows = statement.query(params![&**id, oldest, tenant.as_str(), environment.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(FirstEvent { event: Arc::new(event_of(row)?), deliveries: row.get("deliveries")? }))
}

impl Statements<'_> {
    fn insert(&mut self, batch: &NewBatch) -> Result<()> {
        for new in &batch.events {
            self.insert_event(new)?;
            for delivery in &new.deliveries {
                self.insert_delivery(&new.event, delivery)?;
            }
        }
        Ok(())
    }

    fn insert_event(&mut self, new: &NewEvent) -> Result<()> {
        let event = &*new.event;
        let content_type = match &event.data.content_type {
            ContentType::Json => None,
            ContentType::Other(name) => Some(&**name),
        };
        let ids = || new.deliveries.iter().map(|delivery| int(delivery.id.number()));
        self.event.execute(params![
            int(event.id.number()),
            event.tenant.as_str(),
            event.environment.as_str(),
            event.event_type.as_str(),
            millis(event.occurred_at),
            content_type,
            event.external_id.as_deref(),
            i64::try_from(new.deliveries.len()).unwrap_or(i64::MAX),
            ids().min(),
            ids().max(),
            &*event.data.bytes,
        ])?;
        Ok(())
    }

    fn insert_delivery(&mut self, event: &Event, delivery: &NewDelivery) -> Result<()> {
        let (node, due_at, fence) = starting(delivery.start);
        self.queue.execute(params![
            int(delivery.id.number()),
            int(event.id.number()),
            int(delivery.webhook.number()),
            event.tenant.as_str(),
            node,
            due_at,
            fence,
            cause_number(delivery.trigger),
            delivery.replay_of.map(|id| int(id.number())),
        ])?;
        Ok(())
    }
}
