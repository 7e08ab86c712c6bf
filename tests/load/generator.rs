//! Posts events at a rate, many at once, and notes which were acknowledged and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::server::{Server, publish};

/// An event that was answered with 202.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) event: String,
    pub(crate) event_type: String,
    pub(crate) at: Instant,
}

/// What to post: the n-th event's type, at `rate` a second, until `count` were posted.
pub(crate) struct Load {
    pub(crate) rate: u32,
    pub(crate) count: usize,
    pub(crate) event_type: fn(usize) -> String,
}

const TICK: Duration = Duration::from_millis(5);
const IN_FLIGHT: usize = 256;

/// A generator at work; `acknowledged` may be read at any time, also after it was stopped.
pub(crate) struct Running {
    task: tokio::task::JoinHandle<()>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
}

impl Running {
    pub(crate) async fn finish(self) -> Vec<Acknowledged> {
        self.task.await.unwrap();
        std::mem::take(&mut *self.acknowledged.lock())
    }

    /// Posts nothing more and forgets what hasn't been answered.
    pub(crate) async fn stop(self) -> Vec<Acknowledged> {
        self.task.abort();
        let _ = self.task.await;
        std::mem::take(&mut *self.acknowledged.lock())
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().len()
    }
}

pub(crate) fn start(server: &Server, load: Load) -> Running {
    let (http, url) = (server.http.clone(), server.url.clone());
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&acknowledged);
    let task = tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut posts = JoinSet::new();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let begun = Instant::now();
        let mut posted = 0;
        while posted < load.count {
            ticks.tick().await;
            let due = (begun.elapsed().as_secs_f64() * f64::from(load.rate)) as usize;
            while posted < due.min(load.count) {
                let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
                let (http, url, noted) = (http.clone(), url.clone(), Arc::clone(&noted));
                let event_type = (load.event_type)(posted);
                let data = json!({ "number": posted, "filler": "x".repeat(900) });
                posts.spawn(async move {
                    if let Some(event) = publish(&http, &url, &event_type, &data).await {
                        noted.lock().push(Acknowledged { event, event_type, at: Instant::now() });
                    }
                    drop(slot);
                });
                posted += 1;
            }
            while posts.try_join_next().is_some() {}
        }
        posts.join_all().await;
    });
    Running { task, acknowledged }
}

/// The value below which this share (0 to 1) of the values lies.
pub(crate) fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let index = ((values.len() as f64 - 1.0) * share).round() as usize;
    values[index]
}
