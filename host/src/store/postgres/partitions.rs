//! The days of what is kept for a time: made ahead and on demand, dropped whole.
//!
//! `events`, `deliveries`, `attempts` and `bodies` each have a part for every class of retention, and in it one for every day (UTC) in
//! which an id was made. A day is made in all four at once, by `ATTACH`, which holds up nobody, and dropped by [`super::days`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};

use super::connect::{Connector, Purpose};
use super::convert::int;
use super::locks;
use crate::model::ids::{DeliveryId, floor_of};
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::{Result, StoreError};

pub(super) const TABLES: [&str; 4] = ["events", "deliveries", "attempts", "bodies"];
/// Today, and as many more.
const AHEAD: u64 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);
const DAY_MILLIS: u64 = 24 * 3600 * 1000;

/// A day since 1970, in one class of retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) class: i64,
    day: u64,
}

impl Part {
    pub(super) fn of(class: i64, time: Timestamp) -> Self {
        // Ids know nothing earlier than their own beginning.
        let time = time.max(DeliveryId::from(0).time());
        Self { class, day: time.millis() / DAY_MILLIS }
    }

    /// Where a delivery's rows stand.
    pub(super) fn of_delivery(class: i64, id: i64) -> Self {
        Self::of(class, DeliveryId::from(id.unsigned_abs()).time())
    }

    fn begins(self) -> Timestamp {
        Timestamp::from_millis(self.day * DAY_MILLIS)
    }

    pub(super) fn ends(self) -> Timestamp {
        self.begins().plus(DAY)
    }

    /// The ids in it: from the first to below the second.
    pub(super) fn bounds(self) -> (i64, i64) {
        (int(floor_of(self.begins())), int(floor_of(self.ends())))
    }

    /// `events_30_20260131`.
    pub(super) fn table(self, base: &str) -> String {
        format!("{base}_{}_{}", self.class, self.begins().calendar().strftime("%Y%m%d"))
    }

    /// What a table is called after.
    pub(super) fn named(table: &str) -> Option<Self> {
        let mut parts = table.rsplitn(3, '_');
        let (date, class) = (parts.next()?, parts.next()?.parse().ok()?);
        if !TABLES.contains(&parts.next()?) || date.len() != 8 {
            return None;
        }
        let begins = Date::strptime("%Y%m%d", date).ok()?.to_zoned(TimeZone::UTC).ok()?;
        let millis = u64::try_from(begins.timestamp().as_millisecond()).ok()?;
        Some(Self::of(class, Timestamp::from_millis(millis)))
    }
}

/// Whether a row found no day to stand in.
pub(super) fn is_missing(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return false };
    let database = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    // check_violation: no table here has any other check than its bounds.
    database.is_some_and(|error| error.code().as_deref() == Some("23514"))
}

pub(super) struct Partitions {
    connector: Arc<Connector>,
}

impl Partitions {
    pub(super) const fn new(connector: Arc<Connector>) -> Self {
        Self { connector }
    }

    /// Today's and the next days', of every class that a tenant has.
    pub(super) async fn make_ahead(&self, asking: &mut PgConnection, now: Timestamp) -> Result<()> {
        let days: Vec<Timestamp> = (0..=AHEAD).map(|days| now.plus(Duration::from_millis(days * DAY_MILLIS))).collect();
        let parts = parts(asking, &days).await?;
        self.make(asking, parts).await
    }

    /// The days of these times, in every class that a tenant has.
    pub(super) async fn make_for(&self, times: &[Timestamp]) -> Result<()> {
        let mut connection = self.connector.connect(Purpose::Cold).await?;
        let parts = parts(&mut connection, times).await?;
        make(&mut connection, parts).await
    }

    /// Those that are missing, seen from `asking`, which may be in a transaction: they are made beside it.
    pub(super) async fn make(&self, asking: &mut PgConnection, parts: BTreeSet<Part>) -> Result<()> {
        if parts.is_empty() || missing(asking, &parts).await?.is_empty() {
            return Ok(());
        }
        make(&mut self.connector.connect(Purpose::Cold).await?, parts).await
    }
}

/// The class of a tenant that nobody made a profile for.
pub(super) fn default_class() -> i64 {
    i64::from(Retention::default().days())
}

async fn parts(connection: &mut PgConnection, times: &[Timestamp]) -> Result<BTreeSet<Part>> {
    let mut classes: Vec<i64> =
        sqlx::query_scalar("SELECT DISTINCT retention FROM tenants").fetch_all(connection).await?;
    classes.push(default_class());
    Ok(classes.iter().flat_map(|class| times.iter().map(|time| Part::of(*class, *time))).collect())
}

async fn make(connection: &mut PgConnection, parts: BTreeSet<Part>) -> Result<()> {
    if missing(connection, &parts).await?.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    transaction.execute("SET LOCAL lock_timeout = '5s'").await?;
    locks::PARTITIONS.take(&mut transaction).await?;
    // Another node may have been quicker.
    for part in missing(&mut transaction, &parts).await? {
        for base in TABLES {
            let (name, class, (from, to)) = (part.table(base), part.class, part.bounds());
            let ddl = format!(
                "CREATE TABLE {name} (LIKE {base}_{class} INCLUDING STORAGE); \
                 ALTER TABLE {base}_{class} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"
            );
            // Names of ours and numbers, nothing else.
            transaction.execute(AssertSqlSafe(ddl)).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

async fn missing(connection: &mut PgConnection, parts: &BTreeSet<Part>) -> Result<Vec<Part>> {
    let parts: Vec<Part> = parts.iter().copied().collect();
    let names: Vec<String> = parts.iter().map(|part| part.table("events")).collect();
    let there: Vec<bool> = sqlx::query_scalar(
        "SELECT to_regclass(name) IS NOT NULL FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) ORDER BY place",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    Ok(parts.into_iter().zip(there).filter_map(|(part, there)| (!there).then_some(part)).collect())
}

/// Events and deliveries at or before the end of this time's class have outlived it.
pub(super) fn cutoff(class: i64, now: Timestamp) -> Timestamp {
    let days = u32::try_from(class).unwrap_or(u32::MAX);
    now.minus(DAY.saturating_mul(days))
}

/// For a day after its end, what expired while it was pending is shown.
pub(super) fn shown_since(now: Timestamp) -> Timestamp {
    now.minus(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_called_by_its_date_and_holds_the_ids_of_that_day() {
        // 2026-01-31T12:00:00Z
        let noon = Timestamp::from_millis(1_769_860_800_000);
        let part = Part::of(30, noon);
        assert_eq!(part.table("events"), "events_30_20260131");
        assert_eq!(["events", "bodies"].map(|base| Part::named(&part.table(base))), [Some(part), Some(part)]);
        assert_ne!(Part::named("events_7_20260131"), Some(part));
        for other in ["events_30_id_class_idx", "events_30", "queue_30_20260131", "events_30_2026013"] {
            assert_eq!(Part::named(other), None, "{other}");
        }
        let (from, to) = part.bounds();
        assert!((from..to).contains(&int(floor_of(noon))));
        assert_eq!(Part::of_delivery(30, to - 1), part);
        assert_eq!(Part::of_delivery(30, to).bounds().0, to);
    }
}
