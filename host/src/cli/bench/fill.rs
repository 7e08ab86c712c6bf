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
use crate::clock::{Clock, SystemClock, SystemRng};
use crate::model::attempt::{Attempt, Outcome, Response, Sent, Timings, Trigger};
use crate::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use crate::model::event::{Event, Payload};
use crate::model::ids::IdSource;
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::request::{Header, Method};
use crate::model::time::Timestamp;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Completed, Completion, Events, NewBatch, NewDelivery, NewEvent, Queue, Start, StoreError};
use crate::vault::Vault;

/// As many rows as the store commits at once.
const AT_ONCE: usize = 1024;
/// The first of what is scheduled is due after a measurement, the last a day later.
const NOT_BEFORE: Duration = Duration::from_secs(6 * 3600);
const DAY: u64 = 24 * 3600;

struct Filling {
    store: SqliteStore,
    ids: IdSource,
    stored: Stored,
    elsewhere: Elsewhere,
    event_type: EventType,
    bodies: Bodies,
}

/// Writes so many events with a delivery and an attempt each.
pub(super) async fn fill(
    data: &Path,
    stored: Stored,
    count: usize,
    elsewhere: Elsewhere,
    bodies: &Bodies,
) -> Result<(), Failure> {
    let failed = |error: StoreError| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::Failed(format!("{} can't be filled: {error}{cause}", data.display()))
    };
    let (path, vault, options) = (data.join("waxwing.db"), Arc::new(vault(data)?), SqliteOptions::default());
    let store = SqliteStore::open(&path, options, vault, Arc::new(SystemRng), &SystemClock).await.map_err(failed)?;
    let ids = IdSource::new(0, store.highest_id().await.map_err(failed)?);
    let event_type = bodies.event_type(0).parse().map_err(|_| Failure::Failed("an event type is none".into()))?;
    let filling = Arc::new(Filling { store, ids, stored, elsewhere, event_type, bodies: bodies.clone() });
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
        let ended: Result<(), StoreError> = ended.map_err(|error| Failure::Failed(error.to_string()))?;
        ended.map_err(failed)?;
    }
    filling.store.close().await;
    Ok(())
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
        let now = SystemClock.now();
        let event = Arc::new(Event {
            id: self.ids.next(now),
            event_type: self.event_type.clone(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: now,
            data: Payload::json(self.bodies.data(number, wall_micros())),
            external_id: None,
        });
        let (id, webhook, trigger) = (self.ids.next(now), self.elsewhere.webhook, Trigger::Automatic);
        let delivery = NewDelivery { id, webhook, start: Start::Claimed, trigger, replay_of: None };
        let events = vec![NewEvent { event: Arc::clone(&event), deliveries: vec![delivery] }];
        self.store.append(NewBatch { events, idempotency: None, now }).await?;
        let claimed = Claimed { id, event, webhook, attempts: 0, trigger, replay_of: None, fixed: None, fence: 1 };
        self.store.complete(self.attempted(claimed, now, number)).await.map(drop)
    }

    fn attempted(&self, claimed: Claimed, now: Timestamp, number: usize) -> Completion {
        let later = Duration::from_secs(u64::try_from(number).unwrap_or_default() % DAY);
        let (status, outcome, next) = match self.stored {
            Stored::Scheduled => {
                let (at, reason) = (now.plus(NOT_BEFORE + later), "status 503".to_owned());
                (503, Outcome::Rejected { status: 503, judged: None }, Next::Again { at, reason })
            }
            Stored::Delivered | Stored::Nothing => {
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
        let fixed = Some(Fixed { revision: self.elsewhere.revision, body: FixedBody::Rebuilt });
        let health = Some(self.stored == Stored::Delivered);
        Completion { claimed, attempt: Some(attempt), fixed, next: Completed::Next(next), health, now }
    }
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
