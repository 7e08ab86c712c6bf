//! One attempt at a delivery, from claim to record. The central function is [`Pipeline::attempt`].
//!
//! No transaction is open while a plugin or the network is at work, and nothing here decides when to try again. It never falls
//! back: only `onError: skip`, decided inside the chain, goes on after a fault.

use std::sync::Arc;
use std::time::Duration;

use super::build::{self, Making, Outgoing};
use super::health::Healths;
use super::judge;
use super::lane::Pace;
use super::record::Record;
use super::settings::Placeholders;
use super::{Parts, mask, meter, once};
use crate::format::mask::Mask;
use crate::model::attempt::{Outcome, Trigger};
use crate::model::causes::WithCauses;
use crate::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use crate::model::request::Request;
use crate::model::time::Timestamp;
use crate::model::webhook::{Ordering, Revision, Status, Webhook};
use crate::retry;
use crate::send::Exchange;
use crate::store::{Completed, Completion, Reach, StoreError};

/// How long a delivery rests that couldn't be attempted because the database didn't answer.
const REST: Duration = Duration::from_secs(5);
/// The error of those that were to be written with one whose error is told.
const TOGETHER: &str = "it was to be written together with others, and that failed";

pub(super) struct Pipeline {
    parts: Parts,
    health: Arc<Healths>,
}

/// An attempt that was made, or a delivery that it didn't come to: what is left to do is to record it.
pub(super) struct Attempted {
    pub(super) completion: Completion,
    pub(super) pace: Pace,
    /// Why the receiver is taken for gone.
    gone: Option<String>,
}

/// The store failed. What is known of the attempt is kept, to be written as soon as it can be.
pub(super) struct Unsettled {
    pub(super) completion: Arc<Completion>,
    pub(super) error: StoreError,
}

/// The finished request, and what the reply will be judged by.
struct Prepared {
    request: Request,
    made: MadeBy,
}

struct MadeBy {
    revision: Arc<Revision>,
    body: FixedBody,
    mask: Mask,
}

impl Pipeline {
    pub(super) fn new(parts: Parts, health: Arc<Healths>) -> Self {
        Self { parts, health }
    }

    pub(super) fn reach(&self) -> &Reach {
        self.parts.store.reach()
    }

    /// Makes one attempt at a claimed delivery. [`Self::record`] writes down how it ended; should this process die before that,
    /// the attempt is made again, with the same event id.
    pub(super) async fn attempt(&self, claimed: Claimed) -> Attempted {
        let webhook = match self.receiver_of(&claimed) {
            Ok(webhook) => webhook,
            Err(aside) => return self.put_aside(claimed, aside),
        };
        let mut record = Record::begin(&claimed, self.now());
        let outcome = match self.request_for(&claimed, &webhook, &mut record).await {
            Ok(Ok(Prepared { request, made })) => {
                let exchange = self.parts.sender.send(request, webhook.current.timeout).await;
                self.judge(&claimed, &made, exchange, &mut record).await
            }
            // Dropped, failed, or unfit for its format: there is nothing to send.
            Ok(Err(outcome)) => outcome,
            Err(error) => return self.put_back(claimed, &error),
        };
        let now = self.now();
        let decision = retry::decide(&record.ended(&webhook.current.retry, now), &outcome, self.parts.rng.unit());
        let pace = pace(&outcome);
        let awaited = webhook.current.ordering == Ordering::Fifo;
        let completion = Completion { awaited, ..record.completion(claimed, outcome, &decision, now) };
        Attempted { completion, pace, gone: decision.gone }
    }

    /// Writes down how attempts ended, and what that means for their webhooks; how each left this node's hands, in order.
    ///
    /// Fails only if the store fails: then the record is kept, to be written by [`Self::settle`] later.
    pub(super) async fn record(&self, attempted: Vec<Attempted>) -> Vec<Result<Completed, Unsettled>> {
        let (mut completions, mut gone) = (Vec::with_capacity(attempted.len()), Vec::with_capacity(attempted.len()));
        for one in attempted {
            completions.push(Arc::new(one.completion));
            gone.push(one.gone);
        }
        let written = self.write(&completions).await;
        let mut recorded = Vec::with_capacity(completions.len());
        for ((completion, gone), written) in completions.into_iter().zip(gone).zip(written) {
            recorded.push(match written {
                Ok(applied) => {
                    tell(&completion, applied);
                    self.health.note(&completion, gone).await;
                    Ok(completion.next.clone())
                }
                Err(error) => Err(Unsettled { completion, error }),
            });
        }
        recorded
    }

