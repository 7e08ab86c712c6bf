//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group. Most groups are one
//! statement, which is a transaction by itself.

use sqlx::{Connection as _, PgConnection};

use super::{Tried, admit, without_nul};
use crate::model::event::ContentType;
use crate::model::time::Timestamp;
use crate::store::postgres::claims::starting;
use crate::store::postgres::convert::{cause_number, int, millis};
use crate::store::postgres::partitions::default_class;
use crate::store::{Appended, NewBatch, NewDelivery, NewEvent, Result, Start};

/// Holds this node's own row first: no row is born in the hands of one that was buried. A class is the tenant's as it is now.
const APPEND: &str = "WITH me AS MATERIALIZED (SELECT id AS me FROM nodes WHERE id = $1 FOR KEY SHARE), \
    fresh AS (INSERT INTO events (id, class, tenant, environment, type, occurred_at, content_type, external_id, deliveries, \
            first_delivery, last_delivery, data) \
        SELECT e.id, coalesce(t.retention, $2), e.tenant, e.environment, e.type, e.occurred_at, e.content_type, \
            e.external_id, e.deliveries, e.first_delivery, e.last_delivery, e.data \
        FROM me CROSS JOIN unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], \
            $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[]) AS e (id, tenant, environment, type, occurred_at, \
            content_type, external_id, deliveries, first_delivery, last_delivery, data) \
        LEFT JOIN tenants AS t ON t.name = e.tenant), \
    queued AS (INSERT INTO queue (id, class, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
        SELECT q.id, coalesce(t.retention, $2), q.event, q.webhook, q.tenant, q.node, q.due_at, q.fence, 0, q.cause, q.replay_of \
        FROM me CROSS JOIN unnest($14::bigint[], $15::bigint[], $16::bigint[], $17::text[], $18::bigint[], $19::bigint[], \
            $20::bigint[], $21::bigint[], $22::bigint[]) AS q (id, event, webhook, tenant, node, due_at, fence, cause, replay_of) \
        LEFT JOIN tenants AS t ON t.name = q.tenant) \
    SELECT count(*) FROM me";

pub(super) async fn append(
    connection: &mut PgConnection,
    batches: &[NewBatch],
    node: i64,
) -> Result<Tried<Vec<Appended>>> {
    if !admit::must_look(batches) {
        let all: Vec<&NewBatch> = batches.iter().collect();
        let held = insert(connection, &all, node).await?;
        return Ok(if held { Tried::Written(vec![Appended::Stored; batches.len()]) } else { Tried::Buried });
    }
    let mut transaction = connection.begin().await?;
    let answers = admit::admit(&mut transaction, batches).await?;
    let stored: Vec<&NewBatch> = batches
        .iter()
        .zip(&answers)
        .filter_map(|(batch, answer)| (*answer == Appended::Stored).then_some(batch))
        .collect();
    if stored.is_empty() {
        transaction.rollback().await?;
        return Ok(Tried::Written(answers));
    }
    if !insert(&mut transaction, &stored, node).await? {
        transaction.rollback().await?;
        return Ok(Tried::Buried);
    }
    transaction.commit().await?;
    Ok(Tried::Written(answers))
}

/// Whether something was written that no node has in hand.
pub(super) fn leaves_work(batches: &[NewBatch], answers: &[Appended]) -> bool {
    let stored = batches.iter().zip(answers).filter(|(_, answer)| **answer == Appended::Stored);
    let mut deliveries = stored.flat_map(|(batch, _)| &batch.events).flat_map(|new| &new.deliveries);
    deliveries.any(|new| new.start != Start::Claimed)
}

/// When its events and deliveries were made: the days that must be there.
pub(super) fn times(batches: &[NewBatch]) -> Vec<Timestamp> {
    let of = |new: &NewEvent| {
        let deliveries: Vec<Timestamp> = new.deliveries.iter().map(|delivery| delivery.id.time()).collect();
        std::iter::once(new.event.id.time()).chain(deliveries)
    };
    let mut times: Vec<Timestamp> = batches.iter().flat_map(|batch| &batch.events).flat_map(of).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// `false`: this node is not known any more, and nothing was written.
async fn insert(connection: &mut PgConnection, batches: &[&NewBatch], node: i64) -> Result<bool> {
    let events: Vec<&NewEvent> = batches.iter().flat_map(|batch| &batch.events).collect();
    let queued: Vec<(&NewEvent, &NewDelivery)> =
        events.iter().flat_map(|new| new.deliveries.iter().map(|delivery| (*new, delivery))).collect();
    let starts: Vec<_> = queued.iter().map(|(_, new)| starting(new.start, node)).collect();
    let numbers = |of: &dyn Fn(&NewEvent) -> i64| events.iter().map(|new| of(new)).collect::<Vec<i64>>();
    let ids = |new: &NewEvent| new.deliveries.iter().map(|delivery| int(delivery.id.number())).collect::<Vec<i64>>();
    let held: i64 = sqlx::query_scalar(APPEND)
        .bind(node)
        .bind(default_class())
        .bind(numbers(&|new| int(new.event.id.number())))
        .bind(events.iter().map(|new| new.event.tenant.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|new| new.event.environment.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|new| new.event.event_type.as_str()).collect::<Vec<_>>())
        .bind(numbers(&|new| millis(new.event.occurred_at)))
        .bind(events.iter().map(|new| content_type(new)).collect::<Vec<_>>())
        .bind(events.iter().map(|new| new.event.external_id.as_deref().map(without_nul)).collect::<Vec<_>>())
        .bind(numbers(&|new| i64::try_from(new.deliveries.len()).unwrap_or(i64::MAX)))
        .bind(events.iter().map(|new| ids(new).into_iter().min()).collect::<Vec<_>>())
        .bind(events.iter().map(|new| ids(new).into_iter().max()).collect::<Vec<_>>())
        .bind(events.iter().map(|new| &*new.event.data.bytes).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| int(new.id.number())).collect::<Vec<_>>())
        .bind(queued.iter().map(|(of, _)| int(of.event.id.number())).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| int(new.webhook.number())).collect::<Vec<_>>())
        .bind(queued.iter().map(|(of, _)| of.event.tenant.as_str()).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.0).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.1).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.2).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| cause_number(new.trigger)).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| new.replay_of.map(|id| int(id.number()))).collect::<Vec<_>>())
        .fetch_one(connection)
        .await?;
    Ok(held > 0)
}

fn content_type(new: &NewEvent) -> Option<std::borrow::Cow<'_, str>> {
    match &new.event.data.content_type {
        ContentType::Json => None,
        ContentType::Other(name) => Some(without_nul(name)),
    }
}
