//! Idempotency keys and callers' ids over all nodes: who comes first takes them, who comes second waits and sees them.
//!
//! Each is a row of a table with a primary key. What a group asks for is inserted, in the same order by every node, so that nobody
//! waits in a circle; where another node is about to insert the same, PostgreSQL waits for it. What was there is locked, read, and
//! judged by [`Known`]. What belongs to a batch that isn't written is taken out again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlx::PgConnection;

use crate::model::time::Timestamp;
use crate::store::admission::{External, FirstEvent, KeptAnswer, Known, Scope, external_of};
use crate::store::postgres::convert::{Columns, int, millis};
use crate::store::postgres::events::event_of;
use crate::store::postgres::slots;
use crate::store::{Appended, NewBatch, Result};

// `WHERE false` locks the row that was there, and leaves it as it is.
const TAKE_KEYS: &str = "INSERT INTO idempotency_keys (slot, scope, body_digest, answer, kept_at) \
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[]) \
    ON CONFLICT (slot, scope) DO UPDATE SET kept_at = excluded.kept_at WHERE false RETURNING slot, scope";
const KNOWN_KEYS: &str = "SELECT slot, scope, body_digest, answer, kept_at FROM idempotency_keys \
    WHERE slot IN ($1, $2, $3) AND scope = ANY ($4)";
const SET_KEYS: &str = "UPDATE idempotency_keys AS k SET body_digest = n.body_digest, answer = n.answer, kept_at = n.kept_at \
    FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[]) AS n (slot, scope, body_digest, answer, kept_at) \
    WHERE k.slot = n.slot AND k.scope = n.scope";
const DROP_KEYS: &str = "DELETE FROM idempotency_keys AS k USING unnest($1::bigint[], $2::bytea[]) AS n (slot, scope) \
    WHERE k.slot = n.slot AND k.scope = n.scope";

const TAKE_IDS: &str = "INSERT INTO external_ids (tenant, environment, external_id, event) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) \
    ON CONFLICT (tenant, environment, external_id) DO UPDATE SET event = excluded.event WHERE false \
    RETURNING tenant, environment, external_id";
const KNOWN_IDS: &str = "SELECT e.* FROM unnest($1::text[], $2::text[], $3::text[]) AS n (tenant, environment, external_id) \
    JOIN external_ids AS x ON x.tenant = n.tenant AND x.environment = n.environment AND x.external_id = n.external_id \
    JOIN events AS e ON e.id = x.event";
const SET_IDS: &str = "UPDATE external_ids AS x SET event = n.event \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n (tenant, environment, external_id, event) \
    WHERE x.tenant = n.tenant AND x.environment = n.environment AND x.external_id = n.external_id";
const DROP_IDS: &str = "DELETE FROM external_ids AS x \
    USING unnest($1::text[], $2::text[], $3::text[]) AS n (tenant, environment, external_id) \
    WHERE x.tenant = n.tenant AND x.environment = n.environment AND x.external_id = n.external_id";

/// The first batch of the group that asks for each key, in the order in which they are taken.
pub(super) type Keys<'a> = BTreeMap<Scope, &'a NewBatch>;
/// Keys with where they stand.
type Places = BTreeSet<(i64, Scope)>;
/// The first event of the group that bears each caller's id.
type Ids = BTreeMap<(String, String, Arc<str>), i64>;

/// All that must be new for the group to be written without a look at it: keys, and each once. `None`: there is more to look at.
pub(super) fn fresh_keys(batches: &[NewBatch]) -> Option<Keys<'_>> {
    let mut keys = Keys::new();
    for batch in batches {
        let again = batch.idempotency.as_ref().and_then(|claim| keys.insert(claim.scope, batch));
        if again.is_some() || batch.events.iter().any(|new| new.event.external_id.is_some()) {
            return None;
        }
    }
    Some(keys)
}

/// Decides over the group, and holds what it decided on until the transaction ends.
pub(super) async fn admit(transaction: &mut PgConnection, batches: &[NewBatch]) -> Result<Vec<Appended>> {
    let (mut keys, mut ids) = (Keys::new(), Ids::new());
    for batch in batches {
        if let Some(claim) = &batch.idempotency {
            keys.entry(claim.scope).or_insert(batch);
        }
        for new in &batch.events {
            if let Some(external) = external_of(&new.event) {
                ids.entry(named(external)).or_insert(int(new.event.id.number()));
            }
        }
    }
    let (now, mut known) = (newest_of(batches), Known::default());
    let own_keys = take_keys(transaction, (&keys, now), &mut known).await?;
    let own_ids = take_ids(transaction, &ids, &mut known).await?;
    let answers: Vec<Appended> = batches.iter().map(|batch| known.admit(batch)).collect();
    let stored: Vec<&NewBatch> = batches
        .iter()
        .zip(&answers)
        .filter_map(|(batch, answer)| (*answer == Appended::Stored).then_some(batch))
        .collect();
    if !stored.is_empty() {
        settle_keys(transaction, (&keys, now), own_keys, &stored).await?;
        settle_ids(transaction, &ids, own_ids, &stored).await?;
    }
    Ok(answers)
}

fn named((tenant, environment, id): External) -> (String, String, Arc<str>) {
    (tenant.as_str().to_owned(), environment.as_str().to_owned(), id)
}

