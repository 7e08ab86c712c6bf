//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and this node's. A late one leaves its
//! attempt in the log and changes nothing else; so does the second of two for the same claim.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::{Connection as _, PgConnection};

use super::health::Health;
use super::without_nul;
use crate::model::delivery::{DeliveryStatus, Next};
use crate::store::packed::PackedCompletion;
use crate::store::postgres::convert::{cause_number, int, millis, status_number};
use crate::store::postgres::partitions::Part;
use crate::store::{Completed, Completion, Result};

const END: &str = "WITH gone AS (DELETE FROM queue AS q USING unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
        $6::boolean[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[]) \
        AS c (id, fence, status, attempts, tried, last_status, reason, revision, ended_at) \
    WHERE q.id = c.id AND q.fence = c.fence AND q.node = $1 \
    RETURNING q.id, q.class, q.event, q.webhook, q.tenant, c.status, q.cause, q.fence, c.attempts, \
        CASE WHEN c.tried THEN c.last_status ELSE q.last_status END AS last_status, c.reason, \
        coalesce(c.revision, q.revision) AS revision, q.replay_of, c.ended_at) \
    INSERT INTO deliveries (id, class, event, webhook, tenant, status, cause, fence, attempts, last_status, reason, revision, \
        replay_of, ended_at) SELECT * FROM gone \
    ON CONFLICT (id, class) DO UPDATE SET status = excluded.status, cause = excluded.cause, fence = excluded.fence, \
        attempts = excluded.attempts, last_status = excluded.last_status, reason = excluded.reason, \
        revision = excluded.revision, ended_at = excluded.ended_at \
    RETURNING id, class";

const PUT_BACK: &str = "UPDATE queue AS q SET node = NULL, due_at = c.due_at, \
        attempts = CASE WHEN c.tried THEN c.attempts ELSE q.attempts END, \
        last_status = CASE WHEN c.tried THEN c.last_status ELSE q.last_status END, \
        reason = coalesce(c.reason, q.reason), revision = coalesce(c.revision, q.revision) \
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bigint[], $8::text[], $9::bigint[]) \
        AS c (id, fence, due_at, attempts, tried, last_status, reason, revision) \
    WHERE q.id = c.id AND q.fence = c.fence AND q.node = $1 RETURNING q.id, q.class";

/// A late attempt's class: where its event stands. One whose event is gone has nowhere to be logged.
const CLASSES: &str = "SELECT id, class FROM events WHERE id = ANY ($1)";

const ATTEMPTS: &str = "INSERT INTO attempts (delivery, class, number, fence, cause, started_at, ended_at, outcome, micros, \
        next_at, detail, response) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[]) ON CONFLICT DO NOTHING";

const BODIES: &str = "INSERT INTO bodies (delivery, class, draft, body) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING";

type Ending<'a> = (DeliveryStatus, Option<&'a str>);

/// The classes of what counted, by delivery.
type Classes = HashMap<i64, i64>;

pub(super) async fn complete(
    connection: &mut PgConnection,
    completions: &[PackedCompletion],
    (node, health): (i64, &mut Health),
) -> Result<Vec<bool>> {
    let mut transaction = connection.begin().await?;
    let mut first = HashSet::with_capacity(completions.len());
    // Of two for one claim, the one that came first is offered.
    let offered: Vec<bool> = completions.iter().map(|packed| first.insert(claim(&packed.completion))).collect();
    let applicable =
        || completions.iter().zip(&offered).filter(|(_, offered)| **offered).map(|(packed, _)| &*packed.completion);
    let mut applied = end(&mut transaction, applicable(), node).await?;
    applied.extend(put_back(&mut transaction, applicable(), node).await?);
    let counts = |packed: &PackedCompletion| applied.contains_key(&id(&packed.completion));
    let answers: Vec<bool> =
        completions.iter().zip(&offered).map(|(packed, offered)| *offered && counts(packed)).collect();
    let late = late_classes(&mut transaction, completions, &answers).await?;
    let counted = || completions.iter().zip(&answers).filter(|(_, answer)| **answer).map(|(packed, _)| packed);
    insert_attempts(&mut transaction, completions, (&applied, &late)).await?;
    insert_bodies(&mut transaction, counted(), &applied).await?;
    let tallies = health.tallies(counted().map(|packed| &*packed.completion));
    tallies.write(&mut transaction).await?;
    transaction.commit().await?;
    health.written(tallies);
    Ok(answers)
}

/// The days that these completions need.
pub(super) async fn parts(connection: &mut PgConnection, completions: &[PackedCompletion]) -> Result<BTreeSet<Part>> {
    let events: Vec<i64> = completions.iter().map(|packed| event(&packed.completion)).collect();
    let classes: Vec<(i64, i64)> = sqlx::query_as(CLASSES).bind(events).fetch_all(connection).await?;
    let classes: HashMap<i64, i64> = classes.into_iter().collect();
    let part = |packed: &PackedCompletion| {
        let class = classes.get(&event(&packed.completion))?;
        Some(Part::of_delivery(*class, id(&packed.completion)))
    };
    Ok(completions.iter().filter_map(part).collect())
}

fn ending(completion: &Completion) -> Option<Ending<'_>> {
    match &completion.next {
        Completed::Next(Next::Ended { status, reason }) => Some((*status, reason.as_deref())),
        Completed::Next(Next::Again { .. }) | Completed::Waiting | Completed::Scheduled(_) => None,
    }
}

