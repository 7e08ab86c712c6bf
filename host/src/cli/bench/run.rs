//! One measurement: a scenario's servers and receivers are started, the load is put on them, and what it took is written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::body::Bodies;
use super::folder::Folder;
use super::latency::{Percentiles, wall_micros};
use super::load::{Load, Posted};
use super::postgres::{Database, Postgres};
use super::process::{Child, own_cpu};
use super::purge::{Expired, Purged};
use super::quarters::Quarters;
use super::scenario::{Pace, Plugin, Scenario};
use super::servers::{OnPostgres, Running, last_line};
use super::templates::Templates;
use crate::cli::Failure;

/// How long nothing may arrive before what is missing is taken for lost.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) events: usize,
    pub(super) connections: usize,
    /// Bytes of an event's data.
    pub(super) bytes: usize,
    /// Events a second, where the pace is [`Pace::Half`].
    pub(super) rate: f64,
}

/// What came out of it.
pub(super) struct Measured {
    pub(super) scenario: Scenario,
    pub(super) events: usize,
    pub(super) deliveries: usize,
    /// From the first POST to the last receipt.
    pub(super) took: Duration,
    pub(super) offered: Option<f64>,
    pub(super) ingest: Option<Percentiles>,
    /// `None` where nothing is sent.
    pub(super) end_to_end: Option<Percentiles>,
    pub(super) cpu: Cpu,
    /// Bytes of PostgreSQL's write-ahead log.
    pub(super) wal: Option<u64>,
    /// Bytes.
    pub(super) peak: u64,
    pub(super) resident: [u64; 4],
    pub(super) purged: Option<Purged>,
    /// From the start of the server to its first answer.
    pub(super) start: Duration,
}

/// CPU time by process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    /// Of all of them.
    pub(super) server: Duration,
    /// `None`: there is none beside the server, or its processes can't be seen.
    pub(super) database: Option<Duration>,
    pub(super) generator: Duration,
    pub(super) sink: Duration,
}

impl Cpu {
    fn of(server: &Running, sink: &Child) -> Result<Self, Failure> {
        let (server, database) = (server.cpu()?, server.database_cpu()?);
        Ok(Self { server, database, generator: own_cpu(), sink: sink.cpu()? })
    }

    fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.zip(before.database).map(|(now, before)| now.saturating_sub(before)),
            generator: self.generator.saturating_sub(before.generator),
            sink: self.sink.saturating_sub(before.sink),
        }
    }
}

/// Of a run that failed, the server's folder stays; a database on PostgreSQL doesn't.
pub(super) async fn measure(
    templates: &Templates,
    scenario: &Scenario,
    amount: Amount,
    postgres: Option<&Postgres>,
) -> Result<Measured, Failure> {
    let Some(postgres) = postgres.filter(|_| scenario.server.on_postgres()) else {
        return measure_on(templates, scenario, amount, None).await;
    };
    let database = postgres.database().await?;
    let measured = measure_on(templates, scenario, amount, Some((postgres, &database))).await;
    let dropped = postgres.drop(database).await;
    measured.and_then(|measured| dropped.map(|()| measured))
}

async fn measure_on(
    templates: &Templates,
    scenario: &Scenario,
    amount: Amount,
    on: Option<(&Postgres, &Database)>,
) -> Result<Measured, Failure> {
    let mut folder = templates.folder(scenario)?;
    let mut sink = Child::start(&["bench", "--part", "sink"], &[], None).await?;
    let begun = Instant::now();
    let measured = async {
        let expired = prepare(templates, scenario, &folder, on).await?;
        let place = on.map(|(postgres, of)| OnPostgres { url: &of.url, postmaster: postgres.postmaster() });
        let server = Running::start(scenario, &folder, sink.address, place).await?;
        let start = begun.elapsed();
        let before = wal(on).await?;
        let measured = under_load(scenario, amount, (&server, &mut sink), (start, expired)).await?;
        let wal = wal(on).await?.zip(before).map(|(now, before)| now.saturating_sub(before));
        Ok(Measured { wal, ..measured })
    };
    measured.await.map_err(|failure: Failure| {
        folder.keep();
        let said = last_line(&folder.path().join("log"));
        Failure::Failed(format!("{}: {failure} ({} is kept; {said})", scenario.name, folder.text()))
    })
}

