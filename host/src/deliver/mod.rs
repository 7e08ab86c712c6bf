//! Delivering: what is claimed is attempted, and how it ended is recorded; what failed is attempted again when it is due.
//!
//! The actors: [`dispatcher`] knows who is next, [`pipeline`] makes one attempt, [`worker`] fetches what is due or waits, [`health`]
//! disables receivers that are gone. The promise: every durable delivery is attempted at least once and ends visibly; a crash
//! between send and record sends again, with the same event id. It knows the database, the sandbox and the network only by their
//! traits, and never decides when to try again: `retry` does.
//!
//! `service` and `app` hold a [`Deliver`]; `ingest` sees of it only the [`Handoff`].

mod accept;
mod asked;
mod bucket;
mod build;
mod claiming;
mod dispatcher;
#[cfg(test)]
mod dispatcher_tests;
mod health;
mod judge;
mod jumps;
mod lane;
mod mask;
mod meter;
mod nodes;
mod once;
mod pipeline;
mod preview;
mod record;
mod recorder;
mod reserve;
mod retention;
mod running;
mod settings;
mod state;
mod sweep;
mod under_way;
mod unwritten;
mod worker;

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use self::accept::Accepting;
use self::dispatcher::Dispatcher;
use self::health::Healths;
use self::jumps::Jumps;
use self::pipeline::Pipeline;
use self::worker::Worker;
use crate::clock::{Clock, Rng};
use crate::handoff::Handoff;
use crate::model::attempt::{Attempt, Trigger};
use crate::model::delivery::Next;
use crate::model::event::Event;
use crate::model::ids::{DeliveryId, IdSource, WebhookId};
use crate::model::webhook::{DisabledReason, Revision, Webhook};
use crate::route::Directory;
use crate::send::Sender;
use crate::store::{Completed, NewBatch, NewDelivery, NewEvent, Start, Store, StoreError};
use crate::transform::SharedTransform;
use crate::transform::fuel::FuelLimits;
use crate::vault::Vault;

pub use self::dispatcher::Limits;
pub use self::health::{FAILING_FOR, OPERATOR};
pub use self::preview::{Preview, PreviewEnd};
pub use self::running::Running;

/// All that delivering needs of the rest, wired in `app`.
#[derive(Clone)]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub transform: SharedTransform,
    pub sender: Arc<dyn Sender>,
    pub directory: Arc<Directory>,
    pub vault: Arc<Vault>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub ids: Arc<IdSource>,
    /// What a chain may use up.
    pub fuel: FuelLimits,
}

pub struct Deliver {
    parts: Parts,
    dispatcher: Arc<Dispatcher>,
    pipeline: Arc<Pipeline>,
    worker: Arc<Worker>,
    handoff: Arc<dyn Handoff>,
    /// Set once it delivers in the background.
    background: Arc<OnceLock<Weak<Worker>>>,
}

/// What a test made, for its synchronous answer; the log has it too.
#[derive(Clone, Debug)]
pub struct Tested {
    pub delivery: DeliveryId,
    pub attempt: Attempt,
    pub next: Next,
}

/// What became of the wish for one more attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is on its way.
    Started,
    /// An attempt is under way right now.
    InProgress,
}

impl Deliver {
    /// Does nothing by itself until [`Self::start`] (a server) or [`Self::run_due`] (a test, step by step).
    pub fn new(parts: Parts, limits: Limits) -> Arc<Self> {
        Self::build(parts, limits, None)
    }

    /// One that makes no attempt but tests: whatever is to be delivered is left to other nodes.
    pub fn accepting(parts: Parts, limits: Limits) -> Arc<Self> {
        let handoff = Arc::new(Accepting { clock: Arc::clone(&parts.clock) });
        let accepting = Self::build(parts, limits, Some(handoff));
        accepting.dispatcher.rest();
        accepting
    }

