//! Rows on their way into a table: all that a group writes there goes in by one statement, `INSERT … SELECT … FROM feed`.
//!
//! A statement executed for every row costs as much again as the row: its cursors are opened and closed, its values bound and
//! unbound (`docs/adr/0028-rows-through-a-feed.md`). `feed` is a table that only its connection knows. It has the rows of
//! [`Feed::insert`] while that runs, their columns are called `c0`, `c1` and so on.

use std::ffi::c_int;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::vtab::{Context, Filters, IndexInfo, VTab, VTabConnection, VTabCursor, eponymous_only_module};
use rusqlite::{Connection, Row, ToSql, ffi};

use crate::store::Result;

const SCHEMA: &str = "CREATE TABLE feed (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12)";

/// One value, shared with where it came from.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(Arc<str>),
    Hash([u8; 32]),
    Bytes(Bytes),
}

/// Rows of `N` values each, for one table.
pub(super) type Rows<const N: usize> = Vec<[Cell; N]>;

/// A connection's end of its `feed`.
pub(super) struct Feed(Slot);

/// What `feed` has at the moment.
type Slot = Arc<Mutex<Arc<dyn Source>>>;

trait Source: Send + Sync {
    fn rows(&self) -> usize;
    fn cell(&self, row: usize, column: usize) -> Option<&Cell>;
}

impl Feed {
    /// To be made once for a connection, before any statement that reads from `feed`.
    pub(super) fn of(connection: &Connection) -> Result<Self> {
        let slot: Slot = Arc::new(Mutex::new(nothing()));
        connection.create_module(c"feed", eponymous_only_module::<Table>(), Some(Arc::clone(&slot)))?;
        Ok(Self(slot))
    }

    /// Executes a statement that reads these rows from `feed`; how many it wrote.
    pub(super) fn insert<const N: usize>(
        &self,
        connection: &Connection,
        statement: &str,
        rows: &Arc<Rows<N>>,
    ) -> Result<usize> {
        if rows.is_empty() {
            return Ok(0);
        }
        let mut statement = connection.prepare_cached(statement)?;
        *self.0.lock() = Arc::<Rows<N>>::clone(rows);
        let written = statement.execute([]);
        *self.0.lock() = nothing();
        Ok(written?)
    }

    /// What a query finds that reads these rows from `feed`.
    pub(super) fn select<const N: usize, T>(
        &self,
        connection: &Connection,
        query: &str,
        (rows, parameters): (&Arc<Rows<N>>, &[&dyn ToSql]),
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut query = connection.prepare_cached(query)?;
        *self.0.lock() = Arc::<Rows<N>>::clone(rows);
        let found = query.query_map(parameters, read).and_then(Iterator::collect);
        *self.0.lock() = nothing();
        Ok(found?)
    }
}

fn nothing() -> Arc<dyn Source> {
    Arc::new(Rows::<0>::new())
}

impl<const N: usize> Source for Rows<N> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        self.get(row)?.get(column)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Arc<str>> for Cell {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<[u8; 32]> for Cell {
    fn from(hash: [u8; 32]) -> Self {
        Self::Hash(hash)
    }
}

impl From<Bytes> for Cell {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Hash(hash) => ValueRef::Blob(hash),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The table as SQLite sees it.
#[repr(C)]
struct Table {
    base: ffi::sqlite3_vtab,
    slot: Slot,
}

/// One walk over the rows.
#[repr(C)]
struct Walk {
    base: ffi::sqlite3_vtab_cursor,
    slot: Slot,
    source: Arc<dyn Source>,
    at: usize,
}

#[allow(unsafe_code, reason = "SQLite's base comes first, as the trait asks for; nothing else is promised")]
unsafe impl VTab<'_> for Table {
    type Aux = Slot;
    type Cursor = Walk;

    fn connect(_: &mut VTabConnection, slot: Option<&Slot>, _: &[&[u8]]) -> rusqlite::Result<(String, Self)> {
        let slot = slot.map_or_else(|| Arc::new(Mutex::new(nothing())), Arc::clone);
        Ok((SCHEMA.to_owned(), Self { base: ffi::sqlite3_vtab::default(), slot }))
    }

    /// There is one way: from the first to the last.
    fn best_index(&self, _: &mut IndexInfo) -> rusqlite::Result<()> {
        Ok(())
    }

    fn open(&mut self) -> rusqlite::Result<Walk> {
        let slot = Arc::clone(&self.slot);
        Ok(Walk { base: ffi::sqlite3_vtab_cursor::default(), slot, source: nothing(), at: 0 })
    }
}

#[allow(unsafe_code, reason = "SQLite's base comes first, as the trait asks for; nothing else is promised")]
unsafe impl VTabCursor for Walk {
    fn filter(&mut self, _: c_int, _: Option<&str>, _: &Filters<'_>) -> rusqlite::Result<()> {
        self.source = Arc::clone(&self.slot.lock());
        self.at = 0;
        Ok(())
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        self.at += 1;
        Ok(())
    }

    fn eof(&self) -> bool {
        self.at >= self.source.rows()
    }

    fn column(&self, context: &mut Context, column: c_int) -> rusqlite::Result<()> {
        match usize::try_from(column).ok().and_then(|column| self.source.cell(self.at, column)) {
            Some(cell) => context.set_result(cell),
            None => context.set_result(&Null),
        }
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        Ok(i64::try_from(self.at).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_arrives_in_order_and_nothing_stays_behind() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE kept (a ANY, b ANY, c ANY) STRICT").unwrap();
        let feed = Feed::of(&connection).unwrap();
        let insert = "INSERT INTO kept (a, b, c) SELECT c0, c1, c2 FROM feed";
        let text = Some(Arc::<str>::from("naïve"));
        let rows: Arc<Rows<3>> = Arc::new(vec![
            [Cell::from(7), text.into(), Bytes::from_static(b"\0\xff").into()],
            [None::<i64>.into(), [9; 32].into(), Bytes::new().into()],
        ]);
        assert_eq!(feed.insert(&connection, insert, &rows).unwrap(), 2);
        let shown = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        let nines = "09".repeat(32);
        let expected = ["7 'naïve' X'00FF'".to_owned(), format!("NULL X'{nines}' X''")];
        assert_eq!(shown("SELECT quote(a) || ' ' || quote(b) || ' ' || quote(c) FROM kept ORDER BY rowid"), expected);
        assert_eq!(shown("SELECT 'left behind' FROM feed"), Vec::<String>::new());
        assert_eq!(Arc::strong_count(&rows), 1);
    }

    #[test]
    fn after_a_statement_that_failed_the_next_one_has_its_own_rows() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE kept (a INTEGER PRIMARY KEY) STRICT").unwrap();
        let feed = Feed::of(&connection).unwrap();
        let insert = "INSERT INTO kept (a) SELECT c0 FROM feed";
        let rows = |numbers: &[i64]| Arc::new(numbers.iter().map(|number| [Cell::from(*number)]).collect::<Rows<1>>());
        assert!(feed.insert(&connection, insert, &rows(&[1, 2, 1])).is_err());
        assert_eq!(feed.insert(&connection, insert, &rows(&[1, 3])).unwrap(), 2);
        assert_eq!(connection.query_row("SELECT sum(a) FROM kept", [], |row| row.get::<_, i64>(0)).unwrap(), 4);
    }
}
