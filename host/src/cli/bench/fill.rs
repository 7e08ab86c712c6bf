//! Fills a database before a server starts on it, by the store's own verbs: what stands there is what a server would have written.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::task::JoinSet;

use super::body::Bodies;
use super::latency::wall_micros;
use super::scenario::Stored;
use super::templates::Elsewhere;
use crate::cli::Failure;
use crate::clock::{Clock, Rng, SystemClock, SystemRng};
use crate::model::attempt::{Attempt, Outcome, Response, Sent, Timings, Trigger};
use crate::model::causes::WithCauses;
use crate::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use crate::model::event::{Event, Payload};
use crate::model::ids::IdSource;
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::request::{Header, Method};
use crate::model::time::Timestamp;
use crate::store::admission::scope_of;
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{
    Completed, Completion, IdempotencyClaim, NewBatch, NewDelivery, NewEvent, Start, Store, StoreError,
};
use crate::vault::Vault;

/// As many rows as the store commits at once.
const AT_ONCE: usize = 1024;
/// The first of what is scheduled is due after a measurement, the last a day later.
const NOT_BEFORE: Duration = Duration::from_secs(6 * 3600);
const DAY: u64 = 24 * 3600;
const HALF_HOUR: Duration = Duration::from_secs(1800);
/// How many days ago what has expired was accepted: events are kept for 30, and a database may take whole days together. The keys of that
/// day stand where PostgreSQL empties their table today, which comes round every three days.
const EXPIRED_DAYS: u64 = 35;

/// What a database is filled with: so many events, with a delivery and an attempt each.
#[derive(Clone)]
pub(super) struct Contents {
    pub(super) stored: Stored,
    pub(super) count: usize,
    pub(super) elsewhere: Elsewhere,
    pub(super) bodies: Bodies,
}

struct Filling {
    store: Arc<dyn Store>,
    ids: IdSource,
    event_type: EventType,
    contents: Contents,
}

/// Into the file of this folder.
pub(super) async fn sqlite(data: &Path, contents: Contents) -> Result<(), Failure> {
    let (path, vault, options) = (data.join("waxwing.db"), Arc::new(vault(data)?), SqliteOptions::default());
    let store = SqliteStore::open(&path, options, vault, rng(), &SystemClock).await;
    let store = Arc::new(store.map_err(|error| failed(&error))?);
    fill(Arc::<SqliteStore>::clone(&store), contents).await.map_err(|error| failed(&error))?;
    store.close().await;
    Ok(())
}

/// Into this database, with the key of this folder.
pub(super) async fn postgres(url: &str, data: &Path, contents: Contents) -> Result<(), Failure> {
    let options = PostgresOptions { delivers: false, ..PostgresOptions::default() };
    let store = PostgresStore::open(url, options, Arc::new(vault(data)?), rng(), Arc::new(SystemClock)).await;
    let store = Arc::new(store.map_err(|error| failed(&error))?);
    fill(Arc::<PostgresStore>::clone(&store), contents).await.map_err(|error| failed(&error))?;
    store.close().await;
    Ok(())
}

