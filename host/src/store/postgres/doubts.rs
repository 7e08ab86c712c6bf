//! Rows that may stand in this node's hands although nobody here knows of them: their transaction was sent off, and no answer came.
//!
//! The caller was told that nothing was written, or got no claim. If it was written all the same, nobody would ever work on it while
//! this node lives; so each pulse looks for such rows, and makes those that it finds due.

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, PgConnection};

use super::in_order::LET_GO;
use crate::store::Result;

/// For longer than a transaction can stand still on the server.
const LOOKS: u8 = 12;

#[derive(Default)]
pub(super) struct Doubts(Mutex<Vec<Doubt>>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) id: i64,
    pub(super) fence: i64,
    pub(super) node: i64,
    looks: u8,
}

impl Doubts {
    /// Rows as `(id, fence)`.
    pub(super) fn add(&self, node: i64, rows: impl IntoIterator<Item = (i64, i64)>) {
        self.0.lock().extend(rows.into_iter().map(|(id, fence)| Doubt { id, fence, node, looks: LOOKS }));
    }

    /// They are doubted from now on, whatever becomes of the caller, until it says that they are settled.
    pub(super) const fn until_settled(&self, node: i64, rows: Vec<(i64, i64)>) -> Unsettled<'_> {
        Unsettled { doubts: self, node, rows }
    }

    pub(super) fn take(&self) -> Vec<Doubt> {
        std::mem::take(&mut *self.0.lock())
    }

    /// Those that were not found may still come.
    pub(super) fn keep(&self, mut rest: Vec<Doubt>, found: &[i64]) {
        rest.retain_mut(|doubt| {
            doubt.looks = doubt.looks.saturating_sub(1);
            doubt.looks > 0 && !found.contains(&doubt.id)
        });
        self.0.lock().extend(rest);
    }

    /// The look failed.
    pub(super) fn put_back(&self, all: Vec<Doubt>) {
        self.0.lock().extend(all);
    }
}

/// A commit whose answer is waited for.
pub(super) struct Unsettled<'a> {
    doubts: &'a Doubts,
    node: i64,
    rows: Vec<(i64, i64)>,
}

impl Unsettled<'_> {
    pub(super) fn settled(mut self) {
        self.rows.clear();
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.doubts.add(self.node, self.rows.drain(..));
    }
}

/// Lets go of what stands in the queue as it is doubted to; returns which.
pub(super) async fn settle(transaction: &mut PgConnection, doubts: &[Doubt], now: i64) -> Result<Vec<i64>> {
    if doubts.is_empty() {
        return Ok(Vec::new());
    }
    let column = |of: fn(&Doubt) -> i64| doubts.iter().map(of).collect::<Vec<i64>>();
    let found = sqlx::query_scalar(AssertSqlSafe(format!(
        "UPDATE queue AS q SET node = NULL, due_at = {LET_GO} \
         FROM unnest($1::bigint[], $3::bigint[], $4::bigint[]) AS d (id, fence, node) \
         WHERE q.id = d.id AND q.fence = d.fence AND q.node = d.node RETURNING q.id",
    )))
    .bind(column(|doubt| doubt.id))
    .bind(now)
    .bind(column(|doubt| doubt.fence))
    .bind(column(|doubt| doubt.node))
    .fetch_all(transaction)
    .await?;
    Ok(found)
}
