//! Rows on their way from one database to another: a batch of one table, column by column, as the writing side wants it.

use serde::{Deserialize, Serialize};

use super::tables::Table;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Boolean,
    Text,
    Bytes,
}

/// A column's values, from the first row to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    Integers(Vec<Option<i64>>),
    Booleans(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Values {
    const fn new(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integers(Vec::new()),
            Kind::Boolean => Self::Booleans(Vec::new()),
            Kind::Text => Self::Texts(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
        }
    }
}

/// One part of a row's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub table: &'static Table,
    /// As many, and in the same order, as the table's columns.
    pub columns: Vec<Values>,
    /// The class of each row's retention, where the table has one on PostgreSQL and the source isn't PostgreSQL.
    pub classes: Vec<i64>,
    len: usize,
}

impl Rows {
    pub fn new(table: &'static Table) -> Self {
        let columns = table.columns.iter().map(|column| Values::new(column.kind)).collect();
        Self { table, columns, classes: Vec::new(), len: 0 }
    }

    /// Every column has got one more value.
    pub const fn row_ends(&mut self) {
        self.len += 1;
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// What was read at once, and the key of its last row.
#[derive(Clone, Debug)]
pub struct Batch {
    pub rows: Rows,
    pub last: Vec<Value>,
}
