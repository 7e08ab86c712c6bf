//! What an error of the database's driver means for the caller.

use super::StoreError;
use super::packed::damaged;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                damaged("row", error)
            }
            sqlx::Error::Database(ref database) if database.is_unique_violation() => Self::Conflict { what: "row" },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}