/// Returns those that are new.
async fn take_keys(
    transaction: &mut PgConnection,
    (keys, now): (&Keys<'_>, Timestamp),
    known: &mut Known,
) -> Result<Places> {
    if keys.is_empty() {
        return Ok(Places::new());
    }
    let taken = bind_keys(sqlx::query(TAKE_KEYS), keys, now).fetch_all(&mut *transaction).await?;
    let own: Places = taken.iter().map(|row| Ok((row.raw("slot")?, row.bytes_32("scope")?))).collect::<Result<_>>()?;
    let query = bind_looked_in(sqlx::query(KNOWN_KEYS), now);
    let scopes: Vec<&[u8]> = keys.keys().map(<[u8; 32]>::as_slice).collect();
    let mut newest: BTreeMap<Scope, KeptAnswer> = BTreeMap::new();
    for row in query.bind(scopes).fetch_all(transaction).await? {
        let (slot, scope, kept_at) = (row.raw("slot")?, row.bytes_32("scope")?, row.time("kept_at")?);
        if !own.contains(&(slot, scope)) && newest.get(&scope).is_none_or(|other| other.kept_at < kept_at) {
            let answer = row.raw::<Vec<u8>>("answer")?.into();
            newest.insert(scope, KeptAnswer { body_digest: row.bytes_32("body_digest")?, answer, kept_at });
        }
    }
    newest.into_iter().for_each(|(scope, kept)| known.add_key(scope, kept));
    Ok(own)
}

async fn settle_keys(
    transaction: &mut PgConnection,
    (keys, now): (&Keys<'_>, Timestamp),
    mut own: Places,
    stored: &[&NewBatch],
) -> Result<()> {
    let mut set = Keys::new();
    for batch in stored {
        let Some(claim) = &batch.idempotency else { continue };
        let scope = claim.scope;
        let mut is_in = keys.get(&scope).is_some_and(|first| std::ptr::eq(*first, *batch));
        for slot in slots::kept_in(now) {
            is_in &= own.remove(&(slot, scope));
        }
        if !is_in {
            set.insert(scope, batch);
        }
    }
    if !set.is_empty() {
        bind_keys(sqlx::query(SET_KEYS), &set, now).execute(&mut *transaction).await?;
    }
    if !own.is_empty() {
        sqlx::query(DROP_KEYS)
            .bind(own.iter().map(|(slot, _)| *slot).collect::<Vec<_>>())
            .bind(own.iter().map(|(_, scope)| scope.as_slice()).collect::<Vec<_>>())
            .execute(transaction)
            .await?;
    }
    Ok(())
}

pub(super) type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// A row for each place in which a key is kept.
pub(super) fn bind_keys<'q>(query: Statement<'q>, keys: &Keys<'_>, now: Timestamp) -> Statement<'q> {
    let mut rows = Vec::with_capacity(keys.len());
    for (scope, batch) in keys {
        let Some(claim) = &batch.idempotency else { continue };
        rows.extend(slots::kept_in(now).map(|slot| (slot, scope, claim, millis(batch.now))));
    }
    query
        .bind(rows.iter().map(|(slot, ..)| *slot).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, scope, ..)| scope.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, claim, _)| claim.body_digest.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, claim, _)| &*claim.answer).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., kept_at)| *kept_at).collect::<Vec<_>>())
}

pub(super) fn bind_looked_in(query: Statement<'_>, now: Timestamp) -> Statement<'_> {
    slots::looked_in(now).into_iter().fold(query, sqlx::query::Query::bind)
}

/// The time by which a group's keys are placed.
pub(super) fn newest_of(batches: &[NewBatch]) -> Timestamp {
    batches.iter().map(|batch| batch.now).max().unwrap_or_default()
}

/// Returns those that are new.
async fn take_ids(
    transaction: &mut PgConnection,
    ids: &Ids,
    known: &mut Known,
) -> Result<BTreeSet<(String, String, Arc<str>)>> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let all: Vec<_> = ids.iter().collect();
    let taken = bind_names(sqlx::query(TAKE_IDS), all.iter().map(|(name, _)| *name))
        .bind(all.iter().map(|(_, event)| **event).collect::<Vec<_>>())
        .fetch_all(&mut *transaction)
        .await?;
    let mut own = BTreeSet::new();
    for row in &taken {
        own.insert((row.raw("tenant")?, row.raw("environment")?, Arc::from(row.raw::<&str>("external_id")?)));
    }
    let others: Vec<_> = ids.keys().filter(|name| !own.contains(*name)).collect();
    if !others.is_empty() {
        let query = bind_names(sqlx::query(KNOWN_IDS), others.into_iter());
        for row in query.fetch_all(transaction).await? {
            known.add_event(FirstEvent { event: Arc::new(event_of(&row)?), deliveries: row.count("deliveries")? });
        }
    }
    Ok(own)
}

async fn settle_ids(
    transaction: &mut PgConnection,
    ids: &Ids,
    mut own: BTreeSet<(String, String, Arc<str>)>,
    stored: &[&NewBatch],
) -> Result<()> {
    let mut set = Ids::new();
    for new in stored.iter().flat_map(|batch| &batch.events) {
        let Some(name) = external_of(&new.event).map(named) else { continue };
        let event = int(new.event.id.number());
        let is_in = ids.get(&name) == Some(&event) && own.contains(&name);
        own.remove(&name);
        if !is_in {
            set.insert(name, event);
        }
    }
    if !set.is_empty() {
        bind_names(sqlx::query(SET_IDS), set.keys())
            .bind(set.values().copied().collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
    }
    if !own.is_empty() {
        bind_names(sqlx::query(DROP_IDS), own.iter()).execute(transaction).await?;
    }
    Ok(())
}

fn bind_names<'q, 'n>(
    query: Statement<'q>,
    names: impl Iterator<Item = &'n (String, String, Arc<str>)> + Clone,
) -> Statement<'q> {
    query
        .bind(names.clone().map(|name| name.0.as_str()).collect::<Vec<_>>())
        .bind(names.clone().map(|name| name.1.as_str()).collect::<Vec<_>>())
        .bind(names.map(|name| &*name.2).collect::<Vec<_>>())
}