    /// Writes an attempt's end that couldn't be written before, or that a delivery is put back.
    pub(super) async fn settle(&self, completion: Arc<Completion>) -> Result<(), Unsettled> {
        match self.parts.store.complete_all(vec![Arc::clone(&completion)]).await {
            Ok(applied) => applied.into_iter().for_each(|applied| tell(&completion, applied)),
            Err(error) => return Err(Unsettled { completion, error }),
        }
        Ok(())
    }

    /// Writes that these are in nobody's hands; those that couldn't be written come back.
    pub(super) async fn settle_all(&self, untried: &[Arc<Completion>]) -> Vec<Arc<Completion>> {
        let written = self.write(untried).await;
        untried.iter().zip(written).filter_map(|(one, written)| written.is_err().then(|| Arc::clone(one))).collect()
    }

    /// All at once; where one of them can't be written, one by one, so that it doesn't take the others with it.
    async fn write(&self, completions: &[Arc<Completion>]) -> Vec<Result<bool, StoreError>> {
        let store = &self.parts.store;
        match store.complete_all(completions.to_vec()).await {
            Ok(applied) => applied.into_iter().map(Ok).collect(),
            Err(StoreError::Unavailable(source)) => {
                let mut first = Some(StoreError::Unavailable(source));
                let error = || first.take().unwrap_or_else(|| StoreError::Unavailable(TOGETHER.into()));
                std::iter::repeat_with(error).map(Err).take(completions.len()).collect()
            }
            Err(_) => {
                let mut written = Vec::with_capacity(completions.len());
                for completion in completions {
                    let applied = store.complete_all(vec![Arc::clone(completion)]).await;
                    written.push(applied.map(|applied| applied.into_iter().all(|applied| applied)));
                }
                written
            }
        }
    }

    /// The webhook as it is now; the error is what becomes of a delivery that it can't take now.
    fn receiver_of(&self, claimed: &Claimed) -> Result<Arc<Webhook>, Completed> {
        let cancelled =
            |reason: String| Completed::Next(Next::Ended { status: DeliveryStatus::Cancelled, reason: Some(reason) });
        let Some(webhook) = self.parts.directory.webhook(claimed.webhook) else {
            return Err(cancelled(super::DELETED.into()));
        };
        match (claimed.trigger, webhook.revision.status) {
            // A test ignores the status, and who asks for one more attempt means it, paused or not.
            (Trigger::Test, _) | (Trigger::Manual, Status::Paused) | (_, Status::Active) => Ok(webhook),
            (_, Status::Disabled(reason)) => Err(cancelled(super::disabled_line(reason))),
            (Trigger::Automatic, Status::Paused) => Err(Completed::Waiting),
        }
    }

