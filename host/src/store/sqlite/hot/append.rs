//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group.

use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, params};

use super::Target;
use super::feed::{Cell, Rows};
use super::keys::{self, Changes, Keys, Lookup};
use super::row::{EVENT_COLUMNS, event_of};
use crate::model::event::{ContentType, Event};
use crate::model::ids::floor_of;
use crate::store::admission::{External, FirstEvent, Known, WINDOW, external_of};
use crate::store::sqlite::claims::starting;
use crate::store::sqlite::convert::{cause_number, int, millis};
use crate::store::{Appended, NewBatch, NewDelivery, NewEvent, Result};

// `OR FAIL`: the transaction is given up after any failure, so SQLite needn't keep copies of pages to undo the one statement.
const EVENTS: &str = "INSERT OR FAIL INTO events (id, tenant, environment, type, occurred_at, content_type, external_id, \
    deliveries, first_delivery, last_delivery, data) SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 FROM feed";

const QUEUE: &str = "INSERT OR FAIL INTO queue (id, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
    SELECT c0, c1, c2, c3, c4, c5, c6, 0, c7, c8 FROM feed";

/// The newest of its tenant and environment; another's event may bear the same id, and isn't even loaded.
static KNOWN_EVENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {EVENT_COLUMNS}, deliveries FROM events WHERE external_id = ? AND id >= ? AND tenant = ? \
         AND environment = ? ORDER BY id DESC LIMIT 1"
    )
});

/// What of a group is to be written.
#[derive(Default)]
struct Fresh {
    events: Rows<11>,
    queue: Rows<9>,
    keys: Rows<5>,
}

pub(super) fn append(
    target: Target<'_>,
    batches: &[NewBatch],
    keys: &Keys,
    changes: &mut Changes,
) -> Result<Vec<Appended>> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut lookup = Lookup::new(target.connection)?;
    let (mut known, mut fresh) = (Known::default(), Fresh::default());
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        // What was kept before this group; of the group itself, `known` remembers.
        if let Some(claim) = &batch.idempotency
            && let Some(kept) = keys.find(&mut lookup, claim, batch.now)?
        {
            known.add_key(claim.scope, kept);
        }
        look_up_events(target.connection, batch, &mut known)?;
        let answer = known.admit(batch);
        if answer == Appended::Stored {
            fresh.add(batch);
            fresh.keys.extend(keys.row(batch, changes));
        }
        answers.push(answer);
    }
    fresh.write(target)?;
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

impl Fresh {
    fn add(&mut self, batch: &NewBatch) {
        for new in &batch.events {
            self.events.push(event_row(new));
            self.queue.extend(new.deliveries.iter().map(|delivery| queue_row(&new.event, delivery)));
        }
    }

    fn write(self, target: Target<'_>) -> Result<()> {
        target.insert(EVENTS, &Arc::new(self.events))?;
        target.insert(QUEUE, &Arc::new(self.queue))?;
        target.insert(keys::APPEND, &Arc::new(self.keys))?;
        Ok(())
    }
}

fn event_row(new: &NewEvent) -> [Cell; 11] {
    let event = &*new.event;
    let content_type = match &event.data.content_type {
        ContentType::Json => Cell::Null,
        ContentType::Other(name) => Arc::clone(name).into(),
    };
    let ids = || new.deliveries.iter().map(|delivery| int(delivery.id.number()));
    [
        int(event.id.number()).into(),
        event.tenant.shared().into(),
        event.environment.shared().into(),
        event.event_type.shared().into(),
        millis(event.occurred_at).into(),
        content_type,
        event.external_id.clone().into(),
        i64::try_from(new.deliveries.len()).unwrap_or(i64::MAX).into(),
        ids().min().into(),
        ids().max().into(),
        event.data.bytes.clone().into(),
    ]
}

fn queue_row(event: &Event, delivery: &NewDelivery) -> [Cell; 9] {
    let (node, due_at, fence) = starting(delivery.start);
    [
        int(delivery.id.number()).into(),
        int(event.id.number()).into(),
        int(delivery.webhook.number()).into(),
        event.tenant.shared().into(),
        node.into(),
        due_at.into(),
        fence.into(),
        cause_number(delivery.trigger).into(),
        delivery.replay_of.map(|id| int(id.number())).into(),
    ]
}
