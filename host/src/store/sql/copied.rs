//! One end of a copy: what it holds, its rows in order, and how far it has come. What is written differs in kind, and is each
//! database's own `copying`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::copying;
use super::dialect::{Connection, Copying, Row, class_of, key_of};
use super::events::HIGHEST_ID;
use crate::model::time::Timestamp;
use crate::store::copy::rows::{Batch, Kind, Rows, Value, Values};
use crate::store::copy::tables::{Column, TABLES, Table};
use crate::store::copy::{BYTES_MAX, Begun, Holding, MARK, Mark, Place};
use crate::store::sealed::{from_json, to_json};
use crate::store::{Result, StoreError};

const KEY_ID: &str = "key_id";

#[async_trait]
impl Place for Copying {
    async fn is_left_alone(&mut self) -> Result<()> {
        copying::is_left_alone(&mut self.connection).await
    }

    async fn holding(&mut self) -> Result<Holding> {
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let counted = table.once_by.map_or("*".to_owned(), |column| format!("DISTINCT r.{column}"));
            let sql = format!("SELECT count({counted}) FROM {} AS r WHERE {}", table.name, table.only);
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
            rows.insert(table.name.to_owned(), count.unsigned_abs());
        }
        let highest: Option<i64> = sqlx::query_scalar(HIGHEST_ID).fetch_one(&mut self.connection).await?;
        Ok(Holding { rows, highest: highest.unwrap_or_default().unsigned_abs() })
    }

    async fn key_id(&mut self) -> Result<Option<String>> {
        setting(&mut self.connection, KEY_ID).await
    }

    async fn read(&mut self, table: &'static Table, after: &[Value], most: u32) -> Result<Batch> {
        let mut query = sqlx::query(AssertSqlSafe(select(table, !after.is_empty())));
        for value in after {
            query = match value {
                Value::Integer(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_str()),
                Value::Bytes(bytes) => query.bind(bytes.as_slice()),
            };
        }
        let mut found = query.bind(i64::from(most)).fetch(&mut self.connection);
        let (mut rows, mut bytes, mut last) = (Rows::new(table), 0, None);
        while bytes < BYTES_MAX
            && let Some(row) = found.try_next().await?
        {
            bytes += take(&mut rows, &row)?;
            last = Some(row);
        }
        let last = last.map_or_else(|| Ok(Vec::new()), |row| key_at_the_end(&row, table))?;
        Ok(Batch { rows, last })
    }

    async fn mark(&mut self) -> Result<Option<Mark>> {
        let stored = setting(&mut self.connection, MARK).await?;
        stored.map(|json| from_json("mark of a copy", json.as_bytes())).transpose()
    }

    async fn begin(&mut self, key_id: Option<&str>, mark: &Mark) -> Result<Begun> {
        let mut transaction = self.connection.begin().await?;
        copying::keep_servers_out(&mut transaction).await?;
        for table in TABLES {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {} AS r WHERE {})", table.name, table.only);
            if sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *transaction).await? {
                return Ok(Begun::Holds(table.name));
            }
        }
        match (setting(&mut transaction, KEY_ID).await?, key_id) {
            (Some(own), Some(other)) if own != other => return Ok(Begun::OtherKey),
            (None, Some(other)) => set(&mut transaction, KEY_ID, other).await?,
            _ => {}
        }
        set(&mut transaction, MARK, &to_json(mark)?).await?;
        transaction.commit().await?;
        Ok(Begun::Yes)
    }

    async fn write(&mut self, rows: &Rows, mark: &Mark) -> Result<()> {
        self.make_room(rows).await?;
        let mut transaction = self.connection.begin().await?;
        copying::insert(&mut transaction, rows).await?;
        set(&mut transaction, MARK, &to_json(mark)?).await?;
        Ok(transaction.commit().await?)
    }

    async fn finish(&mut self, now: Timestamp) -> Result<()> {
        let mut transaction = self.connection.begin().await?;
        copying::settle(&mut transaction, now).await?;
        sqlx::query("DELETE FROM settings WHERE name = $1").bind(MARK).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// A server doesn't start on half of what there was.
pub(super) async fn refuse_unfinished(connection: &mut Connection) -> Result<()> {
    match setting(connection, MARK).await? {
        Some(_) => Err(StoreError::UnfinishedCopy),
        None => Ok(()),
    }
}

async fn setting(connection: &mut Connection, name: &str) -> Result<Option<String>> {
    let query = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1").bind(name);
    Ok(query.fetch_optional(connection).await?)
}

async fn set(connection: &mut Connection, name: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

/// The table's columns, the class where it has to be found, and the key once more.
fn select(table: &Table, after: bool) -> String {
    let key: Vec<String> = key_of(table).iter().map(|column| format!("r.{}", column.name)).collect();
    let columns = table.columns.iter().map(|column| format!("r.{}", column.name));
    let columns: Vec<String> = columns.chain(class_of(table)).chain(key.iter().cloned()).collect();
    let (columns, name, only) = (columns.join(", "), table.name, table.only);
    let (order, next) = (key.join(", "), key.len() + 1);
    if !after {
        return format!("SELECT {columns} FROM {name} AS r WHERE {only} ORDER BY {order} LIMIT $1");
    }
    let last: Vec<String> = (1..next).map(|number| format!("${number}")).collect();
    let last = last.join(", ");
    format!("SELECT {columns} FROM {name} AS r WHERE {only} AND ({order}) > ({last}) ORDER BY {order} LIMIT ${next}")
}

/// Adds a row; about how many bytes it has.
fn take(rows: &mut Rows, row: &Row) -> Result<usize> {
    let mut size = 0;
    for (at, values) in rows.columns.iter_mut().enumerate() {
        size += take_value(values, row, at)?;
    }
    if class_of(rows.table).is_some() {
        rows.classes.push(row.try_get(rows.columns.len())?);
    }
    rows.row_ends();
    Ok(size)
}

fn take_value(values: &mut Values, row: &Row, at: usize) -> Result<usize> {
    let mut size = size_of::<i64>();
    match values {
        Values::Integers(list) => list.push(row.try_get(at)?),
        Values::Booleans(list) => list.push(row.try_get(at)?),
        Values::Texts(list) => {
            let text: Option<String> = row.try_get(at)?;
            size = text.as_ref().map_or(0, String::len);
            list.push(text);
        }
        Values::Bytes(list) => {
            let bytes: Option<Vec<u8>> = row.try_get(at)?;
            size = bytes.as_ref().map_or(0, Vec::len);
            list.push(bytes);
        }
    }
    Ok(size)
}

fn key_at_the_end(row: &Row, table: &Table) -> Result<Vec<Value>> {
    let key: &[Column] = key_of(table);
    let begins = row.len() - key.len();
    let value = |(at, column): (usize, &Column)| {
        Ok(match column.kind {
            // No key has a truth value in it.
            Kind::Integer | Kind::Boolean => Value::Integer(row.try_get(begins + at)?),
            Kind::Text => Value::Text(row.try_get(begins + at)?),
            Kind::Bytes => Value::Bytes(row.try_get(begins + at)?),
        })
    };
    key.iter().enumerate().map(value).collect()
}
