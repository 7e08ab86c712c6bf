//! The hot path's first half: events and their queue rows, after a look at what was seen before.
//!
//! What conflicts is found by query, never by a failing statement, so that one batch can't spoil its group. Most groups are one
//! statement, which is a transaction by itself.

use hashbrown::HashMap;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::admit::{self, Keys};
use super::{Tried, without_nul};
use crate::model::event::ContentType;
use crate::model::time::Timestamp;
use crate::store::postgres::claims::starting;
use crate::store::postgres::convert::{cause_number, int, millis};
use crate::store::postgres::partitions::default_class;
use crate::store::{Appended, NewBatch, NewDelivery, NewEvent, Result, Start, StoreError};

/// Holds this node's own row first: no row is born in the hands of one that was buried. Where any of the keys was seen, nothing is
/// written, for [`admit`] to judge. A class is the tenant's as it is now; each tenant is named once, and meant by its place. The keys'
/// tables are asked one by one: a list of slots and one of scopes would be searched for each pair.
const APPEND: &str = "WITH me AS MATERIALIZED (SELECT id FROM nodes WHERE id = $1 FOR KEY SHARE), \
    classes AS MATERIALIZED (SELECT array_agg(coalesce(t.retention, $2) ORDER BY n.at) AS classes \
        FROM unnest($3::text[]) WITH ORDINALITY AS n (name, at) LEFT JOIN tenants AS t ON t.name = n.name), \
    seen AS MATERIALIZED (SELECT (SELECT count(*) FROM idempotency_keys WHERE slot = $4 AND scope = ANY ($8::bytea[])) \
        + (SELECT count(*) FROM idempotency_keys WHERE slot = $5 AND scope = ANY ($8::bytea[])) \
        + (SELECT count(*) FROM idempotency_keys WHERE slot = $6 AND scope = ANY ($8::bytea[])) AS keys), \
    free AS MATERIALIZED (SELECT c.classes FROM me CROSS JOIN seen CROSS JOIN classes AS c WHERE seen.keys = 0), \
    keyed AS (INSERT INTO idempotency_keys (slot, scope, body_digest, answer, kept_at) \
        SELECT k.slot, k.scope, k.body_digest, k.answer, k.kept_at FROM free CROSS JOIN unnest($7::bigint[], $8::bytea[], \
            $9::bytea[], $10::bytea[], $11::bigint[]) AS k (slot, scope, body_digest, answer, kept_at)), \
    fresh AS (INSERT INTO events (id, class, tenant, environment, type, occurred_at, content_type, external_id, deliveries, \
            first_delivery, last_delivery, data) \
        SELECT e.id, free.classes[e.tenant], ($3::text[])[e.tenant], e.environment, e.type, e.occurred_at, e.content_type, \
            e.external_id, e.deliveries, e.first_delivery, e.last_delivery, e.data \
        FROM free CROSS JOIN unnest($12::bigint[], $13::integer[], $14::text[], $15::text[], $16::bigint[], $17::text[], \
            $18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bytea[]) AS e (id, tenant, environment, type, \
            occurred_at, content_type, external_id, deliveries, first_delivery, last_delivery, data)), \
    queued AS (INSERT INTO queue (id, class, event, webhook, tenant, node, due_at, fence, attempts, cause, replay_of) \
        SELECT q.id, free.classes[q.tenant], q.event, q.webhook, ($3::text[])[q.tenant], q.node, q.due_at, q.fence, 0, q.cause, \
            q.replay_of \
        FROM free CROSS JOIN unnest($23::bigint[], $24::bigint[], $25::bigint[], $26::integer[], $27::bigint[], $28::bigint[], \
            $29::bigint[], $30::bigint[], $31::bigint[]) AS q (id, event, webhook, tenant, node, due_at, fence, cause, \
            replay_of)) \
    SELECT (SELECT count(*) FROM me), (SELECT keys FROM seen)";

/// What came of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inserted {
    All,
    /// Nothing: a key was seen before.
    Seen,
    /// Nothing: this node is not known any more.
    Buried,
}

