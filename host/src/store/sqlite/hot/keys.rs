//! Idempotency keys: each is appended to a log at once, and put into its index behind, in sorted runs.
//!
//! A key is kept under a hash, so its place in an index is a random one: written by itself, every key would take a page of the
//! write-ahead log for its own. New keys are therefore found in memory, and when there are [`RUN`] of them, they go into the index in
//! the index's own order, neighbours together, a few with every group (`docs/adr/0024-idempotency-index-in-runs.md`).
//! What is in memory is read back from the log when the database is opened.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::Target;
use super::feed::{Cell, Rows};
use super::row::time;
use crate::model::time::Timestamp;
use crate::store::admission::{KeptAnswer, Scope, WINDOW};
use crate::store::sqlite::convert::millis;
use crate::store::{IdempotencyClaim, NewBatch, Result};

/// As many keys go into the index together; about twice as many are in memory at most, at some 40 bytes each.
const RUN: usize = 65_536;
/// How many entries a group writes beside twice those that it brings: a run is through before the next one is full.
const SETTLED_BESIDE: usize = 16;
/// The name of the setting that says up to which key the index is complete.
const INDEXED: &str = "keys_indexed";

/// Of rows as [`Keys::row`] makes them.
pub(super) const APPEND: &str = "INSERT OR FAIL INTO idempotency_keys (id, scope, body_digest, answer, kept_at) \
    SELECT c0, c1, c2, c3, c4 FROM feed";
const SETTLE: &str = "INSERT OR IGNORE INTO idempotency_index (day, fingerprint, key) SELECT c0, c1, c2 FROM feed";
const SETTLED: &str = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)";
/// The highest number that was given to a key, as far as is known.
const LAST: &str = "SELECT max(coalesce((SELECT max(id) FROM idempotency_keys), 0), \
    coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?), 0))";
/// The index's first day and its last one; a range without a day where it is empty.
const DAYS: &str = "SELECT coalesce((SELECT min(day) FROM idempotency_index), 9223372036854775807), \
    coalesce((SELECT max(day) FROM idempotency_index), -9223372036854775808)";
const UNSETTLED: &str = "SELECT id, scope, kept_at FROM idempotency_keys WHERE id > \
    coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?), 0)";
const BY_ID: &str = "SELECT body_digest, answer, kept_at FROM idempotency_keys WHERE id = ? AND scope = ?";
const BY_INDEX: &str = "SELECT k.body_digest, k.answer, k.kept_at FROM idempotency_index AS i \
    CROSS JOIN idempotency_keys AS k ON k.id = i.key \
    WHERE i.day = ? AND i.fingerprint = ? AND k.scope = ? ORDER BY i.key DESC LIMIT 1";

/// The keys from the first one to this are forgotten; the newest stays, so that no number is given twice.
const OLDEST: &str = "SELECT max(id) FROM (SELECT id, kept_at FROM idempotency_keys ORDER BY id LIMIT ?) \
    WHERE kept_at <= ? AND id < (SELECT max(id) FROM idempotency_keys)";
const FORGET: &str = "DELETE FROM idempotency_keys WHERE id <= ? AND kept_at <= ?";
const FORGET_INDEX: &str = "DELETE FROM idempotency_index WHERE (day, fingerprint, key) IN \
    (SELECT day, fingerprint, key FROM idempotency_index WHERE day < ? ORDER BY day, fingerprint, key LIMIT ?)";

/// A row of the index: the day, the first 8 bytes of the scope, and the key's number in the log.
type Entry = (i64, i64, i64);

/// The keys that the index doesn't have yet.
#[derive(Debug)]
pub(super) struct Keys {
    /// Since the last run was begun.
    fresh: BTreeSet<Entry>,
    /// What is left of the run that is being written.
    run: BTreeSet<Entry>,
    /// The highest key of that run.
    run_ends: i64,
    /// How many make a run.
    length: usize,
    /// The number of the key that was kept last.
    last: i64,
    /// From the first day that the index may have to the last one.
    days: RangeInclusive<i64>,
}

/// What a transaction did, to be told to [`Keys::committed`] once it holds.
#[derive(Debug, Default)]
pub(super) struct Changes {
    appended: Vec<Entry>,
    settled: usize,
}

/// One transaction's statements to find a key by.
pub(super) struct Lookup<'c> {
    connection: &'c Connection,
    by_index: CachedStatement<'c>,
}

