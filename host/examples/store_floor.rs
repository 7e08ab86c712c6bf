//! What the store costs: CPU µs per event with one delivery and one attempt, 64 in flight, to hold against the floor that a bare
//! prototype reached (10.2 µs).
//!
//! `cargo run --release --example store_floor [EVENTS] [postgres://…]`: with a URL, of PostgreSQL instead of SQLite, in an empty database
//! of a cluster on this machine, whose own CPU time is told too.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::sync::Arc;
use std::time::Instant;

use waxwing::clock::{Clock, SystemClock, SystemRng};
use waxwing::model::attempt::{Attempt, Outcome, Response, Sent, Timings, Trigger};
use waxwing::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::{IdSource, RevisionId, WebhookId};
use waxwing::model::name::{Environment, Tenant};
use waxwing::model::request::{Header, Method};
use waxwing::store::postgres::{PostgresOptions, PostgresStore};
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::store::{Completed, Completion, NewBatch, NewDelivery, NewEvent, Start, Store};
use waxwing::vault::Vault;

const IN_FLIGHT: usize = 64;
const FLOOR: f64 = 10.2;
/// Ticks of `/proc/self/stat`, as Linux has them everywhere.
const MICROS_PER_TICK: u64 = 10_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let events: usize = std::env::args().nth(1).map_or(Ok(50_000), |text| text.parse())?;
    let url = std::env::args().nth(2);
    let folder = tempfile::tempdir()?;
    let vault = Arc::new(Vault::new([7; 32]));
    let (rng, path) = (Arc::new(SystemRng), folder.path().join("floor.db"));
    let store: Arc<dyn Store> = match &url {
        None => Arc::new(SqliteStore::open(&path, SqliteOptions::default(), vault, rng, &SystemClock).await?),
        Some(url) => {
            let clock = Arc::new(SystemClock);
            Arc::new(PostgresStore::open(url, PostgresOptions::default(), vault, rng, clock).await?)
        }
    };
    let floor = Arc::new(Floor { store, ids: IdSource::new(0, 0), data: vec![b'1'; 1024] });
    // The first one makes the connections.
    floor.one().await?;
    let database = Database::of(url.as_deref()).await?;
    let before = database.cpu_micros();

    let (began, cpu) = (Instant::now(), cpu_micros("self"));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let floor = Arc::clone(&floor);
        callers.spawn(async move {
            for _ in 0..events / IN_FLIGHT {
                floor.one().await?;
            }
            anyhow::Ok(())
        });
    }
    for result in callers.join_all().await {
        result?;
    }
    let done = u32::try_from(events / IN_FLIGHT * IN_FLIGHT)?;
    let each = |micros: u64| micros as f64 / f64::from(done);
    let (own, there) = (each(cpu_micros("self") - cpu), each(database.cpu_micros() - before));
    let rate = f64::from(done) / began.elapsed().as_secs_f64();
    println!(
        "{done} events, {IN_FLIGHT} in flight: {own:.1} CPU µs per event ({:.2} x {FLOOR}), {rate:.0}/s",
        own / FLOOR
    );
    if url.is_some() {
        println!("and {there:.1} CPU µs per event in the database");
    }
    Ok(())
}

/// The processes of the database, where it has any.
struct Database(Vec<i32>);

impl Database {
    async fn of(url: Option<&str>) -> anyhow::Result<Self> {
        let Some(url) = url else { return Ok(Self(Vec::new())) };
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await?;
        let pids = sqlx::query_scalar("SELECT pid FROM pg_stat_activity").fetch_all(&mut connection).await?;
        Ok(Self(pids))
    }

    fn cpu_micros(&self) -> u64 {
        self.0.iter().map(|pid| cpu_micros(&pid.to_string())).sum()
    }
}

struct Floor {
    store: Arc<dyn Store>,
    ids: IdSource,
    data: Vec<u8>,
}

impl Floor {
    async fn one(&self) -> anyhow::Result<()> {
        let now = SystemClock.now();
        let event = Arc::new(Event {
            id: self.ids.next(now),
            event_type: "order.paid".parse()?,
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: now,
            data: Payload::json(self.data.clone()),
            external_id: None,
        });
        let claimed = Claimed {
            id: self.ids.next(now),
            event: Arc::clone(&event),
            webhook: WebhookId::from(1),
            attempts: 0,
            trigger: Trigger::Automatic,
            replay_of: None,
            fixed: None,
            fence: 1,
        };
        let delivery = NewDelivery {
            id: claimed.id,
            webhook: claimed.webhook,
            start: Start::Claimed,
            trigger: Trigger::Automatic,
            replay_of: None,
        };
        let batch = NewBatch { events: vec![NewEvent { event, deliveries: vec![delivery] }], idempotency: None, now };
        self.store.append(batch).await?;
        self.store.complete(delivered(claimed)).await?;
        Ok(())
    }
}

fn delivered(claimed: Claimed) -> Completion {
    let now = SystemClock.now();
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let attempt = Attempt {
        delivery: claimed.id,
        number: 1,
        trigger: Trigger::Automatic,
        started_at: now,
        ended_at: now,
        outcome: Outcome::Delivered,
        sent: Some(Sent {
            method: Method::Post,
            url: "https://example.com/…last".into(),
            headers: vec![
                header("content-type", "application/json"),
                header("webhook-id", "evt_0123456789abc"),
                header("webhook-timestamp", "1769860800"),
                header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
            ],
            body_size: 1100,
        }),
        response: Some(Response {
            status: 200,
            headers: vec![header("server", "sink"), header("content-length", "2")],
            body: "ok".into(),
            truncated: false,
        }),
        timings: Timings::default(),
        stages: Vec::new(),
        retry_reason: None,
        next_at: None,
    };
    Completion {
        claimed,
        attempt: Some(attempt),
        fixed: Some(Fixed { revision: RevisionId::from(1), body: FixedBody::Rebuilt }),
        next: Completed::Next(Next::Ended { status: DeliveryStatus::Delivered, reason: None }),
        health: Some(true),
        awaited: false,
        now,
    }
}

/// User and system time of a process; none of one that is gone.
fn cpu_micros(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks * MICROS_PER_TICK
}
