//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group.

use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, params};

use super::row::{EVENT_COLUMNS, event_of, time};
use crate::model::event::{ContentType, Event};
use crate::model::ids::floor_of;
use crate::store::admission::{External, FirstEvent, KeptAnswer, Known, WINDOW, external_of, scope_of};
use crate::store::sqlite::claims::starting;
use crate::store::sqlite::convert::{cause_number, int, millis};
use crate::store::{Appended, IdempotencyClaim, NewBatch, NewDelivery, NewEvent, Result};

const EVENT: &str = "INSERT INTO events (id, tenant, environment, type, occurred_at, content_type, external_id, \
    deliveries, first_delivery, last_delivery, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const QUEUE: &str = "INSERT INTO queue (id, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)";

const KEY: &str = "INSERT OR REPLACE INTO idempotency_keys (scope, body_digest, answer, kept_at) VALUES (?, ?, ?, ?)";

const KNOWN_KEY: &str = "SELECT body_digest, answer, kept_at FROM idempotency_keys WHERE scope = ?";

/// The newest of its tenant and environment; another's event may bear the same id, and isn't even loaded.
static KNOWN_EVENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {EVENT_COLUMNS}, deliveries FROM events WHERE external_id = ? AND id >= ? AND tenant = ? \
         AND environment = ? ORDER BY id DESC LIMIT 1"
    )
});

pub(super) fn append(transaction: &Connection, batches: &[NewBatch]) -> Result<Vec<Appended>> {
    let mut known = Known::default();
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        look_up(transaction, batch, &mut known)?;
        let answer = known.admit(batch);
        if answer == Appended::Stored {
            insert(transaction, batch)?;
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// What was kept before this group; of the group itself, `known` remembers.
fn look_up(transaction: &Connection, batch: &NewBatch, known: &mut Known) -> Result<()> {
    if let Some(claim) = &batch.idempotency
        && let Some(kept) = kept_answer(transaction, claim)?
    {
        known.add_key(scope_of(claim), kept);
    }
    for external in batch.events.iter().filter_map(|new| external_of(&new.event)) {
        let oldest = int(floor_of(batch.now.minus(WINDOW)));
        if let Some(first) = first_event(transaction, &external, oldest)? {
            known.add_event(first);
        }
    }
    Ok(())
}

fn kept_answer(transaction: &Connection, claim: &IdempotencyClaim) -> Result<Option<KeptAnswer>> {
    let mut statement = transaction.prepare_cached(KNOWN_KEY)?;
    let mut rows = statement.query([scope_of(claim)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(KeptAnswer {
        body_digest: row.get("body_digest")?,
        answer: row.get::<_, Vec<u8>>("answer")?.into(),
        kept_at: time(row, "kept_at")?,
    }))
}

fn first_event(transaction: &Connection, external: &External, oldest: i64) -> Result<Option<FirstEvent>> {
    let (tenant, environment, id) = external;
    let mut statement = transaction.prepare_cached(&KNOWN_EVENT)?;
    let mut rows = statement.query(params![&**id, oldest, tenant.as_str(), environment.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(FirstEvent { event: Arc::new(event_of(row)?), deliveries: row.get("deliveries")? }))
}

fn insert(transaction: &Connection, batch: &NewBatch) -> Result<()> {
    for new in &batch.events {
        insert_event(transaction, new)?;
        for delivery in &new.deliveries {
            insert_delivery(transaction, &new.event, delivery)?;
        }
    }
    if let Some(claim) = &batch.idempotency {
        let mut statement = transaction.prepare_cached(KEY)?;
        statement.execute(params![scope_of(claim), claim.body_digest, &*claim.answer, millis(batch.now)])?;
    }
    Ok(())
}

fn insert_event(transaction: &Connection, new: &NewEvent) -> Result<()> {
    let event = &*new.event;
    let content_type = match &event.data.content_type {
        ContentType::Json => None,
        ContentType::Other(name) => Some(&**name),
    };
    let ids = || new.deliveries.iter().map(|delivery| int(delivery.id.number()));
    transaction.prepare_cached(EVENT)?.execute(params![
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

fn insert_delivery(transaction: &Connection, event: &Event, delivery: &NewDelivery) -> Result<()> {
    let (node, due_at, fence) = starting(delivery.start);
    transaction.prepare_cached(QUEUE)?.execute(params![
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