async fn fill(store: Arc<dyn Store>, contents: Contents) -> Result<(), StoreError> {
    let damaged = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Unavailable(source);
    let after = if contents.stored == Stored::Expired { 0 } else { store.highest_id().await? };
    let ids = IdSource::new(store.number(), after);
    let event_type = contents.bodies.event_type(0).parse().map_err(|_| damaged("an event type is none".into()))?;
    let count = contents.count;
    let filling = Arc::new(Filling { store, ids, event_type, contents });
    let (next, mut workers) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for _ in 0..AT_ONCE.min(count) {
        let (filling, next) = (Arc::clone(&filling), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                filling.one(number).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        let ended: Result<(), StoreError> = ended.map_err(|error| damaged(Box::new(error)))?;
        ended?;
    }
    if filling.contents.stored == Stored::Expired {
        // A server that finds nothing newer doubts its clock, and lets nothing expire.
        filling.one(count).await?;
    }
    Ok(())
}

/// The first moment of the day whose events have expired, and the first after it.
pub(super) fn expired_day() -> (Timestamp, Timestamp) {
    let day = SystemClock.now().millis() / 1000 / DAY - EXPIRED_DAYS;
    let begins = |day: u64| Timestamp::from_millis(day * DAY * 1000);
    (begins(day), begins(day + 1))
}

fn failed(error: &StoreError) -> Failure {
    Failure::Failed(format!("the database can't be filled: {}", WithCauses(error)))
}

fn rng() -> Arc<dyn Rng> {
    Arc::new(SystemRng)
}

/// The key that the first start made.
fn vault(data: &Path) -> Result<Vault, Failure> {
    let path = data.join("key");
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let key = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.map(Vault::new).ok_or_else(|| Failure::Failed(format!("{} holds no key", path.display())))
}

impl Filling {
    async fn one(&self, number: usize) -> Result<(), StoreError> {
        let now = self.accepted_at(number);
        let event = Arc::new(Event {
            id: self.ids.next(now),
            event_type: self.event_type.clone(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: now,
            data: Payload::json(self.contents.bodies.data(number, wall_micros())),
            external_id: None,
        });
        let (id, webhook, trigger) = (self.ids.next(now), self.contents.elsewhere.webhook, Trigger::Automatic);
        let delivery = NewDelivery { id, webhook, start: Start::Claimed, trigger, replay_of: None };
        let events = vec![NewEvent { event: Arc::clone(&event), deliveries: vec![delivery] }];
        let idempotency = (self.contents.stored == Stored::Expired).then(|| claim(number));
        self.store.append(NewBatch { events, idempotency, now }).await?;
        let claimed = Claimed { id, event, webhook, attempts: 0, trigger, replay_of: None, fixed: None, fence: 1 };
        self.store.complete(self.attempted(claimed, now, number)).await.map(drop)
    }

    /// What has expired: through the whole of its day but its first and its last half hour, whose keys may stand elsewhere.
    fn accepted_at(&self, number: usize) -> Timestamp {
        let share = |of: u64| of * wide(number) / wide(self.contents.count).max(1);
        match self.contents.stored {
            Stored::Expired if number < self.contents.count => {
                expired_day().0.plus(HALF_HOUR).plus(Duration::from_millis(share((DAY - 3600) * 1000)))
            }
            Stored::Expired | Stored::Delivered | Stored::Scheduled | Stored::Nothing => SystemClock.now(),
        }
    }

    fn attempted(&self, claimed: Claimed, now: Timestamp, number: usize) -> Completion {
        let later = Duration::from_secs(wide(number) % DAY);
        let (status, outcome, next) = match self.contents.stored {
            Stored::Scheduled => {
                let (at, reason) = (now.plus(NOT_BEFORE + later), "status 503".to_owned());
                (503, Outcome::Rejected { status: 503, judged: None }, Next::Again { at, reason })
            }
            Stored::Delivered | Stored::Expired | Stored::Nothing => {
                (200, Outcome::Delivered, Next::Ended { status: DeliveryStatus::Delivered, reason: None })
            }
        };
        let (next_at, retry_reason) = match &next {
            Next::Again { at, reason } => (Some(*at), Some(reason.clone())),
            Next::Ended { .. } => (None, None),
        };
        let body_size = u64::try_from(claimed.event.data.bytes.len()).unwrap_or(u64::MAX);
        let attempt = Attempt {
            delivery: claimed.id,
            number: 1,
            trigger: claimed.trigger,
            started_at: now,
            ended_at: now,
            outcome,
            sent: Some(sent(body_size)),
            response: Some(response(status)),
            timings: Timings { total: Some(Duration::from_micros(700)), ..Timings::default() },
            stages: Vec::new(),
            retry_reason,
            next_at,
        };
        let fixed = Some(Fixed { revision: self.contents.elsewhere.revision, body: FixedBody::Rebuilt });
        let health = Some(self.contents.stored != Stored::Scheduled);
        Completion { claimed, attempt: Some(attempt), fixed, next: Completed::Next(next), health, awaited: false, now }
    }
}

/// As whoever posts sends one with every event.
fn claim(number: usize) -> IdempotencyClaim {
    let scope = scope_of(&Tenant::default_tenant(), "/api/events", &format!("expired-{number}"));
    let answer = r#"{"id":"evt_0123456789abc","deliveries":1}"#.into();
    IdempotencyClaim { scope, body_digest: [7; 32], answer }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn sent(body_size: u64) -> Sent {
    let headers = vec![
        header("content-type", "application/json"),
        header("webhook-id", "evt_0123456789abc"),
        header("webhook-timestamp", "1769860800"),
        header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    ];
    Sent { method: Method::Post, url: "http://127.0.0.1:9/…here".into(), headers, body_size }
}

fn response(status: u16) -> Response {
    let headers = vec![header("date", "Sat, 31 Jan 2026 12:00:00 GMT"), header("content-length", "2")];
    Response { status, headers, body: "ok".into(), truncated: false }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}
