//! The hot path's second half: how attempts ended. The queue row goes or is put back, the log's rows are written.
//!
//! A completion counts only if the queue row still is in this claim's hands: same fence, and claimed. A late one leaves its
//! attempt in the log and changes nothing else; so does the second of two for the same claim.

use std::sync::Arc;

use rusqlite::{CachedStatement, OptionalExtension, params};

use super::feed::{Cell, Rows};
use super::{Target, health};
use crate::model::delivery::{Claimed, DeliveryStatus, Next};
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

macro_rules! deliveries {
    ($insert:literal) => {
        concat!(
            $insert,
            " INTO deliveries (id, event, webhook, tenant, status, cause, fence, attempts, last_status, reason, revision, \
             replay_of, ended_at) SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12 FROM feed"
        )
    };
}

/// Not the other one in any case: for a statement that may replace rows SQLite keeps a copy of every page that it changes.
const DELIVERIES: &str = deliveries!("INSERT OR IGNORE");
/// Where one of them ended before and was taken back by hand.
const DELIVERIES_AGAIN: &str = deliveries!("INSERT OR REPLACE");

const ATTEMPTS: &str = "INSERT OR IGNORE INTO attempts (delivery, number, fence, cause, started_at, ended_at, outcome, \
    micros, next_at, detail, response) SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 FROM feed";

const BODIES: &str = "INSERT OR IGNORE INTO bodies (delivery, draft, body) SELECT c0, c1, c2 FROM feed";

/// What of a group is to be written, once the queue has let go of it.
struct Log<'c> {
    target: Target<'c>,
    take_out: CachedStatement<'c>,
    deliveries: Rows<13>,
    attempts: Rows<11>,
    bodies: Rows<3>,
}

pub(super) fn complete(target: Target<'_>, completions: &[PackedCompletion]) -> Result<Vec<bool>> {
    if completions.is_empty() {
        return Ok(Vec::new());
    }
    let take_out = target.connection.prepare_cached(TAKE_OUT)?;
    let mut log = Log { target, take_out, deliveries: Vec::new(), attempts: Vec::new(), bodies: Vec::new() };
    let mut answers = Vec::with_capacity(completions.len());
    let mut tallies = health::Tallies::default();
    for packed in completions {
        let completion = &packed.completion;
        let applied = match ending(completion) {
            Some(ending) => log.end(completion, ending)?,
            None => log.put_back(completion)?,
        };
        log.attempts.extend(attempt_row(packed));
        if applied {
            log.bodies.extend(packed.body.as_ref().map(|body| body_row(completion, body)));
            tallies.count(completion);
        }
        answers.push(applied);
    }
    log.write()?;
    tallies.write(target.connection)?;
    Ok(answers)
}

type Ending<'a> = (DeliveryStatus, Option<&'a str>);

fn ending(completion: &Completion) -> Option<Ending<'_>> {
    match &completion.next {
        Completed::Next(Next::Ended { status, reason }) => Some((*status, reason.as_deref())),
        Completed::Next(Next::Again { .. }) | Completed::Waiting | Completed::Scheduled(_) => None,
    }
}

impl Log<'_> {
    /// From the queue to the log.
    fn end(&mut self, completion: &Completion, (status, reason): Ending<'_>) -> Result<bool> {
        let claimed = &completion.claimed;
        let id = int(claimed.id.number());
        let (known_status, known_revision) = self.known(claimed)?;
        if self.take_out.execute(params![id, i64::from(claimed.fence)])? == 0 {
            return Ok(false);
        }
        let last_status =
            if completion.attempt.is_some() { completion.reply_status().map(i64::from) } else { known_status };
        self.deliveries.push([
            id.into(),
            int(claimed.event.id.number()).into(),
            int(claimed.webhook.number()).into(),
            claimed.event.tenant.shared().into(),
            status_number(status).into(),
            cause_number(claimed.trigger).into(),
            i64::from(claimed.fence).into(),
            i64::from(completion.tries()).into(),
            last_status.into(),
            reason.map(Arc::<str>::from).into(),
            completion.revision().map(|id| int(id.number())).or(known_revision).into(),
            claimed.replay_of.map(|id| int(id.number())).into(),
            millis(completion.now).into(),
        ]);
        Ok(true)
    }

    /// Last status and revision as the queue row has them; nothing is there before the first attempt.
    fn known(&self, claimed: &Claimed) -> Result<(Option<i64>, Option<i64>)> {
        if claimed.attempts == 0 {
            return Ok((None, None));
        }
        let mut known = self.target.connection.prepare_cached(KNOWN)?;
        let row = known.query_row([int(claimed.id.number())], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?.unwrap_or_default())
    }

    fn put_back(&self, completion: &Completion) -> Result<bool> {
        let (due_at, reason) = match &completion.next {
            Completed::Next(Next::Again { at, reason }) => (Some(*at), Some(reason.as_str())),
            Completed::Scheduled(at) => (Some(*at), None),
            Completed::Waiting | Completed::Next(Next::Ended { .. }) => (None, None),
        };
        let changed = self.target.connection.prepare_cached(PUT_BACK)?.execute(params![
            int(completion.claimed.id.number()),
            i64::from(completion.claimed.fence),
            due_at.map(millis),
            completion.attempt.is_some(),
            i64::from(completion.tries()),
            completion.reply_status().map(i64::from),
            reason,
            completion.revision().map(|id| int(id.number())),
        ])?;
        Ok(changed > 0)
    }

    fn write(self) -> Result<()> {
        let ended = Arc::new(self.deliveries);
        if self.target.insert(DELIVERIES, &ended)? < ended.len() {
            self.target.insert(DELIVERIES_AGAIN, &ended)?;
        }
        self.target.insert(ATTEMPTS, &Arc::new(self.attempts))?;
        self.target.insert(BODIES, &Arc::new(self.bodies))?;
        Ok(())
    }
}

fn body_row(completion: &Completion, body: &PackedBody) -> [Cell; 3] {
    [int(completion.claimed.id.number()).into(), body.draft.clone().into(), body.body.clone().into()]
}

fn attempt_row(packed: &PackedCompletion) -> Option<[Cell; 11]> {
    let (attempt, row) = (packed.completion.attempt.as_ref()?, packed.attempt.as_ref()?);
    Some([
        int(attempt.delivery.number()).into(),
        i64::from(attempt.number).into(),
        i64::from(packed.completion.claimed.fence).into(),
        cause_number(attempt.trigger).into(),
        millis(attempt.started_at).into(),
        millis(attempt.ended_at).into(),
        i64::from(row.outcome).into(),
        int(row.micros).into(),
        attempt.next_at.map(millis).into(),
        row.detail.clone().into(),
        row.response.clone().into(),
    ])
}
