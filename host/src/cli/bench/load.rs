//! The load: single events over kept connections, either as fast as they are answered or at times that were fixed beforehand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body_util::Full;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::TOKEN;
use super::body::Bodies;
use super::latency::{Latencies, wall_micros};
use super::quarters::Quarters;
use super::wire::{Wire, WireError};
use crate::cli::Failure;

/// The most requests under way when nobody waits for answers: the delay of those beyond it counts all the same.
const OPEN_MAX: usize = 1024;
/// A server closes what is silent for longer: ours after 75 s.
const IDLE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Load {
    /// Where to post: each connection has one of them.
    pub(super) to: Vec<SocketAddr>,
    pub(super) events: usize,
    pub(super) bodies: Bodies,
    pub(super) quarters: Quarters,
}

/// What posting told.
pub(super) struct Posted {
    /// `CLOCK_REALTIME` in microseconds.
    pub(super) began: u64,
    pub(super) events: usize,
    /// From the send time to the 202.
    pub(super) latencies: Latencies,
}

impl Load {
    /// Posts all, so many at a time, each as soon as the one before it is answered.
    pub(super) async fn closed(self: &Arc<Self>, connections: usize) -> Result<Posted, Failure> {
        let (began, next) = (wall_micros(), Arc::new(AtomicUsize::new(0)));
        let mut workers: JoinSet<Result<Latencies, Failure>> = JoinSet::new();
        for place in 0..connections.max(1) {
            let (load, next) = (Arc::clone(self), Arc::clone(&next));
            workers.spawn(async move {
                let (to, mut latencies) = (load.entry(place)?, Latencies::default());
                let mut wire = Wire::open(to).await.map_err(|error| broken(to, &error))?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= load.events {
                        return Ok(latencies);
                    }
                    let sent = wall_micros();
                    latencies.note(sent, load.post(&mut wire, to, number, sent).await?);
                }
            });
        }
        let mut latencies = Latencies::default();
        while let Some(ended) = workers.join_next().await {
            latencies.merge(ended.map_err(|error| Failure::Failed(format!("the load stopped: {error}")))??);
        }
        Ok(Posted { began, events: self.events, latencies })
    }

    /// Posts all at this rate, whether or not those before are answered: what has to wait for its turn has waited since its time came.
    /// Fewer where it is told that it is `enough`.
    pub(super) async fn open(self: &Arc<Self>, rate: f64, enough: &CancellationToken) -> Result<Posted, Failure> {
        let posts = Arc::new(Open::new(self));
        let began = wall_micros();
        let (at_work, runtime, tracker) = (Arc::clone(&posts), Handle::current(), TaskTracker::new());
        let (spawned, stopped) = (tracker.clone(), enough.child_token());
        let _stop = stopped.clone().drop_guard();
        // Timers of the runtime are no finer than a millisecond.
        let pacer = std::thread::spawn(move || {
            let since = Instant::now();
            for number in 0..at_work.load.events {
                let due = Duration::from_secs_f64(float(number) / rate);
                while let Some(left) = due.checked_sub(since.elapsed()) {
                    std::thread::park_timeout(left);
                }
                if stopped.is_cancelled() {
                    return number;
                }
                let sent = began + u64::try_from(due.as_micros()).unwrap_or(u64::MAX);
                spawned.spawn_on(Arc::clone(&at_work).one(number, sent), &runtime);
            }
            at_work.load.events
        });
        let Ok(Ok(events)) = tokio::task::spawn_blocking(move || pacer.join()).await else {
            return Err(Failure::Failed("the load stopped".into()));
        };
        tracker.close();
        tracker.wait().await;
        let failure = posts.failure.lock().take();
        failure.map_or(Ok(()), Err)?;
        let latencies = std::mem::take(&mut *posts.latencies.lock());
        Ok(Posted { began, events, latencies })
    }

    fn entry(&self, place: usize) -> Result<SocketAddr, Failure> {
        let index = place.checked_rem(self.to.len());
        let entry = index.and_then(|index| self.to.get(index)).copied();
        entry.ok_or_else(|| Failure::Failed("there is nowhere to post to".into()))
    }

    /// How long it took from `sent` to the 202.
    async fn post(&self, wire: &mut Wire, to: SocketAddr, number: usize, sent: u64) -> Result<u64, Failure> {
        self.quarters.reached(number);
        let request = Request::post("/api/events")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("idempotency-key", format!("bench-{number}"))
            .body(Full::new(self.bodies.event(number, sent)))
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let (status, answer) = wire.send(request).await.map_err(|error| broken(to, &error))?;
        if status != StatusCode::ACCEPTED {
            let said = String::from_utf8_lossy(&answer).into_owned();
            return Err(Failure::Failed(format!("an event was refused with {status}: {said}")));
        }
        Ok(wall_micros().saturating_sub(sent))
    }
}

/// Posts that don't wait for one another.
struct Open {
    load: Arc<Load>,
    /// With when each was used last.
    idle: Mutex<Vec<(Wire, Instant)>>,
    places: Semaphore,
    latencies: Mutex<Latencies>,
    failure: Mutex<Option<Failure>>,
}

impl Open {
    fn new(load: &Arc<Load>) -> Self {
        let (idle, places) = (Mutex::default(), Semaphore::new(OPEN_MAX));
        Self { load: Arc::clone(load), idle, places, latencies: Mutex::default(), failure: Mutex::default() }
    }

    async fn one(self: Arc<Self>, number: usize, sent: u64) {
        match self.post(number, sent).await {
            Ok(took) => self.latencies.lock().note(sent, took),
            Err(failure) => drop(self.failure.lock().get_or_insert(failure)),
        }
    }

    async fn post(&self, number: usize, sent: u64) -> Result<u64, Failure> {
        let _place = self.places.acquire().await.map_err(|error| Failure::Failed(error.to_string()))?;
        let to = self.load.entry(number)?;
        // The last used is the first; where it has been idle for too long, so have those below it.
        let kept = self.idle.lock().pop().filter(|(_, used)| used.elapsed() < IDLE_MAX);
        let mut wire = match kept {
            Some((wire, _)) => wire,
            None => Wire::open(to).await.map_err(|error| broken(to, &error))?,
        };
        let took = self.load.post(&mut wire, to, number, sent).await?;
        self.idle.lock().push((wire, Instant::now()));
        Ok(took)
    }
}

fn broken(to: SocketAddr, error: &WireError) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::Failed(format!("{to}: {error}{cause}"))
}

#[allow(clippy::cast_precision_loss, reason = "numbers of events are far below 2^52")]
fn float(number: usize) -> f64 {
    number as f64
}
