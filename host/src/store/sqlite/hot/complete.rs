//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and claimed. A late one leaves its
//! attempt in the log and changes nothing else; so does the second of two for the same claim.

use rusqlite::{Connection, OptionalExtension, params};

use super::health;
use crate::model::delivery::{DeliveryStatus, Next};
use crate::model::ids::RevisionId;
use crate::model::time::Timestamp;
use crate::store::packed::{PackedBody, PackedCompletion};
use crate::store::sqlite::convert::{cause_number, int, millis, status_number};
use crate::store::{Completed, Completion, Result};

// Two statements: `DELETE … RETURNING` builds a table of its own at every call.
const CLAIMED: &str = "SELECT last_status, revision FROM queue WHERE id = ? AND fence = ? AND node IS NOT NULL";
const TAKE_OUT: &str = "DELETE FROM queue WHERE id = ?";

const PUT_BACK: &str = "UPDATE queue SET node = NULL, due_at = ?3, \
    attempts = CASE WHEN ?4 THEN ?5 ELSE attempts END, last_status = CASE WHEN ?4 THEN ?6 ELSE last_status END, \
    reason = coalesce(?7, reason), revision = coalesce(?8, revision) \
    WHERE id = ?1 AND fence = ?2 AND node IS NOT NULL";

const DELIVERY: &str = "INSERT OR REPLACE INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, \
    last_status, reason, revision, replay_of, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const ATTEMPT: &str = "INSERT OR IGNORE INTO attempts (delivery, number, fence, cause, started_at, ended_at, outcome, \
    micros, next_at, detail, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const BODY: &str = "INSERT OR IGNORE INTO bodies (delivery, draft, body) VALUES (?, ?, ?)";

pub(super) fn complete(transaction: &Connection, completions: &[PackedCompletion]) -> Result<Vec<bool>> {
    let mut answers = Vec::with_capacity(completions.len());
    let mut tallies = health::Tallies::default();
    for packed in completions {
        let completion = &packed.completion;
        let applied = match ending(completion) {
            Some(ending) => end(transaction, completion, ending)?,
            None => put_back(transaction, completion)?,
        };
        insert_attempt(transaction, packed)?;
        if applied {
            if let Some(body) = &packed.body {
                insert_body(transaction, completion, body)?;
            }
            tallies.count(completion);
        }
        answers.push(applied);
    }
    tallies.write(transaction)?;
    Ok(answers)
}

type Ending<'a> = (DeliveryStatus, Option<&'a str>);

fn ending(completion: &Completion) -> Option<Ending<'_>> {
    match &completion.next {
        Completed::Next(Next::Ended { status, reason }) => Some((*status, reason.as_deref())),
        Completed::Next(Next::Again { .. }) | Completed::Waiting | Completed::Scheduled(_) => None,
    }
}

/// From the queue to the log.
fn end(transaction: &Connection, completion: &Completion, (status, reason): Ending<'_>) -> Result<bool> {
    let claimed = &completion.claimed;
    let claim = params![int(claimed.id.number()), i64::from(claimed.fence)];
    let known = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let held = transaction.prepare_cached(CLAIMED)?.query_row(claim, known).optional()?;
    let Some((known_status, known_revision)): Option<(Option<i64>, Option<i64>)> = held else { return Ok(false) };
    transaction.prepare_cached(TAKE_OUT)?.execute([int(claimed.id.number())])?;
    let last_status = if completion.attempt.is_some() { status_of_reply(completion) } else { known_status };
    transaction.prepare_cached(DELIVERY)?.execute(params![
        int(claimed.id.number()),
        int(claimed.event.id.number()),
        int(claimed.webhook.number()),
        claimed.event.tenant.as_str(),
        status_number(status),
        cause_number(claimed.trigger),
        i64::from(claimed.fence),
        tries(completion),
        last_status,
        reason,
        revision(completion).or(known_revision),
        claimed.replay_of.map(|id| int(id.number())),
        millis(completion.now),
    ])?;
    Ok(true)
}

fn put_back(transaction: &Connection, completion: &Completion) -> Result<bool> {
    let (due_at, reason) = match &completion.next {
        Completed::Next(Next::Again { at, reason }) => (Some(*at), Some(reason.as_str())),
        Completed::Scheduled(at) => (Some(*at), None),
        Completed::Waiting | Completed::Next(Next::Ended { .. }) => (None, None),
    };
    let changed = transaction.prepare_cached(PUT_BACK)?.execute(params![
        int(completion.claimed.id.number()),
        i64::from(completion.claimed.fence),
        due_at.map(millis),
        completion.attempt.is_some(),
        tries(completion),
        status_of_reply(completion),
        reason,
        revision(completion),
    ])?;
    Ok(changed > 0)
}

fn insert_attempt(transaction: &Connection, packed: &PackedCompletion) -> Result<()> {
    let (Some(attempt), Some(row)) = (&packed.completion.attempt, &packed.attempt) else { return Ok(()) };
    transaction.prepare_cached(ATTEMPT)?.execute(params![
        int(attempt.delivery.number()),
        i64::from(attempt.number),
        i64::from(packed.completion.claimed.fence),
        cause_number(attempt.trigger),
        millis(attempt.started_at),
        millis(attempt.ended_at),
        i64::from(row.outcome),
        int(row.micros),
        attempt.next_at.map(|at: Timestamp| millis(at)),
        row.detail,
        row.response,
    ])?;
    Ok(())
}

fn insert_body(transaction: &Connection, completion: &Completion, body: &PackedBody) -> Result<()> {
    let delivery = int(completion.claimed.id.number());
    transaction.prepare_cached(BODY)?.execute(params![delivery, body.draft, body.body])?;
    Ok(())
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