/// From the queue to the log.
async fn end<'a>(
    transaction: &mut PgConnection,
    completions: impl Iterator<Item = &'a Completion>,
    node: i64,
) -> Result<Classes> {
    let ends: Vec<_> =
        completions.filter_map(|completion| ending(completion).map(|ending| (completion, ending))).collect();
    if ends.is_empty() {
        return Ok(Classes::new());
    }
    let of: Vec<&Completion> = ends.iter().map(|(completion, _)| *completion).collect();
    let rows: Vec<(i64, i64)> = sqlx::query_as(END)
        .bind(node)
        .bind(column(&of, id))
        .bind(column(&of, |completion| i64::from(completion.claimed.fence)))
        .bind(ends.iter().map(|(_, (status, _))| status_number(*status)).collect::<Vec<_>>())
        .bind(column(&of, |completion| i64::from(completion.tries())))
        .bind(column(&of, |completion| completion.attempt.is_some()))
        .bind(column(&of, |completion| completion.reply_status().map(i64::from)))
        .bind(ends.iter().map(|(_, (_, reason))| reason.map(without_nul)).collect::<Vec<_>>())
        .bind(column(&of, |completion| completion.revision().map(|id| int(id.number()))))
        .bind(column(&of, |completion| millis(completion.now)))
        .fetch_all(transaction)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn put_back<'a>(
    transaction: &mut PgConnection,
    completions: impl Iterator<Item = &'a Completion>,
    node: i64,
) -> Result<Classes> {
    let of: Vec<&Completion> = completions.filter(|completion| ending(completion).is_none()).collect();
    if of.is_empty() {
        return Ok(Classes::new());
    }
    let due = |completion: &Completion| match &completion.next {
        Completed::Next(Next::Again { at, .. }) | Completed::Scheduled(at) => Some(millis(*at)),
        Completed::Waiting | Completed::Next(Next::Ended { .. }) => None,
    };
    let reasons = of.iter().map(|completion| match &completion.next {
        Completed::Next(Next::Again { reason, .. }) => Some(without_nul(reason)),
        _ => None,
    });
    let rows: Vec<(i64, i64)> = sqlx::query_as(PUT_BACK)
        .bind(node)
        .bind(column(&of, id))
        .bind(column(&of, |completion| i64::from(completion.claimed.fence)))
        .bind(column(&of, due))
        .bind(column(&of, |completion| i64::from(completion.tries())))
        .bind(column(&of, |completion| completion.attempt.is_some()))
        .bind(column(&of, |completion| completion.reply_status().map(i64::from)))
        .bind(reasons.collect::<Vec<_>>())
        .bind(column(&of, |completion| completion.revision().map(|id| int(id.number()))))
        .fetch_all(transaction)
        .await?;
    Ok(rows.into_iter().collect())
}

/// By event, of the attempts that come too late.
async fn late_classes(
    transaction: &mut PgConnection,
    completions: &[PackedCompletion],
    answers: &[bool],
) -> Result<Classes> {
    let late = completions.iter().zip(answers).filter(|(packed, answer)| !**answer && packed.attempt.is_some());
    let events: Vec<i64> = late.map(|(packed, _)| event(&packed.completion)).collect();
    if events.is_empty() {
        return Ok(Classes::new());
    }
    let rows: Vec<(i64, i64)> = sqlx::query_as(CLASSES).bind(events).fetch_all(transaction).await?;
    Ok(rows.into_iter().collect())
}

async fn insert_attempts(
    transaction: &mut PgConnection,
    completions: &[PackedCompletion],
    (applied, late): (&Classes, &Classes),
) -> Result<()> {
    let logged = |packed: &'_ PackedCompletion| {
        let by_id = applied.get(&id(&packed.completion));
        by_id.or_else(|| late.get(&event(&packed.completion))).copied()
    };
    let mut rows = Vec::with_capacity(completions.len());
    for packed in completions {
        if let (Some(attempt), Some(row), Some(class)) = (&packed.completion.attempt, &packed.attempt, logged(packed)) {
            rows.push((attempt, row, class, i64::from(packed.completion.claimed.fence)));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(ATTEMPTS)
        .bind(rows.iter().map(|(attempt, ..)| int(attempt.delivery.number())).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, class, _)| *class).collect::<Vec<_>>())
        .bind(rows.iter().map(|(attempt, ..)| i64::from(attempt.number)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, _, fence)| *fence).collect::<Vec<_>>())
        .bind(rows.iter().map(|(attempt, ..)| cause_number(attempt.trigger)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(attempt, ..)| millis(attempt.started_at)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(attempt, ..)| millis(attempt.ended_at)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row, ..)| i64::from(row.outcome)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row, ..)| int(row.micros)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(attempt, ..)| attempt.next_at.map(millis)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row, ..)| &*row.detail).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row, ..)| row.response.as_deref()).collect::<Vec<_>>())
        .execute(transaction)
        .await?;
    Ok(())
}

async fn insert_bodies<'a>(
    transaction: &mut PgConnection,
    counted: impl Iterator<Item = &'a PackedCompletion>,
    applied: &Classes,
) -> Result<()> {
    let mut rows = Vec::new();
    for packed in counted {
        let id = id(&packed.completion);
        if let (Some(body), Some(class)) = (&packed.body, applied.get(&id)) {
            rows.push((id, *class, body));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(BODIES)
        .bind(rows.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, class, _)| *class).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., body)| body.draft.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(.., body)| &*body.body).collect::<Vec<_>>())
        .execute(transaction)
        .await?;
    Ok(())
}

fn column<T>(of: &[&Completion], value: impl Fn(&Completion) -> T) -> Vec<T> {
    of.iter().map(|completion| value(completion)).collect()
}

fn id(completion: &Completion) -> i64 {
    int(completion.claimed.id.number())
}

fn event(completion: &Completion) -> i64 {
    int(completion.claimed.event.id.number())
}

fn claim(completion: &Completion) -> (i64, u32) {
    (id(completion), completion.claimed.fence)
}
