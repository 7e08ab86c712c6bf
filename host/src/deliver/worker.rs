//! Brings what is due, and what waits for its webhook, from the database to the dispatcher, and has the attempts made.
//!
//! Two ways to drive it: [`Worker::start`] in the background, by timer and by call; or [`Worker::run_due`], step by step, which
//! does what is due now and returns. It holds nothing that the database doesn't know, but attempts whose end couldn't be written.
//! Next: `claiming`.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Parts;
use super::dispatcher::Dispatcher;
use super::health::Healths;
use super::jumps::Jumps;
use super::pipeline::Pipeline;
use super::recorder::{Due, Ended, Recorder};
use super::retention::Retention;
use super::running::Running;
use super::sweep::Sweeper;
use super::under_way::UnderWay;
use super::unwritten::Unwritten;
use crate::model::causes::WithCauses;
use crate::model::delivery::Claimed;
use crate::store::StoreError;

/// How often it looks although nothing says that something is due.
const TICK: Duration = Duration::from_millis(500);
/// How long it rests when the store fails.
const REST: Duration = Duration::from_millis(200);
/// A turn that takes longer is given up: it waits for an answer that doesn't come.
const TURN_WITHIN: Duration = Duration::from_secs(60);
/// Until announced rows can be expected to be written, or something in memory to end.
const SOON: Duration = Duration::from_millis(20);

pub(super) struct Worker {
    pub(super) parts: Parts,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) health: Arc<Healths>,
    pub(super) sweeper: Sweeper,
    retention: Arc<Retention>,
    pub(super) attention: Arc<Notify>,
    pub(super) recorder: Recorder,
    /// To the recorder's task, while it takes anything.
    ended: Mutex<Option<mpsc::UnboundedSender<Ended>>>,
    tracker: TaskTracker,
}

/// Those who work under it.
pub(super) struct Actors {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) health: Arc<Healths>,
}

