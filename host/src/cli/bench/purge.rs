//! Retention under load: how long whoever posts waits while a day that has expired is deleted, and how long without that.
//!
//! On SQLite the server begins with it at its start, and the time afterwards is what it is held against. On PostgreSQL, where a day is
//! dropped in a moment, it is held off until the load has been on for a while, and the time before counts, and as long from where it begins:
//! what takes a tenth of a second is nothing that a percentile could be taken of. What is left is seen in the database itself.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

use super::fill::expired_day;
use super::latency::{Percentiles, wall_micros};
use super::load::{Load, Posted};
use crate::cli::Failure;
use crate::model::causes::WithCauses;
use crate::model::ids::floor_of;
use crate::store::postgres::{hold_off_purges, purges_now};

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Connections are opened, caches are empty: what is measured begins after it.
const WARM: Duration = Duration::from_secs(1);
/// How long it is measured without a purge: of a shorter time, one checkpoint of the database more or less decides.
const OTHERWISE: Duration = Duration::from_secs(60);
/// Of fewer rows, which tell nothing of a machine, as much less.
const ROWS_A_SECOND: u64 = 20_000;
/// How long nothing may become less before it is taken for standing still: a server looks once a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// What it is about, and what tells of its age.
const TABLES: [(&str, &str); 3] = [("events", "id"), ("deliveries", "id"), ("attempts", "delivery")];

/// A day that has expired, as its database has it.
pub(super) struct Expired {
    place: Place,
    /// Of events, deliveries, attempts and idempotency keys, at the beginning.
    rows: u64,
    since: Instant,
    /// As long as [`OTHERWISE`], or less.
    window: Duration,
}

enum Place {
    Sqlite(rusqlite::Connection),
    /// While `holding` lives, nothing is purged.
    Postgres {
        looking: PgConnection,
        holding: Option<PgConnection>,
    },
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purged {
    pub(super) rows: u64,
    pub(super) took: Duration,
    /// Of the 202s, over [`OTHERWISE`] at least on PostgreSQL; `None` where it was over before anything was posted.
    pub(super) meanwhile: Option<Percentiles>,
    pub(super) otherwise: Option<Percentiles>,
}

/// From when to when, in microseconds of the wall clock.
struct Times {
    purging: Range<u64>,
    otherwise: Range<u64>,
    took: Duration,
}

impl Expired {
    /// In a server's folder, before it starts.
    pub(super) async fn on_sqlite(folder: &Path) -> Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = rusqlite::Connection::open_with_flags(folder.join("waxwing.db"), flags);
        Self::of(Place::Sqlite(opened.map_err(unreadable)?)).await
    }

