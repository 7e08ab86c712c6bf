//! What PostgreSQL calls by another name than SQLite does: the texts in `store/sql` are compiled once for each.

use sqlx::postgres::PgHasArrayType;
use sqlx::{Encode, PgPool, QueryBuilder, Type};

use crate::store::Result;
use crate::store::copy::tables::{Column, Table};

pub(super) type Db = sqlx::Postgres;
pub(super) type Row = sqlx::postgres::PgRow;
pub(super) type Connection = sqlx::PgConnection;
pub(super) type Store = super::PostgresStore;
pub(super) type Copying = super::PostgresCopying;

/// The schema's versions, in order.
pub(super) const SCHEMA: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql")),
    (2, "portal", include_str!("../../../migrations/postgres/0002_portal.sql")),
    (3, "sinks", include_str!("../../../migrations/postgres/0003_sinks.sql")),
    (4, "keys_by_day", include_str!("../../../migrations/postgres/0004_keys_by_day.sql")),
];

/// A table of somebody else's where ours would have to be. What doesn't stand in the way may be there.
pub(super) const FOREIGN_TABLE: &str = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() \
    AND tablename IN ('events', 'queue', 'deliveries', 'attempts', 'webhooks', 'tenants', 'settings', 'sessions') \
    AND to_regclass('idempotency_keys') IS NULL ORDER BY tablename LIMIT 1";

/// insufficient_privilege.
pub(super) const NO_RIGHT: [&str; 1] = ["42501"];

/// The most values that one list in a statement holds.
pub(super) const LIST_MAX: usize = 1024;

/// How the id of rows that are few and found otherwise is written: partitions are left out by the plain one, and an order by
/// what is no index keeps the planner from walking along one.
pub(super) const FEW_ID: &str = "r.id";
pub(super) const FEW_ORDER: &str = "+r.id";

/// Around a query whose rows an id is looked for in: evaluated once, so that an index can be searched for the result.
pub(super) const ANY_OF: &str = " = ANY (ARRAY(";
pub(super) const ANY_END: &str = "))";

/// PostgreSQL chooses for itself.
macro_rules! indexed_by {
    ($name:literal) => {
        ""
    };
}
pub(super) use indexed_by;

/// After a column: it is one of these values.
pub(super) fn push_in<T>(query: &mut QueryBuilder<Db>, values: impl IntoIterator<Item = T>)
where
    T: for<'e> Encode<'e, Db> + Type<Db> + PgHasArrayType,
{
    query.push(" = ANY (").push_bind(values.into_iter().collect::<Vec<T>>()).push(")");
}

/// Several reads that see the same state.
pub(super) async fn snapshot(readers: &PgPool) -> Result<sqlx::Transaction<'static, Db>> {
    Ok(readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?)
}

pub(super) fn key_of(table: &Table) -> &'static [Column] {
    table.postgres_key.unwrap_or(table.key)
}

/// SQLite goes by the tenant itself.
pub(super) const fn class_of(_table: &Table) -> Option<String> {
    None
}