impl Keys {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        Self::load_with(connection, RUN)
    }

    fn load_with(connection: &Connection, length: usize) -> Result<Self> {
        let last = connection.query_row(LAST, [INDEXED], |row| row.get(0))?;
        let days = connection.query_row(DAYS, [], |row| Ok(row.get(0)?..=row.get(1)?))?;
        let mut keys = Self { fresh: BTreeSet::new(), run: BTreeSet::new(), run_ends: 0, length, last, days };
        let mut statement = connection.prepare(UNSETTLED)?;
        let mut rows = statement.query([INDEXED])?;
        while let Some(row) = rows.next()? {
            let scope: Scope = row.get("scope")?;
            keys.fresh.insert((day_of(time(row, "kept_at")?), fingerprint(&scope), row.get("id")?));
        }
        Ok(keys)
    }

    /// What was answered under this key, if it is remembered.
    pub(super) fn find(
        &self,
        lookup: &mut Lookup<'_>,
        claim: &IdempotencyClaim,
        now: Timestamp,
    ) -> Result<Option<KeptAnswer>> {
        let scope = claim.scope;
        for key in self.in_memory(fingerprint(&scope), now) {
            let mut by_id = lookup.connection.prepare_cached(BY_ID)?;
            if let Some(kept) = by_id.query_row(params![key, scope], kept_answer).optional()? {
                return Ok(Some(kept));
            }
        }
        for day in days(now).into_iter().filter(|day| self.days.contains(day)) {
            let found = lookup.by_index.query_row(params![day, fingerprint(&scope), scope], kept_answer);
            if let Some(kept) = found.optional()? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// What is kept of the batch, if it has a key.
    pub(super) fn row(&self, batch: &NewBatch, changes: &mut Changes) -> Option<[Cell; 5]> {
        let claim = batch.idempotency.as_ref()?;
        let key = self.last + i64::try_from(changes.appended.len()).unwrap_or_default() + 1;
        changes.appended.push((day_of(batch.now), fingerprint(&claim.scope), key));
        let (scope, digest, answer) = (claim.scope.into(), claim.body_digest.into(), claim.answer.clone().into());
        Some([key.into(), scope, digest, answer, millis(batch.now).into()])
    }

    /// The newest first.
    fn in_memory(&self, fingerprint: i64, now: Timestamp) -> impl Iterator<Item = i64> {
        days(now).into_iter().flat_map(move |day| {
            let range = (day, fingerprint, i64::MIN)..=(day, fingerprint, i64::MAX);
            let newest_first = self.fresh.range(range.clone()).rev().chain(self.run.range(range).rev());
            newest_first.map(|(_, _, key)| *key)
        })
    }

    /// Writes the next entries of the run into the index.
    pub(super) fn settle(&self, target: Target<'_>, changes: &mut Changes) -> Result<()> {
        if self.run.is_empty() {
            return Ok(());
        }
        let most = 2 * changes.appended.len() + SETTLED_BESIDE;
        let next = self.run.iter().take(most);
        let rows: Rows<3> = next.map(|(day, fingerprint, key)| [*day, *fingerprint, *key].map(Cell::from)).collect();
        target.insert(SETTLE, &Arc::new(rows))?;
        changes.settled = most.min(self.run.len());
        if changes.settled == self.run.len() {
            target.connection.prepare_cached(SETTLED)?.execute(params![INDEXED, self.run_ends.to_string()])?;
        }
        Ok(())
    }

    pub(super) fn committed(&mut self, changes: Changes) {
        for _ in 0..changes.settled {
            let Some((day, ..)) = self.run.pop_first() else { break };
            self.days = day.min(*self.days.start())..=day.max(*self.days.end());
        }
        self.last += i64::try_from(changes.appended.len()).unwrap_or_default();
        self.fresh.extend(changes.appended);
        if self.run.is_empty() && self.fresh.len() >= self.length {
            self.run_ends = self.fresh.iter().map(|(_, _, key)| *key).max().unwrap_or_default();
            self.run = std::mem::take(&mut self.fresh);
        }
    }
}

/// Keys that were kept until then, in the order in which they were kept, and their days in the index: at most so many rows.
pub(super) fn forget(target: Target<'_>, until: Timestamp, rows: usize) -> Result<usize> {
    let limit = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    let oldest: Option<i64> =
        target.connection.prepare_cached(OLDEST)?.query_row(params![limit(rows), millis(until)], |row| row.get(0))?;
    let keys = match oldest {
        Some(last) => target.connection.prepare_cached(FORGET)?.execute(params![last, millis(until)])?,
        None => 0,
    };
    let left = limit(rows.saturating_sub(keys));
    let indexed = target.connection.prepare_cached(FORGET_INDEX)?.execute(params![day_of(until), left])?;
    Ok(keys + indexed)
}

impl<'c> Lookup<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        Ok(Self { connection, by_index: connection.prepare_cached(BY_INDEX)? })
    }
}

