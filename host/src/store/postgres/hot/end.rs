//! Deliveries that have ended: from the queue to the log, with the attempt and the body that it fixed, by one statement.

use sqlx::PgConnection;

use super::complete::{Counted, column, counted, id};
use super::without_nul;
use crate::model::attempt::Attempt;
use crate::model::delivery::{DeliveryStatus, Next};
use crate::store::packed::{PackedAttempt, PackedBody, PackedCompletion};
use crate::store::postgres::convert::{cause_number, int, millis, status_number};
use crate::store::{Completed, Completion, Result};

macro_rules! end {
    ($deliveries_again:literal, $attempts_again:literal) => {
        concat!(
            "WITH gone AS (DELETE FROM queue AS q USING unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
                $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], \
                $14::bigint[], $15::bigint[], $16::bytea[], $17::bytea[], $18::text[], $19::bytea[]) \
                AS c (id, fence, status, attempts, last_status, reason, revision, ended_at, trigger, started_at, answered_at, \
                outcome, micros, next_at, detail, response, draft, body) \
            WHERE q.id = c.id AND q.fence = c.fence AND q.node = $1 \
            RETURNING q.id, q.class, q.event, q.webhook, q.tenant, c.status, q.cause, q.fence, c.attempts, \
                CASE WHEN c.started_at IS NOT NULL THEN c.last_status ELSE q.last_status END AS last_status, c.reason, \
                coalesce(c.revision, q.revision) AS revision, q.replay_of, c.ended_at, c.trigger, c.started_at, c.answered_at, \
                c.outcome, c.micros, c.next_at, c.detail, c.response, c.draft, c.body), \
            ended AS (INSERT INTO deliveries (id, class, event, webhook, tenant, status, cause, fence, attempts, last_status, \
                    reason, revision, replay_of, ended_at) \
                SELECT id, class, event, webhook, tenant, status, cause, fence, attempts, last_status, reason, revision, \
                    replay_of, ended_at FROM gone ",
            $deliveries_again,
            "), tried AS (INSERT INTO attempts (delivery, class, number, fence, cause, started_at, ended_at, outcome, micros, \
                    next_at, detail, response) \
                SELECT id, class, attempts, fence, trigger, started_at, answered_at, outcome, micros, next_at, detail, response \
                    FROM gone WHERE started_at IS NOT NULL ",
            $attempts_again,
            "), made AS (INSERT INTO bodies (delivery, class, draft, body) \
                SELECT id, class, draft, body FROM gone WHERE body IS NOT NULL ON CONFLICT DO NOTHING) \
            SELECT id, fence, class FROM gone"
        )
    };
}

/// A completion without an attempt has no `started_at`. Its columns go along with what is
/// deleted, so that nothing is looked up twice.
const END: &str = end!("", "");
const END_AGAIN: &str = end!(
    "ON CONFLICT (id, class) DO UPDATE SET status = excluded.status, cause = excluded.cause, fence = excluded.fence, \
        attempts = excluded.attempts, last_status = excluded.last_status, reason = excluded.reason, \
        revision = excluded.revision, ended_at = excluded.ended_at",
    "ON CONFLICT DO NOTHING"
);

/// Whether a delivery may have ended before: to look for that costs as much as to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// One that did is a conflict, and nothing is written.
    First,
    Again,
}

type Ending<'a> = (DeliveryStatus, Option<&'a str>);

pub(super) fn ending(completion: &Completion) -> Option<Ending<'_>> {
    match &completion.next {
        Completed::Next(Next::Ended { status, reason }) => Some((*status, reason.as_deref())),
        Completed::Next(Next::Again { .. }) | Completed::Waiting | Completed::Scheduled(_) => None,
    }
}

/// Those of them that have ended; which were still in this node's hands.
pub(super) async fn end(
    connection: &mut PgConnection,
    (of, ends): (&[&PackedCompletion], Ends),
    node: i64,
) -> Result<Counted> {
    let statement = match ends {
        Ends::First => END,
        Ends::Again => END_AGAIN,
    };
    let ended: Vec<(&PackedCompletion, Ending<'_>)> =
        of.iter().filter_map(|packed| ending(&packed.completion).map(|ending| (*packed, ending))).collect();
    if ended.is_empty() {
        return Ok(Counted::new());
    }
    let of: Vec<&PackedCompletion> = ended.iter().map(|(packed, _)| *packed).collect();
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(statement)
        .bind(node)
        .bind(of.iter().map(|packed| id(packed)).collect::<Vec<_>>())
        .bind(column(&of, |completion| i64::from(completion.claimed.fence)))
        .bind(ended.iter().map(|(_, (status, _))| status_number(*status)).collect::<Vec<_>>())
        .bind(column(&of, |completion| i64::from(completion.tries())))
        .bind(column(&of, |completion| completion.reply_status().map(i64::from)))
        .bind(ended.iter().map(|(_, (_, reason))| reason.map(without_nul)).collect::<Vec<_>>())
        .bind(column(&of, |completion| completion.revision().map(|id| int(id.number()))))
        .bind(column(&of, |completion| millis(completion.now)))
        .bind(tried(&of, |attempt, _| cause_number(attempt.trigger)))
        .bind(tried(&of, |attempt, _| millis(attempt.started_at)))
        .bind(tried(&of, |attempt, _| millis(attempt.ended_at)))
        .bind(tried(&of, |_, row| i64::from(row.outcome)))
        .bind(tried(&of, |_, row| int(row.micros)))
        .bind(tried(&of, |attempt, _| attempt.next_at.map(millis)).into_iter().map(Option::flatten).collect::<Vec<_>>())
        .bind(tried(&of, |_, row| &*row.detail))
        .bind(tried(&of, |_, row| row.response.as_deref()).into_iter().map(Option::flatten).collect::<Vec<_>>())
        .bind(of.iter().map(|packed| made(packed).and_then(|body| body.draft.as_deref())).collect::<Vec<_>>())
        .bind(of.iter().map(|packed| made(packed).map(|body| &*body.body)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(counted(rows))
}

/// `None` where it didn't come to an attempt.
fn tried<'a, T>(of: &[&'a PackedCompletion], value: impl Fn(&'a Attempt, &'a PackedAttempt) -> T) -> Vec<Option<T>> {
    let attempt = |packed: &'a PackedCompletion| packed.completion.attempt.as_ref().zip(packed.attempt.as_ref());
    of.iter().map(|packed| attempt(packed).map(|(attempt, row)| value(attempt, row))).collect()
}

const fn made(packed: &PackedCompletion) -> Option<&PackedBody> {
    packed.body.as_ref()
}