    fn build(parts: Parts, limits: Limits, handoff: Option<Arc<dyn Handoff>>) -> Arc<Self> {
        let (attention, background) = (Arc::new(Notify::new()), Arc::new(OnceLock::<Weak<Worker>>::new()));
        let started = Arc::clone(&background);
        // What was handed over begins where it was, on the thread that has it at hand, not after the loop's turn.
        let wake = Box::new(move || started.get().and_then(Weak::upgrade).iter().for_each(Worker::go_on));
        let dispatcher = Dispatcher::new(Arc::clone(&parts.directory), Arc::clone(&parts.clock), limits, wake);
        let dispatcher = Arc::new(dispatcher.among_others(parts.store.is_shared()));
        let handoff = handoff.unwrap_or_else(|| Arc::<Dispatcher>::clone(&dispatcher));
        let jumps = Arc::new(Jumps::default());
        let health = Arc::new(Healths::new(parts.clone(), Arc::clone(&handoff), Arc::clone(&jumps)));
        let pipeline = Arc::new(Pipeline::new(parts.clone(), Arc::clone(&health)));
        let actors = worker::Actors { dispatcher: Arc::clone(&dispatcher), pipeline: Arc::clone(&pipeline), health };
        let worker = Arc::new(Worker::new(parts.clone(), actors, (attention, jumps)));
        Arc::new(Self { parts, dispatcher, pipeline, worker, handoff, background })
    }

    /// What `ingest` (and whoever else appends events) hands deliveries to.
    pub fn handoff(&self) -> Arc<dyn Handoff> {
        Arc::clone(&self.handoff)
    }

    /// Takes over what an earlier process left, then delivers in the background until [`Running::drain`].
    pub async fn start(&self) -> Result<Running, StoreError> {
        self.recover().await?;
        let running = Worker::start(&self.worker);
        self.background.get_or_init(|| Arc::downgrade(&self.worker));
        Ok(running)
    }

    /// The first half of [`Self::start`]: what an earlier process had in its hands is due now.
    pub async fn recover(&self) -> Result<(), StoreError> {
        self.worker.recover().await
    }

    /// One step: does all that is due now, waits for it to end, and tells how many attempts that were.
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        self.worker.run_due().await
    }

    /// Deliveries were enqueued, or a webhook may go on: look at once instead of at the next tick.
    pub fn look(&self) {
        self.worker.look();
    }

    /// A webhook was saved or deleted (in the store and the directory, in this order, before this call). Cancels what is
    /// pending of one that is disabled or gone, and releases what was held of one that is active again.
    pub async fn webhook_changed(&self, id: WebhookId) -> Result<(), StoreError> {
        self.worker.webhook_changed(id).await
    }

    /// One more attempt of the same delivery, at once; no automatic one follows it. The delivery must exist.
    pub async fn retry(&self, id: DeliveryId) -> Result<Retried, StoreError> {
        self.worker.retry(id).await
    }

    /// One attempt at a new event, now, for this webhook alone, whatever its status and subscription. Logged as a test.
    pub async fn test(&self, webhook: &Arc<Webhook>, event: Event) -> Result<Tested, StoreError> {
        let (event, now) = (Arc::new(event), self.parts.clock.now());
        let id: DeliveryId = self.parts.ids.next(now);
        let (start, trigger) = (Start::Claimed, Trigger::Test);
        let delivery = NewDelivery { id, webhook: webhook.id, start, trigger, replay_of: None };
        let new = NewEvent { event: Arc::clone(&event), deliveries: vec![delivery.clone()] };
        self.parts.store.append(NewBatch { events: vec![new], idempotency: None, now }).await?;
        let claimed = health::first_claim(&event, &delivery);
        let attempted = self.pipeline.attempt(claimed).await;
        let attempt = attempted.completion.attempt.clone();
        let recorded = self.pipeline.record(vec![attempted]).await.pop();
        let completed = recorded.transpose().map_err(|unsettled| unsettled.error)?;
        match (attempt, completed) {
            (Some(attempt), Some(Completed::Next(next))) => Ok(Tested { delivery: id, attempt, next }),
            // The webhook was deleted while this was called: there was nothing to attempt.
            _ => Err(StoreError::Conflict { what: "webhook" }),
        }
    }

    /// What a webhook would send for an event, stage by stage, with the final signed request. Sends and stores nothing, and
    /// secrets in settings stay placeholders. `revision` is the webhook's own for a preview, an older or changed one for a rerun.
    pub async fn preview(&self, webhook: &Webhook, revision: &Revision, event: &Event) -> Preview {
        preview::preview(&self.parts, webhook, revision, event).await
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.dispatcher.in_flight()
    }
}

/// How long a shutdown waits for attempts that are under way.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(25);

/// Why deliveries of a deleted webhook were cancelled.
const DELETED: &str = "the webhook was deleted";

fn disabled_line(reason: DisabledReason) -> String {
    format!("the webhook is disabled ({})", reason.as_str())
}