/// The day since 1970, as the index has it.
fn day_of(time: Timestamp) -> i64 {
    millis(time) / 86_400_000
}

/// The days in which a key may have been kept that is remembered now, the last one first.
fn days(now: Timestamp) -> [i64; 2] {
    [day_of(now), day_of(now.minus(WINDOW))]
}

fn fingerprint(scope: &Scope) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *scope;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn kept_answer(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptAnswer> {
    Ok(KeptAnswer {
        body_digest: row.get("body_digest")?,
        answer: row.get::<_, Vec<u8>>("answer")?.into(),
        kept_at: Timestamp::from_millis(row.get::<_, i64>("kept_at")?.unsigned_abs()),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::feed::Feed;
    use super::*;
    use crate::model::name::Tenant;
    use crate::store::admission::scope_of;

    const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn batch(number: usize, now: Timestamp) -> NewBatch {
        let scope = scope_of(&Tenant::default_tenant(), "/api/events", &number.to_string());
        let claim = IdempotencyClaim { scope, body_digest: [7; 32], answer: format!("answer {number}").into() };
        NewBatch { events: Vec::new(), idempotency: Some(claim), now }
    }

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../../migrations/sqlite/0001_initial.sql")).unwrap();
        connection
    }

    /// As the group commit does it.
    fn keep(keys: &mut Keys, target: Target<'_>, batch: &NewBatch) {
        let mut changes = Changes::default();
        let rows: Rows<5> = keys.row(batch, &mut changes).into_iter().collect();
        target.insert(APPEND, &Arc::new(rows)).unwrap();
        keys.settle(target, &mut changes).unwrap();
        keys.committed(changes);
    }

    fn answer(keys: &Keys, connection: &Connection, batch: &NewBatch) -> Option<Bytes> {
        let mut lookup = Lookup::new(connection).unwrap();
        let found = keys.find(&mut lookup, batch.idempotency.as_ref().unwrap(), batch.now).unwrap();
        found.map(|kept| kept.answer)
    }

    fn indexed(connection: &Connection) -> u32 {
        connection.query_row("SELECT count(*) FROM idempotency_index", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_key_is_found_wherever_it_stands_and_after_every_restart() {
        let connection = database();
        let target = Target { connection: &connection, feed: &Feed::of(&connection).unwrap() };
        let mut keys = Keys::load_with(&connection, 50).unwrap();
        let batches: Vec<_> = (0..400).map(|number| batch(number, NOON)).collect();
        for (number, new) in batches.iter().enumerate() {
            assert_eq!(answer(&keys, &connection, new), None, "{number}");
            keep(&mut keys, target, new);
            if number % 17 == 0 {
                keys = Keys::load_with(&connection, 50).unwrap();
            }
            for old in batches.iter().take(number + 1).step_by(7) {
                let expected = &old.idempotency.as_ref().unwrap().answer;
                assert_eq!(answer(&keys, &connection, old).as_ref(), Some(expected));
            }
        }
        let in_memory = keys.fresh.len() + keys.run.len();
        assert!(indexed(&connection) >= 300 && in_memory <= 100, "{} and {in_memory}", indexed(&connection));
    }

    #[test]
    fn of_one_key_kept_twice_the_newest_counts() {
        let connection = database();
        let target = Target { connection: &connection, feed: &Feed::of(&connection).unwrap() };
        let (later, mut keys) = (NOON.plus(WINDOW), Keys::load_with(&connection, 2).unwrap());
        for now in [NOON, later] {
            keep(&mut keys, target, &batch(1, now));
            (10..15).for_each(|number| keep(&mut keys, target, &batch(number, now)));
            let mut lookup = Lookup::new(&connection).unwrap();
            let claim = batch(1, now).idempotency.unwrap();
            let kept = keys.find(&mut lookup, &claim, now).unwrap().unwrap();
            assert_eq!(kept.kept_at, now);
        }
    }

    #[test]
    fn a_key_is_looked_for_no_longer_than_it_is_remembered() {
        let connection = database();
        let target = Target { connection: &connection, feed: &Feed::of(&connection).unwrap() };
        let mut keys = Keys::load_with(&connection, 1).unwrap();
        keep(&mut keys, target, &batch(1, NOON));
        assert!(answer(&keys, &connection, &batch(1, NOON.plus(WINDOW))).is_some(), "the caller judges by the time");
        assert_eq!(answer(&keys, &connection, &batch(1, NOON.plus(3 * WINDOW))), None);
    }
}
