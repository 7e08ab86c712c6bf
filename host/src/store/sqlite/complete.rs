//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and claimed. A late one leaves its
//! attempt in the log and changes nothing else.

use std::collections::HashSet;
use std::sync::LazyLock;

use sqlx::SqliteConnection;

use super::convert::{Columns, cause_number, int, millis, status_number};
use super::health::add_up;
use super::insert::{ManyRows, Values};
use crate::model::delivery::{DeliveryStatus, Next};
use crate::model::ids::{DeliveryId, RevisionId};
use crate::model::time::Timestamp;
use crate::store::packed::PackedCompletion;
use crate::store::{Completed, Completion, Result};

static TAKE_OUT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "WITH ended (id, fence) AS (VALUES",
        2,
        ") DELETE FROM queue WHERE id IN (SELECT q.id FROM ended CROSS JOIN queue AS q \
         WHERE q.id = ended.id AND q.fence = ended.fence AND q.node IS NOT NULL) RETURNING id, last_status, revision",
    )
});

static PUT_BACK: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "WITH back (id, fence, due_at, tried, attempts, last_status, reason, revision) AS (VALUES",
        8,
        ") UPDATE queue SET node = NULL, due_at = back.due_at, \
         attempts = CASE WHEN back.tried THEN back.attempts ELSE queue.attempts END, \
         last_status = CASE WHEN back.tried THEN back.last_status ELSE queue.last_status END, \
         reason = coalesce(back.reason, queue.reason), revision = coalesce(back.revision, queue.revision) \
         FROM back WHERE queue.id = back.id AND queue.fence = back.fence AND queue.node IS NOT NULL RETURNING id",
    )
});

static DELIVERIES: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR REPLACE INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, last_status, \
         reason, revision, replay_of, ended_at) VALUES",
        13,
        "",
    )
});

static ATTEMPTS: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR IGNORE INTO attempts (delivery, number, fence, cause, started_at, ended_at, outcome, micros, next_at, \
         detail, response) VALUES",
        11,
        "",
    )
});

static BODIES: LazyLock<ManyRows> =
    LazyLock::new(|| ManyRows::new("INSERT OR IGNORE INTO bodies (delivery, draft, body) VALUES", 3, ""));

pub(super) async fn complete(connection: &mut SqliteConnection, completions: &[PackedCompletion]) -> Result<Vec<bool>> {
    let mut settled = HashSet::new();
    // The same claim completed twice: the second one is late, whatever it says.
    let first = |packed: &&PackedCompletion| settled.insert(claim_of(&packed.completion));
    let (ends, backs): (Vec<_>, Vec<_>) =
        completions.iter().filter(first).partition(|packed| ending(&packed.completion).is_some());

    let ended = take_out(connection, &ends).await?;
    let mut applied = put_back(connection, &backs).await?;
    DELIVERIES.run(connection, &ended, add_delivery).await?;
    applied.extend(ended.iter().map(|ended| claim_of(ended.completion)));

    ATTEMPTS.run(connection, &logged(completions), |values, packed| add_attempt(values, packed)).await?;
    // Taking the claim out of the set answers its first completion with `true` and any later one with `false`.
    let answers: Vec<bool> = completions.iter().map(|packed| applied.remove(&claim_of(&packed.completion))).collect();
    let counted = || completions.iter().zip(&answers).filter(|(_, applied)| **applied).map(|(packed, _)| packed);
    let made: Vec<&PackedCompletion> = counted().filter(|packed| packed.body.is_some()).collect();
    BODIES.run(connection, &made, |values, packed| add_body(values, packed)).await?;
    add_up(connection, counted().map(|packed| &packed.completion)).await?;
    Ok(answers)
}

type Claim = (DeliveryId, u32);

const fn claim_of(completion: &Completion) -> Claim {
    (completion.claimed.id, completion.claimed.fence)
}

const fn ending(completion: &Completion) -> Option<(DeliveryStatus, &Option<String>)> {
    match &completion.next {
        Completed::Next(Next::Ended { status, reason }) => Some((*status, reason)),
        Completed::Next(Next::Again { .. }) | Completed::Waiting | Completed::Scheduled(_) => None,
    }
}

/// A delivery that has ended, with what its queue row knew.
struct Ended<'a> {
    completion: &'a Completion,
    last_status: Option<i64>,
    revision: Option<i64>,
}

