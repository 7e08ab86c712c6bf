//! Pages of a list, newest first: an index where there is one, else at most [`SCAN_MAX`] rows, and the answer says how far.

use sqlx::QueryBuilder;

use super::convert::int;
use super::dialect::{Connection, Db, FEW_ID, FEW_ORDER};
use crate::model::ids::floor_of;
use crate::model::page::{Page, SCAN_MAX};
use crate::model::time::Timestamp;
use crate::store::Result;

/// What the rows of a list must fulfil. Every SQL text in it is a constant; values are bound.
pub(super) struct Conditions {
    from: u64,
    below: Option<u64>,
    index: Option<Index>,
    scanned: Vec<(&'static str, Value)>,
    extra: &'static str,
    /// How the id is written in the range, and in the order.
    id: &'static str,
    order: &'static str,
}

struct Index {
    hint: &'static str,
    condition: &'static str,
    value: Option<Value>,
}

#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Conditions {
    /// Accepted at `since` or later and at `until` or earlier; with a lower id than `before`.
    pub(super) fn between(since: Option<Timestamp>, until: Option<Timestamp>, before: Option<u64>) -> Self {
        let after_until = until.map(|until| floor_of(Timestamp::from_millis(until.millis() + 1)));
        let below = match (after_until, before) {
            (Some(until), Some(before)) => Some(until.min(before)),
            (until, before) => until.or(before),
        };
        Self {
            from: since.map_or(0, floor_of),
            below,
            index: None,
            scanned: Vec::new(),
            extra: "",
            id: "r.id",
            order: "r.id",
        }
    }

    /// The rows that an index finds, in the order of their ids: `condition` ends where the value goes.
    pub(super) fn indexed(&mut self, hint: &'static str, condition: &'static str, value: impl Into<Value>) {
        self.index = Some(Index { hint, condition, value: Some(value.into()) });
    }

    /// The rows of a partial index.
    pub(super) fn in_partial(&mut self, hint: &'static str, condition: &'static str) {
        self.index = Some(Index { hint, condition, value: None });
    }

    pub(super) const fn has_index(&self) -> bool {
        self.index.is_some()
    }

    /// A condition that every row is looked at for: it ends where the value goes.
    pub(super) fn scanned(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.scanned.push((condition, value.into()));
    }

    /// A condition without a value, for which no row needs to be scanned in vain.
    pub(super) const fn always(&mut self, condition: &'static str) {
        self.extra = condition;
    }

    /// The rows are few and found otherwise: the range only filters them, and they are sorted in the end.
    pub(super) const fn sort_few(&mut self) {
        self.id = FEW_ID;
        self.order = FEW_ORDER;
    }

    pub(super) fn write_order(&self, query: &mut QueryBuilder<Db>, limit: u32) {
        query.push(" ORDER BY ").push(self.order).push(" DESC LIMIT ").push_bind(i64::from(limit) + 1);
    }

    pub(super) fn write_index(&self, query: &mut QueryBuilder<Db>) {
        if let Some(index) = &self.index {
            query.push(index.hint);
        }
    }

    pub(super) fn write_where(&self, query: &mut QueryBuilder<Db>, cut: Option<u64>) {
        self.write_range(query, cut);
        for (condition, value) in &self.scanned {
            query.push(" AND ").push(condition);
            push_value(query, value);
        }
        query.push(self.extra);
    }

    fn write_range(&self, query: &mut QueryBuilder<Db>, cut: Option<u64>) {
        query
            .push(" WHERE ")
            .push(self.id)
            .push(" >= ")
            .push_bind(int(cut.map_or(self.from, |cut| cut.max(self.from))));
        if let Some(below) = self.below {
            query.push(" AND ").push(self.id).push(" < ").push_bind(int(below));
        }
        if let Some(index) = &self.index {
            query.push(" AND ").push(index.condition);
            index.value.iter().for_each(|value| push_value(query, value));
        }
    }
}

fn push_value(query: &mut QueryBuilder<Db>, value: &Value) {
    match value {
        Value::Text(text) => query.push_bind(text.clone()),
        Value::Number(number) => query.push_bind(*number),
    };
}

/// The id at which a scan of [`SCAN_MAX`] rows ends; `None` where it reaches the end of the list, or nothing is scanned in vain.
pub(super) async fn cut(
    connection: &mut Connection,
    table: &'static str,
    conditions: &Conditions,
) -> Result<Option<u64>> {
    if conditions.scanned.is_empty() {
        return Ok(None);
    }
    let mut query = QueryBuilder::<Db>::new("SELECT r.id FROM ");
    query.push(table).push(" AS r");
    conditions.write_index(&mut query);
    conditions.write_range(&mut query, None);
    query.push(" ORDER BY r.id DESC LIMIT 1 OFFSET ").push_bind(i64::from(SCAN_MAX) - 1);
    let last: Option<i64> = query.build_query_scalar().fetch_optional(connection).await?;
    Ok(last.map(i64::unsigned_abs))
}

/// `found`: newest first, all with an id of at least `cut`, one more than `limit` where there are so many.
pub(super) fn page<T>(mut found: Vec<T>, limit: u32, cut: Option<u64>, id: impl Fn(&T) -> u64) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() > limit {
        found.truncate(limit);
        let next = found.last().map(id);
        return Page { rows: found, next, scanned_to: None };
    }
    Page { rows: found, next: cut, scanned_to: cut }
}
