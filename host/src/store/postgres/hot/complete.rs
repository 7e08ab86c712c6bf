//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and this node's. A late one leaves its
//! attempt in the log and changes nothing else; so does the second of two for the same claim. Most groups are one statement, which is
//! a transaction by itself.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::{Connection as _, PgConnection};

use super::end::{Ends, end, ending};
use super::health::Health;
use super::{log, without_nul};
use crate::model::attempt::Trigger;
use crate::model::causes::WithCauses;
use crate::model::delivery::Next;
use crate::store::packed::PackedCompletion;
use crate::store::postgres::convert::{int, millis};
use crate::store::postgres::partitions::Part;
use crate::store::{Completed, Completion, Result, StoreError};

const PUT_BACK: &str = "UPDATE queue AS q SET node = NULL, due_at = c.due_at, \
        attempts = CASE WHEN c.tried THEN c.attempts ELSE q.attempts END, \
        last_status = CASE WHEN c.tried THEN c.last_status ELSE q.last_status END, \
        reason = coalesce(c.reason, q.reason), revision = coalesce(c.revision, q.revision) \
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bigint[], $8::text[], $9::bigint[]) \
        AS c (id, fence, due_at, attempts, tried, last_status, reason, revision) \
    WHERE q.id = c.id AND q.fence = c.fence AND q.node = $1 RETURNING q.id, q.fence, q.class";

/// A delivery, and the fence with which it was claimed.
pub(super) type Claim = (i64, i64);
/// The classes of what counted.
pub(super) type Counted = HashMap<Claim, i64>;

pub(super) async fn complete(
    connection: &mut PgConnection,
    completions: &[PackedCompletion],
    (node, health): (i64, &mut Health),
) -> Result<Vec<bool>> {
    let mut first = HashSet::with_capacity(completions.len());
    // Of two for one claim, the one that came first is offered.
    let offered: Vec<bool> = completions.iter().map(|packed| first.insert(claim(packed))).collect();
    let of: Vec<&PackedCompletion> =
        completions.iter().zip(&offered).filter_map(|(packed, offered)| offered.then_some(packed)).collect();
    let ends = if of.iter().all(|packed| is_first(packed)) { Ends::First } else { Ends::Again };
    let applied = match write(connection, (&of, ends), (node, health)).await {
        // One of them ended before all the same.
        Err(StoreError::Conflict { .. }) => write(connection, (&of, Ends::Again), (node, health)).await?,
        applied => applied?,
    };
    let answers: Vec<bool> = completions
        .iter()
        .zip(offered)
        .map(|(packed, offered)| offered && applied.contains_key(&claim(packed)))
        .collect();
    let late: Vec<&PackedCompletion> =
        completions.iter().zip(&answers).filter_map(|(packed, answer)| (!answer).then_some(packed)).collect();
    // The others are written: nothing may undo their answers.
    if let Err(error) = log::late(connection, &late).await {
        tracing::warn!(error = %WithCauses(&error), "attempts that ended too late to count can't be logged");
    }
    Ok(answers)
}

/// Only what is taken back by hand ends twice.
fn is_first(packed: &PackedCompletion) -> bool {
    packed.completion.claimed.trigger == Trigger::Automatic
}

/// What of these was still in this node's hands.
async fn write(
    connection: &mut PgConnection,
    (of, ends): (&[&PackedCompletion], Ends),
    (node, health): (i64, &mut Health),
) -> Result<Counted> {
    let all_end = of.iter().all(|packed| ending(&packed.completion).is_some());
    if all_end && health.tallies(of.iter().copied()).is_empty() {
        return end(connection, (of, ends), node).await;
    }
    let mut transaction = connection.begin().await?;
    let mut applied = end(&mut transaction, (of, ends), node).await?;
    let again = put_back(&mut transaction, of, node).await?;
    log::tries(&mut transaction, of, &again).await?;
    applied.extend(again);
    let tallies = health.tallies(of.iter().copied().filter(|packed| applied.contains_key(&claim(packed))));
    tallies.write(&mut transaction).await?;
    transaction.commit().await?;
    health.written(tallies);
    Ok(applied)
}

/// The days that these completions need.
pub(super) async fn parts(connection: &mut PgConnection, completions: &[PackedCompletion]) -> Result<BTreeSet<Part>> {
    let all: Vec<&PackedCompletion> = completions.iter().collect();
    let classes = log::classes_by_event(connection, &all).await?;
    let part = |packed: &PackedCompletion| Some(Part::of_delivery(*classes.get(&event(packed))?, id(packed)));
    Ok(completions.iter().filter_map(part).collect())
}

async fn put_back(connection: &mut PgConnection, of: &[&PackedCompletion], node: i64) -> Result<Counted> {
    let of: Vec<&PackedCompletion> = of.iter().copied().filter(|packed| ending(&packed.completion).is_none()).collect();
    if of.is_empty() {
        return Ok(Counted::new());
    }
    let due = |completion: &Completion| match &completion.next {
        Completed::Next(Next::Again { at, .. }) | Completed::Scheduled(at) => Some(millis(*at)),
        Completed::Waiting | Completed::Next(Next::Ended { .. }) => None,
    };
    let reasons = of.iter().map(|packed| match &packed.completion.next {
        Completed::Next(Next::Again { reason, .. }) => Some(without_nul(reason)),
        _ => None,
    });
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(PUT_BACK)
        .bind(node)
        .bind(of.iter().map(|packed| id(packed)).collect::<Vec<_>>())
        .bind(column(&of, |completion| i64::from(completion.claimed.fence)))
        .bind(column(&of, due))
        .bind(column(&of, |completion| i64::from(completion.tries())))
        .bind(column(&of, |completion| completion.attempt.is_some()))
        .bind(column(&of, |completion| completion.reply_status().map(i64::from)))
        .bind(reasons.collect::<Vec<_>>())
        .bind(column(&of, |completion| completion.revision().map(|id| int(id.number()))))
        .fetch_all(connection)
        .await?;
    Ok(counted(rows))
}

/// Of rows of id, fence and class.
pub(super) fn counted(rows: Vec<(i64, i64, i64)>) -> Counted {
    rows.into_iter().map(|(id, fence, class)| ((id, fence), class)).collect()
}

pub(super) fn column<T>(of: &[&PackedCompletion], value: impl Fn(&Completion) -> T) -> Vec<T> {
    of.iter().map(|packed| value(&packed.completion)).collect()
}

pub(super) fn id(packed: &PackedCompletion) -> i64 {
    int(packed.completion.claimed.id.number())
}

pub(super) fn event(packed: &PackedCompletion) -> i64 {
    int(packed.completion.claimed.event.id.number())
}

pub(super) fn claim(packed: &PackedCompletion) -> Claim {
    (id(packed), i64::from(packed.completion.claimed.fence))
}