pub(super) async fn append(
    connection: &mut PgConnection,
    batches: &[NewBatch],
    node: i64,
) -> Result<Tried<Vec<Appended>>> {
    if let Some(keys) = admit::fresh_keys(batches) {
        let all: Vec<&NewBatch> = batches.iter().collect();
        match insert(connection, &all, (node, &keys, admit::newest_of(batches))).await {
            Ok(Inserted::All) => return Ok(Tried::Written(vec![Appended::Stored; batches.len()])),
            Ok(Inserted::Buried) => return Ok(Tried::Buried),
            // Another node was just as quick with a key: it is there now, and nothing of this is.
            Ok(Inserted::Seen) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    judged(connection, batches, node).await
}

/// Where something may have been seen before.
async fn judged(connection: &mut PgConnection, batches: &[NewBatch], node: i64) -> Result<Tried<Vec<Appended>>> {
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
    // Their keys are taken already.
    if insert(&mut transaction, &stored, (node, &Keys::new(), admit::newest_of(batches))).await? != Inserted::All {
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

async fn insert(
    connection: &mut PgConnection,
    batches: &[&NewBatch],
    (node, keys, now): (i64, &Keys<'_>, Timestamp),
) -> Result<Inserted> {
    let events: Vec<&NewEvent> = batches.iter().flat_map(|batch| &batch.events).collect();
    let queued: Vec<(&NewEvent, &NewDelivery)> =
        events.iter().flat_map(|new| new.deliveries.iter().map(|delivery| (*new, delivery))).collect();
    let starts: Vec<_> = queued.iter().map(|(_, new)| starting(new.start, node)).collect();
    let numbers = |of: &dyn Fn(&NewEvent) -> i64| events.iter().map(|new| of(new)).collect::<Vec<i64>>();
    let ids = |new: &NewEvent| new.deliveries.iter().map(|delivery| int(delivery.id.number())).collect::<Vec<i64>>();
    let tenants = Tenants::of(&events);
    let query = sqlx::query(APPEND).bind(node).bind(default_class()).bind(&tenants.names);
    let row = admit::bind_keys(admit::bind_looked_in(query, now), keys, now)
        .bind(numbers(&|new| int(new.event.id.number())))
        .bind(events.iter().map(|new| tenants.place(new)).collect::<Vec<_>>())
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
        .bind(queued.iter().map(|(of, _)| tenants.place(of)).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.0).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.1).collect::<Vec<_>>())
        .bind(starts.iter().map(|start| start.2).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| cause_number(new.trigger)).collect::<Vec<_>>())
        .bind(queued.iter().map(|(_, new)| new.replay_of.map(|id| int(id.number()))).collect::<Vec<_>>())
        .fetch_one(connection)
        .await?;
    Ok(match (row.try_get(0)?, row.try_get(1)?) {
        (0_i64, _) => Inserted::Buried,
        (_, 0_i64) => Inserted::All,
        _ => Inserted::Seen,
    })
}

/// Each tenant of a group once, and its place, from 1 as PostgreSQL counts.
#[derive(Default)]
struct Tenants<'a> {
    names: Vec<&'a str>,
    places: HashMap<&'a str, i32>,
}

impl<'a> Tenants<'a> {
    fn of(events: &[&'a NewEvent]) -> Self {
        let mut tenants = Self::default();
        for new in events {
            let (name, next) = (new.event.tenant.as_str(), tenants.names.len() + 1);
            tenants.places.entry(name).or_insert_with(|| {
                tenants.names.push(name);
                i32::try_from(next).unwrap_or(i32::MAX)
            });
        }
        tenants
    }

    fn place(&self, new: &NewEvent) -> Option<i32> {
        self.places.get(new.event.tenant.as_str()).copied()
    }
}

fn content_type(new: &NewEvent) -> Option<std::borrow::Cow<'_, str>> {
    match &new.event.data.content_type {
        ContentType::Json => None,
        ContentType::Other(name) => Some(without_nul(name)),
    }
}
