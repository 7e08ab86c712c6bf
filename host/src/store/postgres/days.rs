//! Days that are over are dropped, so that nobody who posts waits for it.
//!
//! `DROP TABLE` of a partition locks the table that it is a part of against everybody, and whoever comes after it waits behind it, also
//! while it waits itself: for a backup, hours. So a day is first detached, `CONCURRENTLY`: that waits until nobody is at work who may
//! still see it, and nobody waits for that. What is detached is dropped by itself.
//!
//! Nothing pending is dropped: a day stays while anything of it, or any later delivery of its events, stands in the queue. Nothing of it
//! gets there any more once it is over: see [`revivable`].

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Row as _};

use super::Shared;
use super::connect::Purpose;
use super::convert::{millis, status_number};
use super::locks;
use super::partitions::{Part, TABLES, cutoff, shown_since};
use crate::model::delivery::DeliveryStatus;
use crate::model::tenant::Retention;
use crate::model::time::Timestamp;
use crate::store::Result;

pub(super) const EXPIRED: &str = "expired";
/// How long it waits for those who are at work; nobody waits for it meanwhile, but making another day.
const PATIENCE: &str = "SET lock_timeout = '2s'";
/// lock_not_available, deadlock_detected: somebody reads or writes there for longer. object_not_in_prerequisite_state: another day of
/// the same class waits for that, and only one can at a time.
const BUSY: [&str; 3] = ["55P03", "40P01", "55000"];

/// A day's tables that are there, by what they are a part of.
type Tables = BTreeMap<&'static str, Attached>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attached {
    Whole,
    /// It is being detached, or somebody gave up in the midst of it.
    Half,
    Not,
}

/// The days that are there and that may be dropped by their age, oldest first.
pub(super) async fn over(connection: &mut PgConnection, now: Timestamp) -> Result<Vec<Part>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) \
         AND relname ~ '^(events|deliveries|attempts|bodies)_[0-9]+_[0-9]{8}$'",
    )
    .fetch_all(connection)
    .await?;
    let mut over: Vec<Part> = names.iter().filter_map(|name| Part::named(name)).collect();
    over.retain(|part| part.ends() <= cutoff(part.class, shown_since(now)));
    over.sort_unstable();
    over.dedup();
    Ok(over)
}

/// By class, the first id that may still come back into the queue, by a replay or by hand: none of a day that has expired. Such a day
/// stays for another one, so that whoever saw it as it was has long ended when it is dropped.
pub(super) fn revivable(now: Timestamp) -> (Vec<i64>, Vec<i64>) {
    let classes = Retention::ALL.map(|class| i64::from(class.days()));
    classes.map(|class| (class, Part::of(class, cutoff(class, now)).bounds().0)).into_iter().unzip()
}

impl Shared {
    /// How many of them held anything. Those that are needed, or that somebody is at work on, stay for now.
    pub(super) async fn drop_days(&self, days: &[Part], now: Timestamp) -> Result<u64> {
        // Its own: the lock goes with it, whatever happens.
        let mut connection = self.connector.connect(Purpose::Cold).await?;
        if !locks::PURGE.try_hold(&mut connection).await? {
            return Ok(0);
        }
        connection.execute(PATIENCE).await?;
        let mut dropped = 0;
        for day in days {
            match drop_day(&mut connection, *day, now).await {
                Ok(held) => dropped += u64::from(held == Some(true)),
                Err(error) if is_busy(&error) => {
                    tracing::debug!(?day, "a day that has expired is in use: it is dropped later");
                }
                Err(error) => return Err(error.into()),
            }
        }
        connection.close().await?;
        Ok(dropped)
    }
}

/// `Some`: it is dropped, and whether it held anything.
async fn drop_day(connection: &mut PgConnection, day: Part, now: Timestamp) -> Result<Option<bool>, sqlx::Error> {
    if is_needed(connection, day, now).await? {
        return Ok(None);
    }
    for (base, attached) in tables(connection, day).await? {
        let how = match attached {
            Attached::Whole => "CONCURRENTLY",
            Attached::Half => "FINALIZE",
            Attached::Not => continue,
        };
        let (name, class) = (day.table(base), day.class);
        let detach = format!("ALTER TABLE {base}_{class} DETACH PARTITION {name} {how}");
        // Names of ours and numbers, nothing else.
        connection.execute(AssertSqlSafe(detach)).await?;
    }
    let left = tables(connection, day).await?;
    let mut held = false;
    for base in ["events", "deliveries"].into_iter().filter(|base| left.contains_key(base)) {
        let rows = format!("SELECT EXISTS (SELECT FROM {})", day.table(base));
        held |= sqlx::query_scalar::<_, bool>(AssertSqlSafe(rows)).fetch_one(&mut *connection).await?;
    }
    let (from, to) = day.bounds();
    sqlx::query("DELETE FROM additions WHERE event >= $1 AND event < $2 AND class = $3")
        .bind(from)
        .bind(to)
        .bind(day.class)
        .execute(&mut *connection)
        .await?;
    // One by one: whoever posts comes in between, while the system takes the files' room back.
    for base in left.keys() {
        connection.execute(AssertSqlSafe(format!("DROP TABLE {}", day.table(base)))).await?;
    }
    Ok(Some(held))
}

async fn tables(connection: &mut PgConnection, day: Part) -> Result<Tables, sqlx::Error> {
    let mut tables = Tables::new();
    for base in TABLES {
        let found = sqlx::query(
            "SELECT i.inhrelid IS NOT NULL AS attached, coalesce(i.inhdetachpending, false) AS pending \
             FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid WHERE c.oid = to_regclass($1)",
        )
        .bind(day.table(base))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(found) = found else { continue };
        let attached = match (found.try_get("attached")?, found.try_get("pending")?) {
            (true, false) => Attached::Whole,
            (true, true) => Attached::Half,
            (false, _) => Attached::Not,
        };
        tables.insert(base, attached);
    }
    Ok(tables)
}

async fn is_needed(connection: &mut PgConnection, day: Part, now: Timestamp) -> Result<bool, sqlx::Error> {
    let (from, to) = day.bounds();
    let row = sqlx::query(
        "SELECT EXISTS (SELECT FROM queue WHERE class = $1 AND (id >= $2 AND id < $3 OR event >= $2 AND event < $3)) \
         OR EXISTS (SELECT FROM deliveries WHERE class = $1 AND id >= $2 AND id < $3 AND status = $4 AND status <> 1 \
                    AND reason = $5 AND ended_at > $6) AS needed",
    )
    .bind(day.class)
    .bind(from)
    .bind(to)
    .bind(status_number(DeliveryStatus::Cancelled))
    .bind(EXPIRED)
    .bind(millis(shown_since(now)))
    .fetch_one(connection)
    .await?;
    row.try_get("needed")
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| BUSY.contains(&code.as_ref()))
}
