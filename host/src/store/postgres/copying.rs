//! A PostgreSQL database as one end of a copy.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres};

use super::connect::{Connector, Purpose, refused, schema_version};
use super::convert::{int, millis};
use super::hot::without_nul;
use super::partitions::{self, Part, Partitions};
use super::{PostgresOptions, locks, membership, schema};
use crate::model::ids::floor_of;
use crate::model::time::Timestamp;
use crate::store::admission::WINDOW;
use crate::store::copy::CopyError;
use crate::store::copy::rows::{Kind, Rows, Values};
use crate::store::copy::tables::Table;
use crate::store::{Result, StoreError};

/// How many days are made in one transaction: each takes some twenty locks.
const DAYS_AT_ONCE: usize = 16;
/// A copy that was just killed may not have let go yet.
const HOLD_WAIT: &str = "SET lock_timeout = '5s'";
const WAIT_AGAIN: &str = "SET lock_timeout = 0";
/// lock_not_available
const TAKEN: &str = "55P03";

pub struct PostgresCopying {
    pub(super) connection: PgConnection,
    partitions: Partitions,
}

impl PostgresCopying {
    /// To be read: its schema must be this program's.
    pub async fn source(url: &str) -> Result<Self, CopyError> {
        let opened = async {
            let mut place = Self::connect(url).await?;
            place.connection.execute("SET default_transaction_read_only = on").await?;
            let version = schema_version(&mut place.connection).await?;
            if version.is_some() {
                is_left_alone(&mut place.connection).await?;
            }
            Ok((place, version))
        };
        let (place, version) = opened.await.map_err(refused).map_err(CopyError::Source)?;
        schema::is_current(version, "run `waxwing migrate` on it first")?;
        Ok(place)
    }

    /// To be written, by one process at a time: its schema is brought up to date.
    pub async fn target(url: &str) -> Result<Self, CopyError> {
        let opened = async {
            let mut place = Self::connect(url).await?;
            schema::migrate(&mut place.connection).await?;
            place.connection.execute(HOLD_WAIT).await?;
            locks::COPY.hold(&mut place.connection).await.map_err(taken)?;
            place.connection.execute(WAIT_AGAIN).await?;
            Ok(place)
        };
        opened.await.map_err(refused).map_err(CopyError::Target)
    }

    async fn connect(url: &str) -> Result<Self> {
        let connector = Arc::new(Connector::new(url, &PostgresOptions::default())?);
        let connection = connector.connect(Purpose::Cold).await?;
        Ok(Self { connection, partitions: Partitions::new(connector) })
    }

    /// The days in which the rows belong.
    pub(super) async fn make_room(&mut self, rows: &Rows) -> Result<()> {
        if !partitions::TABLES.contains(&rows.table.name) {
            return Ok(());
        }
        // Their first column is the id that the days go by.
        let Some(Values::Integers(ids)) = rows.columns.first() else { return Ok(()) };
        let ids = ids.iter().map(|id| id.unwrap_or_default());
        let parts: BTreeSet<Part> = ids.zip(&rows.classes).map(|(id, class)| Part::of_delivery(*class, id)).collect();
        let parts: Vec<Part> = parts.into_iter().collect();
        for some in parts.chunks(DAYS_AT_ONCE) {
            self.partitions.make(&mut self.connection, some.iter().copied().collect()).await?;
        }
        Ok(())
    }
}

pub(super) async fn is_left_alone(connection: &mut PgConnection) -> Result<()> {
    let nodes: i64 =
        sqlx::query_scalar("SELECT count(*) FROM nodes WHERE expires_at >= now()").fetch_one(connection).await?;
    if nodes == 0 {
        return Ok(());
    }
    let holder =
        format!("{nodes} running server(s): stop them; one that was killed counts for {} more", membership::LEASE);
    Err(StoreError::Locked { holder })
}

/// Until the transaction ends nobody joins, and whoever joins later finds the mark.
pub(super) async fn keep_servers_out(transaction: &mut PgConnection) -> Result<()> {
    locks::MEMBERS.take(transaction).await?;
    is_left_alone(transaction).await
}

pub(super) async fn insert(transaction: &mut PgConnection, rows: &Rows) -> Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(insertion(rows.table)));
    for values in &rows.columns {
        query = bind(query, values);
    }
    if rows.table.tenant.is_some() {
        query = query.bind(&rows.classes);
    }
    query.execute(transaction).await?;
    Ok(())
}

fn insertion(table: &Table) -> String {
    let class = table.tenant.map(|_| ("class", Kind::Integer));
    let columns: Vec<(&str, Kind)> =
        table.columns.iter().map(|column| (column.name, column.kind)).chain(class).collect();
    let arrays = columns.iter().enumerate().map(|(at, (_, kind))| format!("${}::{}[]", at + 1, type_of(*kind)));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let (table_name, columns) = (table.name, names.join(", "));
    let Some(once) = table.once_by else {
        return format!("INSERT INTO {table_name} ({columns}) SELECT * FROM unnest({arrays})");
    };
    let newer: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let (derived, value) = table.postgres_derived.unzip();
    let and = |part: Option<&str>| part.map(|part| format!(", {part}")).unwrap_or_default();
    format!(
        "INSERT INTO {table_name} ({columns}{}) \
         SELECT DISTINCT ON ({once}) {columns}{} FROM unnest({arrays}) WITH ORDINALITY AS n ({columns}, place) \
         ORDER BY {once}, place DESC ON CONFLICT ({once}{}) DO UPDATE SET {}",
        and(derived),
        and(value),
        and(derived),
        newer.join(", ")
    )
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "bigint",
        Kind::Boolean => "boolean",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    }
}

fn bind<'q>(query: Query<'q, Postgres, PgArguments>, values: &'q Values) -> Query<'q, Postgres, PgArguments> {
    match values {
        Values::Integers(list) => query.bind(list),
        Values::Booleans(list) => query.bind(list),
        Values::Texts(list) => query.bind(list.iter().map(|text| text.as_deref().map(without_nul)).collect::<Vec<_>>()),
        Values::Bytes(list) => query.bind(list),
    }
}

/// What the source's process had in hand is due, or in line, again; and callers' ids are known as long as they are remembered.
pub(super) async fn settle(transaction: &mut PgConnection, now: Timestamp) -> Result<()> {
    let hands: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT node FROM queue WHERE node IS NOT NULL")
        .fetch_all(&mut *transaction)
        .await?;
    membership::free(transaction, &hands, millis(now)).await?;
    sqlx::query(
        "INSERT INTO external_ids (tenant, environment, external_id, event) \
         SELECT tenant, environment, external_id, max(id) FROM events \
         WHERE external_id IS NOT NULL AND id >= $1 GROUP BY tenant, environment, external_id",
    )
    .bind(int(floor_of(now.minus(WINDOW))))
    .execute(transaction)
    .await?;
    Ok(())
}

fn taken(error: StoreError) -> StoreError {
    let StoreError::Unavailable(source) = &error else { return error };
    let database = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    if database.is_some_and(|error| error.code().as_deref() == Some(TAKEN)) {
        return StoreError::Locked { holder: "another `waxwing copy`".to_owned() };
    }
    error
}
