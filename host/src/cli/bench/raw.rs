//! The raw floors, measured in this process before anything else: a call into a plugin, a commit, a POST, each by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::body::Bodies;
use super::latency::wall_micros;
use super::ledger::{Row, sqlite};
use super::process::{Child, own_cpu};
use super::wire::Wire;
use crate::cli::Failure;
use crate::clock::{Clock, SystemClock};
use crate::format;
use crate::model::event::{Event, Payload};
use crate::model::name::{Environment, Tenant};
use crate::model::plugin::Digest;
use crate::transform::wasm::limits::Limits;
use crate::transform::wasm::{WasmSetup, WasmTransform};
use crate::transform::{Components, Transform};

/// Events of one commit: as many as there are requests under way by default.
const BATCH: usize = 64;
/// More repetitions tell no more.
const REPEATED_MAX: usize = 50_000;
const IN_FLIGHT: usize = 64;

/// Whose CPU time was used between two looks, and the time that passed.
struct Stretch {
    began: Instant,
    cpu: Duration,
}

impl Stretch {
    fn begin() -> Result<Self, Failure> {
        Ok(Self { began: Instant::now(), cpu: own_cpu()? })
    }

    /// CPU time in microseconds for each of `count`, and how many that makes a second.
    fn end(&self, count: usize) -> Result<(f64, f64), Failure> {
        let count = f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
        let cpu = own_cpu()?.saturating_sub(self.cpu).as_secs_f64() * 1e6 / count;
        Ok((hundredth(cpu), (count / self.began.elapsed().as_secs_f64()).round()))
    }
}

/// All of them, so many times each, in a folder of their own.
pub(super) async fn measure(folder: &Path, count: usize, bytes: usize) -> Result<Value, Failure> {
    let count = count.clamp(BATCH, REPEATED_MAX);
    let bodies = Bodies::new(bytes, 0);
    let (wasm, commit, post) =
        (wasm(folder, count, &bodies).await?, commit(folder, count, &bodies)?, post(count, &bodies).await?);
    Ok(json!({ "wasm": wasm, "commit": commit, "post": post }))
}

/// The bundled Slack formatter on the sandbox's engine: a fresh instance alone, and with its call.
async fn wasm(folder: &Path, count: usize, bodies: &Bodies) -> Result<Value, Failure> {
    let failed = |what: &dyn std::fmt::Debug| Failure::Failed(format!("a plugin can't be called here: {what:?}"));
    let bundled = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "slack");
    let component = bundled.ok_or_else(|| failed(&"this program was built without it"))?.wasm;
    let sandbox = WasmTransform::new(WasmSetup {
        limits: Limits::default(),
        cache: folder.join("compiled"),
        cache_key: [7; 32],
        executable: std::env::current_exe().map_err(|error| failed(&error))?,
        reserved_headers: format::reserved_headers(),
        components: Arc::new(Nowhere),
    });
    let sandbox = sandbox.map_err(|error| failed(&error))?;
    let (digest, _) = sandbox.admit(Bytes::from_static(component)).await.map_err(|error| failed(&error))?;
    let plugin = sandbox.raw(digest).await.map_err(|fault| failed(&fault))?;
    let event = event(bodies)?;
    let begun = Stretch::begin()?;
    for _ in 0..count {
        plugin.instance(&event).await.map_err(|fault| failed(&fault))?;
    }
    let (instance, _) = begun.end(count)?;
    let begun = Stretch::begin()?;
    for _ in 0..count {
        plugin.transform(&event).await.map_err(|fault| failed(&fault))?;
    }
    let (call, calls) = begun.end(count)?;
    Ok(json!({ "instanceMicros": instance, "slackCallMicros": call, "slackCallsPerSecond": calls }))
}

/// Everything is in memory once it was admitted.
struct Nowhere;

#[async_trait]
impl Components for Nowhere {
    async fn component(&self, _digest: Digest) -> Option<Bytes> {
        None
    }
}

fn event(bodies: &Bodies) -> Result<Event, Failure> {
    let now = SystemClock.now();
    Ok(Event {
        id: 1.into(),
        event_type: bodies.event_type(0).parse().map_err(|_| Failure::Failed("an event type is none".into()))?,
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: now,
        data: Payload::json(bodies.data(1, wall_micros())),
        external_id: None,
    })
}

/// The floor's rows, written as they are there.
fn commit(folder: &Path, count: usize, bodies: &Bodies) -> Result<Value, Failure> {
    let failed = |error: rusqlite::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    let mut database = sqlite::open(folder).map_err(failed)?;
    let begun = Stretch::begin()?;
    let mut rows = Vec::with_capacity(2 * BATCH);
    for number in 0..count {
        let (id, at) = (i64::try_from(number).unwrap_or(i64::MAX), wall_micros());
        let (durable, _nobody) = tokio::sync::oneshot::channel();
        rows.push(Row::Event { id, at, data: bodies.event(number, at), durable });
        rows.push(Row::Delivery { event: id, receiver: 0, status: 200, at, micros: 700 });
        if rows.len() >= 2 * BATCH || number + 1 == count {
            sqlite::write(&mut database, &rows).map_err(failed)?;
            rows.clear();
        }
    }
    let (micros, events) = begun.end(count)?;
    Ok(
        json!({ "microsPerEvent": micros, "eventsPerSecond": events, "rowsPerSecond": 2.0 * events, "eventsPerCommit": BATCH }),
    )
}

/// POSTs to a receiver in another process, whose CPU time isn't counted.
async fn post(count: usize, bodies: &Bodies) -> Result<Value, Failure> {
    let sink = Child::start(&["bench", "--part", "sink"], &[], None).await?;
    let (to, next) = (sink.address, Arc::new(AtomicUsize::new(0)));
    let begun = Stretch::begin()?;
    let mut workers: JoinSet<Result<(), super::wire::WireError>> = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (next, bodies) = (Arc::clone(&next), bodies.clone());
        workers.spawn(async move {
            let mut wire = Wire::open(to).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let mut request = Request::new(Full::new(bodies.event(number, wall_micros())));
                *request.method_mut() = http::Method::POST;
                request.headers_mut().insert("host", http::HeaderValue::from_static("127.0.0.1"));
                wire.send(request).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        let ended = ended.map_err(|error| Failure::Failed(error.to_string()))?;
        ended.map_err(|error| Failure::Failed(format!("{to}: {error}")))?;
    }
    let (micros, posts) = begun.end(count)?;
    Ok(json!({ "micros": micros, "postsPerSecond": posts, "inFlight": IN_FLIGHT }))
}

fn hundredth(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