async fn take_out<'a>(connection: &mut SqliteConnection, ends: &[&'a PackedCompletion]) -> Result<Vec<Ended<'a>>> {
    let rows = TAKE_OUT.fetch(connection, ends, |values, packed| add_claim(values, &packed.completion)).await?;
    let by_id: std::collections::HashMap<DeliveryId, &'a Completion> =
        ends.iter().map(|packed| (packed.completion.claimed.id, &packed.completion)).collect();
    let mut ended = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(completion) = by_id.get(&row.id("id")?) else { continue };
        ended.push(Ended { completion, last_status: row.raw("last_status")?, revision: row.raw("revision")? });
    }
    Ok(ended)
}

async fn put_back(connection: &mut SqliteConnection, backs: &[&PackedCompletion]) -> Result<HashSet<Claim>> {
    let rows = PUT_BACK.fetch(connection, backs, |values, packed| add_back(values, &packed.completion)).await?;
    let ids: HashSet<DeliveryId> = rows.iter().map(|row| row.id("id")).collect::<Result<_>>()?;
    Ok(backs.iter().map(|packed| claim_of(&packed.completion)).filter(|(id, _)| ids.contains(id)).collect())
}

fn logged(completions: &[PackedCompletion]) -> Vec<&PackedCompletion> {
    completions.iter().filter(|packed| packed.attempt.is_some()).collect()
}

fn add_claim(values: &mut Values, completion: &Completion) {
    values.add(int(completion.claimed.id.number())).add(i64::from(completion.claimed.fence));
}

fn add_back(values: &mut Values, completion: &Completion) {
    let (due_at, reason) = match &completion.next {
        Completed::Next(Next::Again { at, reason }) => (Some(*at), Some(reason.as_str())),
        Completed::Scheduled(at) => (Some(*at), None),
        Completed::Waiting | Completed::Next(Next::Ended { .. }) => (None, None),
    };
    add_claim(values, completion);
    values
        .add(due_at.map(millis))
        .add(completion.attempt.is_some())
        .add(tries(completion))
        .add(status_of_reply(completion))
        .add(reason)
        .add(revision(completion));
}

fn add_delivery(values: &mut Values, ended: &Ended<'_>) {
    let completion = ended.completion;
    let claimed = &completion.claimed;
    let (status, reason) = match ending(completion) {
        Some((status, reason)) => (status, reason.as_deref()),
        None => (DeliveryStatus::Cancelled, None),
    };
    let last_status = if completion.attempt.is_some() { status_of_reply(completion) } else { ended.last_status };
    values
        .add(int(claimed.id.number()))
        .add(int(claimed.event.id.number()))
        .add(int(claimed.webhook.number()))
        .add(claimed.event.tenant.as_str())
        .add(status_number(status))
        .add(cause_number(claimed.trigger))
        .add(i64::from(claimed.fence))
        .add(tries(completion))
        .add(last_status)
        .add(reason)
        .add(revision(completion).or(ended.revision))
        .add(claimed.replay_of.map(|id| int(id.number())))
        .add(millis(completion.now));
}

fn add_attempt(values: &mut Values, packed: &PackedCompletion) {
    let (Some(attempt), Some(row)) = (&packed.completion.attempt, &packed.attempt) else { return };
    values
        .add(int(attempt.delivery.number()))
        .add(i64::from(attempt.number))
        .add(i64::from(packed.completion.claimed.fence))
        .add(cause_number(attempt.trigger))
        .add(millis(attempt.started_at))
        .add(millis(attempt.ended_at))
        .add(i64::from(row.outcome))
        .add(int(row.micros))
        .add(attempt.next_at.map(|at: Timestamp| millis(at)))
        .add(row.detail.as_slice())
        .add(row.response.as_deref());
}

fn add_body(values: &mut Values, packed: &PackedCompletion) {
    let Some(body) = &packed.body else { return };
    let delivery = int(packed.completion.claimed.id.number());
    values.add(delivery).add(body.draft.as_deref()).add(body.body.as_slice());
}

fn tries(completion: &Completion) -> i64 {
    i64::from(completion.attempt.as_ref().map_or(completion.claimed.attempts, |attempt| attempt.number))
}

fn status_of_reply(completion: &Completion) -> Option<i64> {
    let response = completion.attempt.as_ref()?.response.as_ref()?;
    Some(i64::from(response.status))
}

fn revision(completion: &Completion) -> Option<i64> {
    let fixed = completion.fixed.as_ref().or(completion.claimed.fixed.as_ref())?;
    Some(int(RevisionId::number(fixed.revision)))
}
