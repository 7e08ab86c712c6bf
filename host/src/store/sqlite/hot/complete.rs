//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and claimed. A late one leaves its
//! attempt in the log and changes nothing else; so does the second of two for the same claim.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::health;
use crate::model::delivery::{Claimed, DeliveryStatus, Next};
use crate::model::ids::RevisionId;
use crate::model::time::Timestamp;
use crate::store::packed::{PackedBody, PackedCompletion};
use crate::store::sqlite::convert::{cause_number, int, millis, status_number};
use crate::store::{Completed, Completion, Result};

const TAKE_OUT: &str = "DELETE FROM queue WHERE id = ? AND fence = ? AND node IS NOT NULL";

/// What earlier attempts left in the row. Asked beside [`TAKE_OUT`]: `DELETE … RETURNING` builds a table of its own at every call.
const KNOWN: &str = "SELECT last_status, revision FROM queue WHERE id = ?";

const PUT_BACK: &str = "UPDATE queue SET node = NULL, due_at = ?3, \
    attempts = CASE WHEN ?4 THEN ?5 ELSE attempts END, last_status = CASE WHEN ?4 THEN ?6 ELSE last_status END, \
    reason = coalesce(?7, reason), revision = coalesce(?8, revision) \
    WHERE id = ?1 AND fence = ?2 AND node IS NOT NULL";

macro_rules! delivery {
    ($insert:literal) => {
        concat!(
            $insert,
            " INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, last_status, reason, revision, \
             replay_of, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
    };
}

/// Not the other one in any case: for a statement that may replace rows SQLite keeps a copy of every page that it changes.
const DELIVERY: &str = delivery!("INSERT OR IGNORE");
/// For one that ended before and was taken back by hand.
const DELIVERY_AGAIN: &str = delivery!("INSERT OR REPLACE");

const ATTEMPT: &str = "INSERT OR IGNORE INTO attempts (delivery, number, fence, cause, started_at, ended_at, outcome, \
    micros, next_at, detail, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const BODY: &str = "INSERT OR IGNORE INTO bodies (delivery, draft, body) VALUES (?, ?, ?)";

/// One transaction's statements, those that nearly every completion needs.
struct Statements<'c> {
    connection: &'c Connection,
    take_out: CachedStatement<'c>,
    delivery: CachedStatement<'c>,
    attempt: CachedStatement<'c>,
}

pub(super) fn complete(transaction: &Connection, completions: &[PackedCompletion]) -> Result<Vec<bool>> {
    if completions.is_empty() {
        return Ok(Vec::new());
    }
    let mut statements = Statements {
        connection: transaction,
        take_out: transaction.prepare_cached(TAKE_OUT)?,
        delivery: transaction.prepare_cached(DELIVERY)?,
        attempt: transaction.prepare_cached(ATTEMPT)?,
    };
    let mut answers = Vec::with_capacity(completions.len());
    let mut tallies = health::Tallies::default();
    for packed in completions {
        let completion = &packed.completion;
        let applied = match ending(completion) {
            Some(ending) => statements.end(completion, ending)?,
            None => statements.put_back(completion)?,
        };
        statements.insert_attempt(packed)?;
        if applied {
            if let Some(body) = &packed.body {
                statements.insert_body(completion, body)?;
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

impl Statements<'_> {
    /// From the queue to the log.
    fn end(&mut self, completion: &Completion, (status, reason): Ending<'_>) -> Result<bool> {
        let claimed = &completion.claimed;
        let id = int(claimed.id.number());
        let (known_status, known_revision) = self.known(claimed)?;
        if self.take_out.execute(params![id, i64::from(claimed.fence)])? == 0 {
            return Ok(false);
        }
        let last_status = if completion.attempt.is_some() { status_of_reply(completion) } else { known_status };
        let row = params![
            id,
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
        ];
        if self.delivery.execute(row)? == 0 {
            self.connection.prepare_cached(DELIVERY_AGAIN)?.execute(row)?;
        }
        Ok(true)
    }

    /// Last status and revision as the queue row has them; nothing is there before the first attempt.
    fn known(&self, claimed: &Claimed) -> Result<(Option<i64>, Option<i64>)> {
        if claimed.attempts == 0 {
            return Ok((None, None));
        }
        let mut known = self.connection.prepare_cached(KNOWN)?;
        let row = known.query_row([int(claimed.id.number())], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?.unwrap_or_default())
    }

    fn put_back(&self, completion: &Completion) -> Result<bool> {
        let (due_at, reason) = match &completion.next {
            Completed::Next(Next::Again { at, reason }) => (Some(*at), Some(reason.as_str())),
            Completed::Scheduled(at) => (Some(*at), None),
            Completed::Waiting | Completed::Next(Next::Ended { .. }) => (None, None),
        };
        let changed = self.connection.prepare_cached(PUT_BACK)?.execute(params![
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

    fn insert_attempt(&mut self, packed: &PackedCompletion) -> Result<()> {
        let (Some(attempt), Some(row)) = (&packed.completion.attempt, &packed.attempt) else { return Ok(()) };
        self.attempt.execute(params![
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

    fn insert_body(&self, completion: &Completion, body: &PackedBody) -> Result<()> {
        let delivery = int(completion.claimed.id.number());
        self.connection.prepare_cached(BODY)?.execute(params![delivery, body.draft, body.body])?;
        Ok(())
    }
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