    /// In this database, before a server starts on it.
    pub(super) async fn on_postgres(url: &str) -> Result<Self, Failure> {
        let options = PgConnectOptions::from_str(url).map_err(unreadable)?.disable_statement_logging();
        let mut looking = options.connect().await.map_err(unreadable)?;
        // A day that has expired was looked over long ago.
        for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
            sqlx::query(statement).execute(&mut looking).await.map_err(unreadable)?;
        }
        let holding = hold_off_purges(url).await.map_err(unreadable)?;
        Self::of(Place::Postgres { looking, holding: Some(holding) }).await
    }

    async fn of(mut place: Place) -> Result<Self, Failure> {
        let rows = place.rows().await?;
        let window = Duration::from_secs(1 + rows / ROWS_A_SECOND).min(OTHERWISE);
        Ok(Self { place, rows, since: Instant::now(), window })
    }

    /// Posts at this rate until nothing of it is left, and some time without a purge, before or after.
    pub(super) async fn goes_under(mut self, load: &Arc<Load>, rate: f64) -> Result<(Posted, Purged), Failure> {
        let enough = CancellationToken::new();
        let watched = async {
            let times = self.watch().await?;
            enough.cancel();
            Ok(times)
        };
        let (posted, times) = tokio::try_join!(load.open(rate, &enough), watched)?;
        let left = self.place.rows().await?;
        if left > 0 {
            return Err(Failure::Failed(format!("{left} rows that have expired are still there")));
        }
        let (meanwhile, otherwise) = (posted.latencies.within(times.purging), posted.latencies.within(times.otherwise));
        Ok((posted, Purged { rows: self.rows, took: times.took, meanwhile, otherwise }))
    }

    async fn watch(&mut self) -> Result<Times, Failure> {
        let warm = wall_micros() + micros(WARM);
        let Some(holding) = self.place.held_off() else {
            self.until(|look| look.gone).await?;
            let (ended, took) = (wall_micros(), self.since.elapsed());
            tokio::time::sleep(WARM + self.window).await;
            return Ok(Times { purging: warm..ended, otherwise: ended + micros(WARM)..wall_micros(), took });
        };
        // The first minute is better than any later one: until its first checkpoint, a database on disk has nothing to do but its log.
        tokio::time::sleep(self.window).await;
        let warm = wall_micros();
        tokio::time::sleep(self.window).await;
        let let_go = wall_micros();
        holding.close().await.map_err(unreadable)?;
        self.until(|look| look.begun).await?;
        let (begun, since) = (wall_micros() - micros(LOOK_EVERY), Instant::now());
        self.until(|look| look.gone).await?;
        let took = since.elapsed();
        tokio::time::sleep(self.window.saturating_sub(took)).await;
        Ok(Times { purging: begun..wall_micros(), otherwise: warm..let_go, took })
    }

    async fn until(&mut self, reached: impl Fn(Look) -> bool) -> Result<(), Failure> {
        let (mut mark, mut since) = (None, Instant::now());
        loop {
            let look = self.place.look().await?;
            if reached(look) {
                return Ok(());
            }
            if mark.replace(look.mark) != Some(look.mark) {
                since = Instant::now();
            }
            if since.elapsed() > PATIENCE {
                return Err(Failure::Failed("what has expired stays where it is".into()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
struct Look {
    begun: bool,
    gone: bool,
    /// Another one: it goes on.
    mark: i64,
}

impl Place {
    fn held_off(&mut self) -> Option<PgConnection> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { holding, .. } => holding.take(),
        }
    }

    async fn look(&mut self) -> Result<Look, Failure> {
        match self {
            Self::Sqlite(database) => look_at_file(database).map_err(unreadable),
            Self::Postgres { looking, .. } => look_at_days(looking).await.map_err(unreadable),
        }
    }

    /// All that has expired and is there.
    async fn rows(&mut self) -> Result<u64, Failure> {
        let mut rows = 0;
        for statement in counts() {
            let count: i64 = match self {
                Self::Sqlite(database) => database.query_row(&statement, [], |row| row.get(0)).map_err(unreadable)?,
                Self::Postgres { looking, .. } => {
                    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(looking).await.map_err(unreadable)?
                }
            };
            rows += count.unsigned_abs();
        }
        Ok(rows)
    }
}

/// Names of ours and numbers, nothing else.
fn counts() -> Vec<String> {
    let (_, ended) = expired_day();
    let mut counts: Vec<String> = TABLES
        .iter()
        .map(|(table, id)| format!("SELECT count(*) FROM {table} WHERE {id} < {}", floor_of(ended)))
        .collect();
    counts.push(format!("SELECT count(*) FROM idempotency_keys WHERE kept_at < {}", ended.millis()));
    counts
}

/// The oldest of each; the newest key always stays.
fn look_at_file(database: &rusqlite::Connection) -> rusqlite::Result<Look> {
    let (_, ended) = expired_day();
    let (mut gone, mut mark) = (true, 0_i64);
    for (table, id) in TABLES {
        let oldest: Option<i64> =
            database.query_row(&format!("SELECT min({id}) FROM {table}"), [], |row| row.get(0))?;
        gone &= oldest.is_none_or(|id| id.unsigned_abs() >= floor_of(ended));
        mark = mark.wrapping_add(oldest.unwrap_or_default());
    }
    let keys = "SELECT id, kept_at FROM idempotency_keys ORDER BY id LIMIT 1";
    let (key, kept_at) = database.query_row(keys, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    gone &= kept_at.unsigned_abs() >= ended.millis();
    Ok(Look { begun: true, gone, mark: mark.wrapping_add(key) })
}

async fn look_at_days(looking: &mut PgConnection) -> sqlx::Result<Look> {
    let (begins, _) = expired_day();
    let date = begins.calendar().strftime("%Y%m%d").to_string();
    let days = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND right(CAST(relname AS TEXT), 9) = '_' || $1";
    let days: i64 = sqlx::query_scalar(days).bind(date).fetch_one(&mut *looking).await?;
    // Their table, in their day's turn.
    let keys = format!("SELECT EXISTS (SELECT FROM idempotency_keys_{})", begins.millis() / 86_400_000 % 3);
    let keys: bool = sqlx::query_scalar(AssertSqlSafe(keys)).fetch_one(&mut *looking).await?;
    let begun = purges_now(looking).await?;
    Ok(Look { begun, gone: days == 0 && !keys, mark: days + i64::from(keys) })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn unreadable(error: impl std::error::Error + 'static) -> Failure {
    Failure::Failed(format!("the database can't be looked at: {}", WithCauses(&error)))
}
