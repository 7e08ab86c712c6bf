//! What the store costs: CPU µs per event with one delivery and one attempt, 64 in flight, to hold against the floor that a bare
//! prototype reached (10.2 µs).
//!
//! `cargo run --release --example store_floor [EVENTS]`

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
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::store::{Completed, Completion, Events, NewBatch, NewDelivery, NewEvent, Queue, Start};
use waxwing::vault::Vault;

const IN_FLIGHT: usize = 64;
const FLOOR: f64 = 10.2;
/// Ticks of `/proc/self/stat`, as Linux has them everywhere.
const MICROS_PER_TICK: u64 = 10_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let events: usize = std::env::args().nth(1).map_or(Ok(50_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let vault = Arc::new(Vault::new([7; 32]));
    let path = folder.path().join("floor.db");
    let store = SqliteStore::open(&path, SqliteOptions::default(), vault, Arc::new(SystemRng), &SystemClock).await?;
    let floor = Arc::new(Floor { store, ids: IdSource::new(0, 0), data: vec![b'1'; 1024] });

    let (began, cpu) = (Instant::now(), cpu_micros()?);
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
    let each = f64::from(u32::try_from(cpu_micros()? - cpu)?) / f64::from(done);
    let rate = f64::from(done) / began.elapsed().as_secs_f64();
    println!(
        "{done} events, {IN_FLIGHT} in flight: {each:.1} CPU µs per event ({:.2} x {FLOOR}), {rate:.0}/s",
        each / FLOOR
    );
    floor.store.close().await;
    Ok(())
}

struct Floor {
    store: SqliteStore,
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
        now,
    }
}

/// User and system time of this process.
fn cpu_micros() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks * MICROS_PER_TICK)
}