/// What stands in the database before, and a look at it where it is to go.
async fn prepare(
    templates: &Templates,
    scenario: &Scenario,
    folder: &Folder,
    on: Option<(&Postgres, &Database)>,
) -> Result<Option<Expired>, Failure> {
    if let Some((_, database)) = on {
        templates.fill(scenario, folder, &database.url).await?;
    }
    match (scenario.load, on) {
        (Pace::Purging, Some((_, database))) => Expired::on_postgres(&database.url).await.map(Some),
        (Pace::Purging, None) => Expired::on_sqlite(folder.path()).await.map(Some),
        (Pace::Full | Pace::Half | Pace::Long, _) => Ok(None),
    }
}

async fn wal(on: Option<(&Postgres, &Database)>) -> Result<Option<u64>, Failure> {
    match on {
        Some((postgres, _)) => postgres.wal().await.map(Some),
        None => Ok(None),
    }
}

async fn under_load(
    scenario: &Scenario,
    amount: Amount,
    (server, sink): (&Running, &mut Child),
    (start, expired): (Duration, Option<Expired>),
) -> Result<Measured, Failure> {
    let Amount { events, connections, bytes, rate } = amount;
    let bodies = Bodies::new(scenario.bytes.unwrap_or(bytes), scenario.own_type.count());
    let events = if expired.is_some() { usize::MAX } else { events };
    let quarters = Quarters::of(server.ids(), events);
    let load = Arc::new(Load { to: server.entries(), events, bodies, quarters });
    let before = Cpu::of(server, sink)?;
    let (posted, purged) = match (scenario.load, expired) {
        (_, Some(expired)) => expired.goes_under(&load, rate).await.map(|(posted, purged)| (posted, Some(purged)))?,
        (Pace::Full | Pace::Long, None) => (load.closed(connections).await?, None),
        (Pace::Half | Pace::Purging, None) => (load.open(rate, &CancellationToken::new()).await?, None),
    };
    let Posted { began, events, latencies } = posted;
    let drops = scenario.plugin == Some(Plugin::DropAll);
    let deliveries = scenario.deliveries(events);
    if !drops {
        all_of(deliveries, async || sink.count().await).await?;
    }
    if server.has_api() {
        let outcome = if drops { "dropped" } else { "delivered" };
        all_of(deliveries, async || server.attempts(outcome).await).await?;
    }
    let (ended, told) = (wall_micros(), sink.told().await?);
    let cpu = Cpu::of(server, sink)?.since(before);
    let last = if drops { ended } else { told.last };
    if drops && server.logged_as_dropped().await? != events {
        return Err(Failure::Failed("the log doesn't hold every event as dropped".into()));
    }
    let resident = load.quarters.end()?;
    Ok(Measured {
        scenario: *scenario,
        events,
        deliveries,
        took: Duration::from_micros(last.saturating_sub(began)),
        offered: scenario.load.is_open().then_some(rate),
        ingest: latencies.percentiles(),
        end_to_end: told.latencies,
        cpu,
        wal: None,
        // The kernel keeps the two apart, each a little late.
        peak: resident.into_iter().fold(server.peak()?, u64::max),
        resident,
        purged,
        start,
    })
}

/// Waits for all of them and no more.
async fn all_of(wanted: usize, mut count: impl AsyncFnMut() -> Result<usize, Failure>) -> Result<(), Failure> {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let now = count().await?;
        if now == wanted {
            return Ok(());
        }
        if now > seen {
            (seen, since) = (now, Instant::now());
        }
        if now > wanted || since.elapsed() > PATIENCE {
            return Err(Failure::Failed(format!("{now} of {wanted} deliveries ended")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