impl Worker {
    pub(super) fn new(parts: Parts, actors: Actors, (attention, jumps): (Arc<Notify>, Arc<Jumps>)) -> Self {
        let Actors { dispatcher, pipeline, health } = actors;
        Self {
            retention: Arc::new(Retention::new(parts.clone(), Arc::clone(&jumps))),
            sweeper: Sweeper::new(parts.clone(), Arc::clone(&dispatcher), jumps),
            recorder: Recorder {
                dispatcher: Arc::clone(&dispatcher),
                pipeline: Arc::clone(&pipeline),
                unwritten: Unwritten::new(Arc::clone(&pipeline)),
                due: Due::now(Arc::clone(&attention)),
            },
            parts,
            dispatcher,
            pipeline,
            health,
            attention,
            ended: Mutex::default(),
            tracker: TaskTracker::new(),
        }
    }

    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        self.sweeper.begin().await?;
        let recovered = self.parts.store.recover(self.parts.clock.now()).await?;
        if recovered > 0 {
            tracing::info!(recovered, "deliveries that were under way when the server stopped are due again");
        }
        self.health.load().await?;
        self.sweeper.hold_what_retries_in_order().await?;
        self.sweeper.find_waiting().await
    }

    pub(super) fn start(self: &Arc<Self>) -> Running {
        let (worker, stop) = (Arc::clone(self), CancellationToken::new());
        let (sender, ended) = mpsc::unbounded_channel();
        *self.ended.lock() = Some(sender);
        let recording = Arc::clone(self);
        self.tracker.spawn(async move { recording.recorder.run(ended, || recording.go_on()).await });
        self.tracker.spawn(Arc::clone(&worker).run(stop.clone()));
        let (retention, stopped) = (Arc::clone(&self.retention), stop.clone());
        self.tracker.spawn(async move { retention.run(stopped).await });
        Running { worker, stop }
    }

    pub(super) fn look(&self) {
        self.recorder.due.ask_again();
        self.attention.notify_one();
    }

    /// Starts nothing more, waits for what is under way, puts the rest back; how many were still under way after `within`.
    pub(super) async fn drain(&self, within: Duration) -> usize {
        let queued = self.dispatcher.drain();
        // The recorder ends when the last attempt has told it its end.
        self.ended.lock().take();
        self.tracker.close();
        let _ = tokio::time::timeout(within, self.tracker.wait()).await;
        self.put_back(queued).await;
        if let Err(error) = self.recorder.unwritten.write().await {
            tracing::error!(error = %WithCauses(&error), "some attempts couldn't be recorded; they are made again after the next start");
        }
        self.dispatcher.in_flight()
    }

    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let asked = self.parts.store.reach().ask();
            let rest = match self.turn_in_time().await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        self.parts.store.reach().found();
                    }
                    self.until_next()
                }
                Err(error) => {
                    failing = true;
                    if !self.parts.store.reach().lost(&error, asked) {
                        tracing::error!(error = %WithCauses(&error), "the queue can't be read; trying again");
                    }
                    REST
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.attention.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// A database that doesn't answer is asked anew: what it gave to this node meanwhile, and nobody knows of, is found again.
    async fn turn_in_time(self: &Arc<Self>) -> Result<(), StoreError> {
        let turn = tokio::time::timeout(TURN_WITHIN, self.turn()).await;
        turn.unwrap_or_else(|late| {
            self.recorder.due.ask_again();
            self.dispatcher.refills_failed();
            Err(StoreError::Unavailable(Box::new(late)))
        })
    }

    async fn turn(self: &Arc<Self>) -> Result<(), StoreError> {
        self.recorder.unwritten.write().await?;
        self.find_the_lost().await?;
        self.look_at_the_clock().await?;
        self.start_ready();
        if self.sweeper.sweep_when_due().await? && self.parts.store.is_shared() {
            // What another node put aside for later is nobody's but everybody's.
            self.recorder.due.ask_again();
        }
        if self.recorder.due.time() <= self.sweeper.due_until() {
            self.claim_due().await?;
        }
        self.refill().await?;
        self.start_ready();
        Ok(())
    }

    /// Starts what became ready where that was noticed, by a hand-over or an attempt's end: no delivery waits for the loop.
    pub(super) fn go_on(self: &Arc<Self>) {
        self.start_ready();
        if self.dispatcher.wants_refill() || self.dispatcher.next_ready().is_some() {
            self.attention.notify_one();
        }
    }

    fn start_ready(self: &Arc<Self>) {
        while let Some(claimed) = self.next() {
            // After the recorder was told to end nothing is started: the dispatcher gives nothing out.
            let Some(ended) = self.ended.lock().clone() else { return self.dispatcher.note_lost() };
            self.tracker.spawn(Arc::clone(self).one_after_another(claimed, ended));
        }
    }

    /// Makes this attempt, and then whichever is next: a task of its own for each costs as much as finding it.
    async fn one_after_another(self: Arc<Self>, first: Claimed, ended: mpsc::UnboundedSender<Ended>) {
        let mut next = Some(first);
        while let Some(claimed) = next {
            // Recording takes a commit: neither this task nor the receiver waits for it.
            let _ = ended.send(self.attempt(claimed).await);
            // Where nothing is sent, nothing else is ever waited for.
            tokio::task::coop::consume_budget().await;
            next = self.next();
            // Its end may have let more than one go on.
            self.start_ready();
        }
    }

    pub(super) async fn run_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let (mut under_way, mut attempts) = (JoinSet::new(), 0);
        let fetched = loop {
            if let Err(error) = self.fetch().await {
                break Err(error);
            }
            while let Some(claimed) = self.next() {
                let worker = Arc::clone(self);
                under_way.spawn(async move {
                    let ended = worker.attempt(claimed).await;
                    worker.recorder.record(vec![ended]).await;
                });
            }
            match under_way.join_next().await {
                Some(_) => attempts += 1,
                None => break Ok(()),
            }
        };
        // What was begun is finished, also when the store fails.
        while under_way.join_next().await.is_some() {
            attempts += 1;
        }
        fetched.map(|()| attempts)
    }

    async fn fetch(&self) -> Result<(), StoreError> {
        self.recorder.unwritten.write().await?;
        self.find_the_lost().await?;
        self.look_at_the_clock().await?;
        self.sweeper.sweep().await?;
        self.retention.purge_when_due().await?;
        while self.claim_due().await? {}
        self.refill().await
    }

    async fn look_at_the_clock(&self) -> Result<(), StoreError> {
        if self.sweeper.look_at_the_clock().await? {
            self.recorder.due.ask_again();
        }
        Ok(())
    }

    fn next(&self) -> Option<Claimed> {
        if self.recorder.unwritten.is_empty() { self.dispatcher.next() } else { None }
    }

    async fn attempt(&self, claimed: Claimed) -> Ended {
        let mut under_way = UnderWay::new(Arc::clone(&self.dispatcher), &claimed);
        let attempted = self.pipeline.attempt(claimed).await;
        under_way.answered(attempted.pace);
        Ended { under_way, attempted }
    }

    fn until_next(&self) -> Duration {
        let due = self.recorder.due.time().since(self.sweeper.due_until());
        // Until there is room, what is due can't be had, however often it is asked for.
        let due = if self.dispatcher.room_for(1) == 0 { due.max(SOON) } else { due };
        let next = self.dispatcher.next_ready().map_or(due, |ready| ready.since(self.parts.clock.now()).min(due));
        let most = if self.dispatcher.wants_refill() || self.sweeper.is_asked() { SOON } else { TICK };
        next.min(most)
    }
}
