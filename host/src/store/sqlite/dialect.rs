//! What SQLite calls by another name than PostgreSQL does: the texts in `store/sql` are compiled once for each.

use sqlx::{Encode, QueryBuilder, SqlitePool, Type};

use crate::model::tenant::Retention;
use crate::store::Result;
use crate::store::copy::tables::{Column, Table};

pub(super) type Db = sqlx::Sqlite;
pub(super) type Row = sqlx::sqlite::SqliteRow;
pub(super) type Connection = sqlx::SqliteConnection;
pub(super) type Store = super::SqliteStore;
pub(super) type Copying = super::SqliteCopying;

/// The schema's versions, in order.
pub(super) const SCHEMA: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql")),
    (2, "portal", include_str!("../../../migrations/sqlite/0002_portal.sql")),
    (3, "sinks", include_str!("../../../migrations/sqlite/0003_sinks.sql")),
];

/// A table of somebody else's, where none of ours is: the file is for one application. A start that was cut off leaves the first one.
pub(super) const FOREIGN_TABLE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
    AND name NOT IN ('_sqlx_migrations', 'sqlite_sequence', 'sqlite_stat1') \
    AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'idempotency_keys') ORDER BY name LIMIT 1";

/// SQLITE_READONLY, and what it is called for a file or folder that can't be written to.
pub(super) const NO_RIGHT: [&str; 3] = ["8", "1032", "1544"];

/// The most values that one list in a statement holds.
pub(super) const LIST_MAX: usize = 256;

/// How the id of rows that are few and found otherwise is written: as it stands, SQLite would walk along the table for it.
pub(super) const FEW_ID: &str = "+r.id";
pub(super) const FEW_ORDER: &str = FEW_ID;

/// Around a query whose rows an id is looked for in.
pub(super) const ANY_OF: &str = " IN (";
pub(super) const ANY_END: &str = ")";

/// The index that a statement must use.
macro_rules! indexed_by {
    ($name:literal) => {
        concat!(" INDEXED BY ", $name)
    };
}
pub(super) use indexed_by;

/// After a column: it is one of these values.
pub(super) fn push_in<'t, T: Encode<'t, Db> + Type<Db>>(
    query: &mut QueryBuilder<Db>,
    values: impl IntoIterator<Item = T>,
) {
    query.push(" IN (");
    let mut list = query.separated(",");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// Several reads that see the same state.
pub(super) async fn snapshot(readers: &SqlitePool) -> Result<sqlx::Transaction<'static, Db>> {
    Ok(readers.begin().await?)
}

pub(super) const fn key_of(table: &Table) -> &'static [Column] {
    table.key
}

/// What PostgreSQL wants to know besides: how long the row's tenant keeps what it has.
pub(super) fn class_of(table: &Table) -> Option<String> {
    let (tenant, otherwise) = (table.tenant?, Retention::default().days());
    Some(format!("coalesce((SELECT t.retention FROM tenants AS t WHERE t.name = {tenant}), {otherwise})"))
}