    /// The signed request: of what the first attempt fixed; before that, of what the chain makes, which this attempt then fixes.
    async fn request_for(
        &self,
        claimed: &Claimed,
        webhook: &Arc<Webhook>,
        record: &mut Record,
    ) -> Result<Result<Prepared, Outcome>, StoreError> {
        let (revision, body) = match &claimed.fixed {
            Some(fixed) => (self.revision(webhook, fixed).await?, fixed.body.clone()),
            None => {
                let revision = Arc::clone(&webhook.revision);
                let made = once::run_chain(&self.parts, webhook, &revision, &claimed.event).await;
                record.stages = made.stages;
                if !record.stages.is_empty() {
                    // Others run their chains first, one after the other: a plugin's code and memory are at hand for the next one then.
                    tokio::task::yield_now().await;
                }
                match made.end {
                    Ok(body) => {
                        record.fixed = Some(Fixed { revision: revision.id, body: body.clone() });
                        (revision, body)
                    }
                    Err(outcome) => return Ok(Err(outcome)),
                }
            }
        };
        let placeholders = Placeholders::new(&self.parts.vault, &claimed.event, webhook.id);
        let fillings = build::drafted_by(&body, &revision).map(|stage| placeholders.fillings(stage));
        let making = Making {
            event: &claimed.event,
            delivery: claimed.id,
            test: claimed.trigger == Trigger::Test,
            webhook,
            revision: &revision,
            body: &body,
            fillings: &fillings.unwrap_or_default(),
            now: record.started_at(),
        };
        let built = build::build(&making);
        Ok(built.map(|Outgoing { request, sent, mask }| {
            record.sent = Some(sent);
            Prepared { request, made: MadeBy { revision, body, mask } }
        }))
    }

    /// What the reply means: as the plugin that drafted the request says, else 2xx.
    async fn judge(&self, claimed: &Claimed, made: &MadeBy, exchange: Exchange, record: &mut Record) -> Outcome {
        record.timings = exchange.timings;
        let mut reply = match exchange.result {
            Ok(reply) => reply,
            Err(error) => return Outcome::Unreachable { error },
        };
        made.mask.headers(&mut reply.headers);
        reply.body = made.mask.body(reply.body);
        let asked = reply.headers.iter().find(|header| &*header.name == "retry-after");
        record.asked = asked.and_then(|header| retry::retry_after(&header.value, self.now()));
        record.response = Some(mask::response(&reply));
        let drafter = build::drafted_by(&made.body, &made.revision);
        let stage = drafter.filter(|stage| stage.classifies.asks_about(reply.status));
        match stage {
            Some(stage) => judge::by_plugin(&self.parts, stage, claimed, &reply, record).await,
            None => judge::by_status(reply.status),
        }
    }

    async fn revision(&self, webhook: &Webhook, fixed: &Fixed) -> Result<Arc<Revision>, StoreError> {
        if webhook.revision.id == fixed.revision {
            return Ok(Arc::clone(&webhook.revision));
        }
        let stored = self.parts.store.revision(fixed.revision).await?;
        stored.ok_or_else(|| StoreError::Damaged { what: "delivery", source: "its revision is missing".into() })
    }

    fn put_aside(&self, claimed: Claimed, next: Completed) -> Attempted {
        let completion =
            Completion { claimed, attempt: None, fixed: None, next, health: None, awaited: false, now: self.now() };
        Attempted { completion, pace: Pace::Unknown, gone: None }
    }

    fn put_back(&self, claimed: Claimed, error: &StoreError) -> Attempted {
        tracing::error!(delivery = %claimed.id, error = %WithCauses(error), "put back: what its first attempt fixed can't be read");
        self.put_aside(claimed, Completed::Scheduled(self.now().plus(REST)))
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

/// Logs and counts an attempt that is written.
fn tell(completion: &Completion, applied: bool) {
    let claimed = &completion.claimed;
    if !applied {
        tracing::warn!(delivery = %claimed.id, "this attempt was a duplicate: another node had taken the delivery over");
    }
    let Some(attempt) = &completion.attempt else { return };
    meter::attempt(attempt);
    if attempt.number == 1 {
        meter::first_attempt(attempt.ended_at.since(claimed.event.id.time()));
    }
    tracing::debug!(
        delivery = %claimed.id, event = %claimed.event.id, attempt = attempt.number,
        outcome = ?attempt.outcome, next = attempt.retry_reason.as_deref(), "attempt"
    );
}

const fn pace(outcome: &Outcome) -> Pace {
    match outcome {
        Outcome::Rejected { status: 429 | 503, .. } => Pace::Overloaded,
        Outcome::Delivered | Outcome::Rejected { .. } => Pace::Answered,
        Outcome::Unreachable { .. } => Pace::Silent,
        Outcome::Dropped { .. } | Outcome::TransformFailed { .. } | Outcome::FormatFailed { .. } => Pace::Unknown,
    }
}
