//! Values and errors between Rust and the hot path's connection.

use std::str::FromStr;
use std::sync::Arc;

use rusqlite::{ErrorCode, Row};

use crate::model::event::{ContentType, Event, Payload};
use crate::model::ids::EventId;
use crate::model::time::Timestamp;
use crate::store::packed::damaged;
use crate::store::{Result, StoreError};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sqlite;
        match error {
            Sqlite::FromSqlConversionFailure(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::InvalidColumnType(..)
            | Sqlite::InvalidColumnName(_)
            | Sqlite::Utf8Error(..) => damaged("row", error),
            Sqlite::SqliteFailure(failure, _)
                if failure.code == ErrorCode::ConstraintViolation && is_unique_violation(failure.extended_code) =>
            {
                Self::Conflict { what: "row" }
            }
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

const fn is_unique_violation(extended_code: i32) -> bool {
    matches!(
        extended_code,
        rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID
    )
}

/// The columns of an event, as [`event_of`] reads them.
pub(super) const EVENT_COLUMNS: &str = "id, tenant, environment, type, occurred_at, content_type, external_id, data";

pub(super) fn event_of(row: &Row<'_>) -> Result<Event> {
    let content_type = match row.get::<_, Option<String>>("content_type")? {
        None => ContentType::Json,
        Some(name) => ContentType::Other(name.into()),
    };
    Ok(Event {
        id: EventId::from(row.get::<_, i64>("id")?.unsigned_abs()),
        event_type: text(row, "type")?,
        tenant: text(row, "tenant")?,
        environment: text(row, "environment")?,
        occurred_at: time(row, "occurred_at")?,
        data: Payload { content_type, bytes: row.get::<_, Vec<u8>>("data")?.into() },
        external_id: row.get::<_, Option<String>>("external_id")?.map(Arc::from),
    })
}

pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get::<_, i64>(column)?.unsigned_abs()))
}

/// Anything that reads itself from its text.
fn text<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(row: &Row<'_>, column: &str) -> Result<N> {
    row.get_ref(column)?.as_str().map_err(|error| damaged("row", error))?.parse().map_err(|error| damaged("row", error))
}
