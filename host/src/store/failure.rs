//! What an error of the database's driver means for the caller.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::StoreError;
use super::packed::damaged;

/// check_violation: only ever a row that finds no day to stand in, which is mended and tried again.
const NO_PARTITION: &str = "23514";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                damaged("row", error)
            }
            sqlx::Error::Database(ref database) if database.is_unique_violation() => Self::Conflict { what: "row" },
            sqlx::Error::Database(ref database) if is_about_a_value(&**database) => damaged("row", error),
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// PostgreSQL refuses this very row, and would again (SQLSTATE classes 22, data exception, and 23, integrity constraint violation):
/// whoever shares a transaction with it must be written without it.
fn is_about_a_value(error: &dyn DatabaseError) -> bool {
    let code = error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code);
    code.is_some_and(|code| (code.starts_with("22") || code.starts_with("23")) && code != NO_PARTITION)
}
