//! The raw floors, measured in this process before anything else: a call into a plugin, a commit, a POST, each by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::body::Bodies;
use super::latency::wall_micros;
use super::ledger::{Row, sqlite};
use super::process::{Child, own_cpu};
use super::sandbox;
use super::wire::Wire;
use crate::cli::Failure;

/// Events of one commit: as many as there are requests under way by default.
const BATCH: usize = 64;
/// More repetitions tell no more.
const REPEATED_MAX: usize = 50_000;
const IN_FLIGHT: usize = 64;

/// Whose CPU time was used between two looks, and the time that passed.
pub(super) struct Stretch {
    began: Instant,
    cpu: Duration,
}

impl Stretch {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), cpu: own_cpu() }
    }

    /// CPU time in microseconds for each of `count`, and how many that makes a second.
    pub(super) fn end(&self, count: usize) -> (f64, f64) {
        let count = f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
        let cpu = own_cpu().saturating_sub(self.cpu).as_secs_f64() * 1e6 / count;
        (hundredth(cpu), (count / self.began.elapsed().as_secs_f64()).round())
    }
}

/// All of them, so many times each, in a folder of their own.
pub(super) async fn measure(folder: &Path, count: usize, bytes: usize) -> Result<Value, Failure> {
    let count = count.clamp(BATCH, REPEATED_MAX);
    let bodies = Bodies::new(bytes, 0);
    let (wasm, commit, post) =
        (sandbox::measure(folder, count, bytes).await?, commit(folder, count, &bodies)?, post(count, &bodies).await?);
    Ok(json!({ "wasm": wasm, "commit": commit, "post": post }))
}

/// The floor's rows, written as they are there.
fn commit(folder: &Path, count: usize, bodies: &Bodies) -> Result<Value, Failure> {
    let failed = |error: rusqlite::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    let mut database = sqlite::open(folder).map_err(failed)?;
    let begun = Stretch::begin();
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
    let (micros, events) = begun.end(count);
    Ok(
        json!({ "microsPerEvent": micros, "eventsPerSecond": events, "rowsPerSecond": 2.0 * events, "eventsPerCommit": BATCH }),
    )
}

/// POSTs to a receiver in another process, whose CPU time isn't counted.
async fn post(count: usize, bodies: &Bodies) -> Result<Value, Failure> {
    let sink = Child::start(&["bench", "--part", "sink"], &[], None).await?;
    let (to, next) = (sink.address, Arc::new(AtomicUsize::new(0)));
    let begun = Stretch::begin();
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
    let (micros, posts) = begun.end(count);
    Ok(json!({ "micros": micros, "postsPerSecond": posts, "inFlight": IN_FLIGHT }))
}

fn hundredth(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
