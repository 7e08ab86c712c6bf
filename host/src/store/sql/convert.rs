//! Values between Rust and the database: ids and times as 64-bit integers, names as text, and what is wrong as a [`StoreError`].

use sqlx::Row as _;

use super::dialect::{Db, Row};
use crate::model::attempt::Trigger;
use crate::model::delivery::DeliveryStatus;
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::packed::damaged;

/// A stored number or name that no value of the product has.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is out of bounds")]
pub(super) struct OutOfBounds(String);

/// Ids and times are below 2^63 by construction.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn millis(time: Timestamp) -> i64 {
    int(time.millis())
}

/// Typed access to a row's columns.
pub(super) trait Columns {
    fn raw<'r, T: sqlx::Decode<'r, Db> + sqlx::Type<Db>>(&'r self, column: &str) -> Result<T>;

    fn id<I: From<u64>>(&self, column: &str) -> Result<I> {
        self.raw::<i64>(column).map(|number| I::from(number.unsigned_abs()))
    }

    fn maybe_id<I: From<u64>>(&self, column: &str) -> Result<Option<I>> {
        Ok(self.raw::<Option<i64>>(column)?.map(|number| I::from(number.unsigned_abs())))
    }

    fn time(&self, column: &str) -> Result<Timestamp> {
        self.raw::<i64>(column).map(|number| Timestamp::from_millis(number.unsigned_abs()))
    }

    fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.raw::<Option<i64>>(column)?.map(|number| Timestamp::from_millis(number.unsigned_abs())))
    }

    fn count<N: TryFrom<i64>>(&self, column: &str) -> Result<N> {
        let number: i64 = self.raw(column)?;
        N::try_from(number).map_err(|_| damaged("row", OutOfBounds(number.to_string())))
    }

    fn maybe_count<N: TryFrom<i64>>(&self, column: &str) -> Result<Option<N>> {
        let Some(number) = self.raw::<Option<i64>>(column)? else { return Ok(None) };
        N::try_from(number).map(Some).map_err(|_| damaged("row", OutOfBounds(number.to_string())))
    }

    /// Anything that reads itself from its text.
    fn text<N: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self, column: &str) -> Result<N> {
        self.raw::<&str>(column)?.parse().map_err(|error| damaged("row", error))
    }

    fn maybe_text<N: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        column: &str,
    ) -> Result<Option<N>> {
        let Some(text) = self.raw::<Option<&str>>(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| damaged("row", error))
    }

    fn bytes_32(&self, column: &str) -> Result<[u8; 32]> {
        self.raw::<&[u8]>(column)?.try_into().map_err(|error| damaged("row", error))
    }
}

impl Columns for Row {
    fn raw<'r, T: sqlx::Decode<'r, Db> + sqlx::Type<Db>>(&'r self, column: &str) -> Result<T> {
        Ok(self.try_get(column)?)
    }
}

pub(super) const fn cause_number(trigger: Trigger) -> i64 {
    match trigger {
        Trigger::Automatic => 0,
        Trigger::Manual => 1,
        Trigger::Test => 2,
    }
}

pub(super) fn cause(number: i64) -> Result<Trigger> {
    match number {
        0 => Ok(Trigger::Automatic),
        1 => Ok(Trigger::Manual),
        2 => Ok(Trigger::Test),
        other => Err(damaged("delivery", OutOfBounds(other.to_string()))),
    }
}

pub(super) const fn status_number(status: DeliveryStatus) -> i64 {
    match status {
        DeliveryStatus::Pending => 0,
        DeliveryStatus::Delivered => 1,
        DeliveryStatus::Failed => 2,
        DeliveryStatus::Dropped => 3,
        DeliveryStatus::Cancelled => 4,
    }
}

pub(super) fn status(number: i64) -> Result<DeliveryStatus> {
    let known = DeliveryStatus::ALL.into_iter().find(|status| status_number(*status) == number);
    known.ok_or_else(|| damaged("delivery", OutOfBounds(number.to_string())))
}
