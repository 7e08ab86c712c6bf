//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group.

use std::sync::{Arc, LazyLock};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::NODE;
use super::convert::{Columns, cause_number, int, millis};
use super::events::{EVENT_COLUMNS, event_of};
use super::insert::{LIST_MAX, ManyRows, Values, push_list};
use crate::model::event::{ContentType, Event};
use crate::model::ids::{DeliveryId, floor_of};
use crate::model::time::Timestamp;
use crate::store::admission::{External, FirstEvent, KeptAnswer, Known, Scope, WINDOW, external_of, scope_of};
use crate::store::{Appended, NewBatch, NewDelivery, NewEvent, Result, Start};

static EVENTS: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO events (id, tenant, environment, type, occurred_at, content_type, external_id, deliveries, \
         first_delivery, last_delivery, data) VALUES",
        11,
        "",
    )
});

static QUEUE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO queue (id, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) VALUES",
        10,
        "",
    )
});

static KEYS: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new("INSERT OR REPLACE INTO idempotency_keys (scope, body_digest, answer, kept_at) VALUES", 4, "")
});

pub(super) async fn append(connection: &mut SqliteConnection, batches: &[NewBatch]) -> Result<Vec<Appended>> {
    let mut known = Known::default();
    look_up_keys(connection, batches, &mut known).await?;
    look_up_externals(connection, batches, &mut known).await?;
    let answers: Vec<_> = batches.iter().map(|batch| known.admit(batch)).collect();
    let stored =
        || batches.iter().zip(&answers).filter(|(_, answer)| **answer == Appended::Stored).map(|(batch, _)| batch);

    let events: Vec<&NewEvent> = stored().flat_map(|batch| &batch.events).collect();
    EVENTS.run(connection, &events, |values, new| add_event(values, new)).await?;
    let rows: Vec<QueueRow<'_>> = events.iter().flat_map(|new| QueueRow::of(&new.event, &new.deliveries)).collect();
    insert_queue(connection, &rows).await?;
    let keys: Vec<&NewBatch> = stored().filter(|batch| batch.idempotency.is_some()).collect();
    KEYS.run(connection, &keys, |values, batch| add_key(values, batch)).await?;
    Ok(answers)
}

/// A new queue row, with the event that it is for.
pub(super) struct QueueRow<'a> {
    event: &'a Event,
    delivery: &'a NewDelivery,
}

impl<'a> QueueRow<'a> {
    pub(super) fn of(event: &'a Event, deliveries: &'a [NewDelivery]) -> impl Iterator<Item = Self> {
        deliveries.iter().map(move |delivery| Self { event, delivery })
    }
}

pub(super) async fn insert_queue(connection: &mut SqliteConnection, rows: &[QueueRow<'_>]) -> Result<()> {
    QUEUE.run(connection, rows, |values, row| add_delivery(values, row)).await
}

fn add_event(values: &mut Values, new: &NewEvent) {
    let event = &*new.event;
    let content_type = match &event.data.content_type {
        ContentType::Json => None,
        ContentType::Other(name) => Some(&**name),
    };
    let ids = || new.deliveries.iter().map(|delivery| int(delivery.id.number()));
    values
        .add(int(event.id.number()))
        .add(event.tenant.as_str())
        .add(event.environment.as_str())
        .add(event.event_type.as_str())
        .add(millis(event.occurred_at))
        .add(content_type)
        .add(event.external_id.as_deref())
        .add(i64::try_from(new.deliveries.len()).unwrap_or(i64::MAX))
        .add(ids().min())
        .add(ids().max())
        .add(event.data.bytes.to_vec());
}

fn add_delivery(values: &mut Values, row: &QueueRow<'_>) {
    let (node, due_at, fence) = start_columns(row.delivery.start);
    values
        .add(int(row.delivery.id.number()))
        .add(int(row.event.id.number()))
        .add(int(row.delivery.webhook.number()))
        .add(row.event.tenant.as_str())
        .add(node)
        .add(due_at)
        .add(fence)
        .add(0_i64)
        .add(cause_number(row.delivery.trigger))
        .add(row.delivery.replay_of.map(|id: DeliveryId| int(id.number())));
}

/// `node`, `due_at` and `fence` of a new row.
pub(super) fn start_columns(start: Start) -> (Option<i64>, Option<i64>, i64) {
    match start {
        Start::Claimed => (Some(i64::from(NODE.0)), None, 1),
        Start::Scheduled(at) => (None, Some(millis(at)), 0),
        Start::Waiting => (None, None, 0),
    }
}

fn add_key(values: &mut Values, batch: &NewBatch) {
    let Some(claim) = &batch.idempotency else { return };
    values
        .add(scope_of(claim).to_vec())
        .add(claim.body_digest.to_vec())
        .add(claim.answer.to_vec())
        .add(millis(batch.now));
}

async fn look_up_keys(connection: &mut SqliteConnection, batches: &[NewBatch], known: &mut Known) -> Result<()> {
    let scopes: Vec<Scope> = batches.iter().filter_map(|batch| batch.idempotency.as_ref()).map(scope_of).collect();
    for chunk in scopes.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT scope, body_digest, answer, kept_at FROM idempotency_keys WHERE scope IN (",
        );
        push_list(&mut query, chunk.iter().map(|scope| scope.to_vec()));
        for row in query.build().fetch_all(&mut *connection).await? {
            let kept = KeptAnswer {
                body_digest: row.bytes_32("body_digest")?,
                answer: row.raw::<Vec<u8>>("answer")?.into(),
                kept_at: row.time("kept_at")?,
            };
            known.add_key(row.bytes_32("scope")?, kept);
        }
    }
    Ok(())
}

async fn look_up_externals(connection: &mut SqliteConnection, batches: &[NewBatch], known: &mut Known) -> Result<()> {
    let asked: Vec<External> =
        batches.iter().flat_map(|batch| &batch.events).filter_map(|new| external_of(&new.event)).collect();
    let oldest = batches.iter().map(|batch| batch.now).min().unwrap_or_default().minus(WINDOW);
    for chunk in asked.chunks(LIST_MAX) {
        for row in same_external_ids(connection, chunk, oldest).await? {
            // Another tenant's event may bear the same id: its data isn't even loaded.
            let external = (row.text("tenant")?, row.text("environment")?, Arc::from(row.raw::<&str>("external_id")?));
            if chunk.contains(&external)
                && let Some(first) = load_first(connection, row.raw("id")?).await?
            {
                known.add_event(first);
            }
        }
    }
    Ok(())
}

async fn same_external_ids(
    connection: &mut SqliteConnection,
    externals: &[External],
    oldest: Timestamp,
) -> Result<Vec<SqliteRow>> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT id, tenant, environment, external_id FROM events WHERE id >= ");
    query.push_bind(int(floor_of(oldest))).push(" AND external_id IN (");
    push_list(&mut query, externals.iter().map(|(_, _, id)| &**id));
    Ok(query.build().fetch_all(connection).await?)
}

async fn load_first(connection: &mut SqliteConnection, id: i64) -> Result<Option<FirstEvent>> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(EVENT_COLUMNS).push(", deliveries FROM events WHERE id = ").push_bind(id);
    let Some(row) = query.build().fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(FirstEvent { event: Arc::new(event_of(&row)?), deliveries: row.count("deliveries")? }))
}
