//! What waits for the writer: taken in the order of arrival, as a group or as one errand.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Waiting;
use super::taken::Taken;
use crate::store::packed::PackedCompletion;
use crate::store::{Appended, NewBatch};

/// How long a completion waits for company, that comes first and that nobody waits for.
pub(super) const LINGER: Duration = Duration::from_millis(2);

/// What comes next.
pub(super) enum Work<E> {
    Group(Taken),
    Errand(E),
}

/// The writer's end of the channels.
pub(super) struct Intake<E> {
    pub(super) appends: mpsc::Receiver<Waiting<NewBatch, Appended>>,
    pub(super) completions: mpsc::Receiver<Waiting<Vec<PackedCompletion>, Vec<bool>>>,
    pub(super) errands: mpsc::Receiver<E>,
    /// The last thing was a group: it is an errand's turn, so that neither kind holds up the other.
    pub(super) wrote: bool,
    pub(super) closing: CancellationToken,
    pub(super) open: bool,
}

impl<E> Intake<E> {
    /// Waits for work and takes all that is there; `None` once closed and empty.
    pub(super) async fn next(&mut self) -> Option<Work<E>> {
        if std::mem::take(&mut self.wrote)
            && let Ok(errand) = self.errands.try_recv()
        {
            return Some(Work::Errand(errand));
        }
        let mut taken = Taken::default();
        while taken.is_empty() {
            tokio::select! {
                biased;
                Some(batch) = self.appends.recv() => taken.batch(batch),
                Some(completions) = self.completions.recv() => {
                    let awaited = completions.work.iter().any(|packed| packed.completion.awaited);
                    taken.completions(completions);
                    if !awaited {
                        self.linger(&mut taken).await;
                    }
                }
                Some(errand) = self.errands.recv() => return Some(Work::Errand(errand)),
                () = self.closing.cancelled(), if self.open => self.close(),
                else => return None,
            }
        }
        self.drain(&mut taken);
        self.wrote = true;
        Some(Work::Group(taken))
    }

    async fn linger(&mut self, taken: &mut Taken) {
        if !self.open || taken.is_full() {
            return;
        }
        tokio::select! {
            biased;
            Some(batch) = self.appends.recv() => taken.batch(batch),
            () = self.closing.cancelled() => self.close(),
            () = tokio::time::sleep(LINGER) => {}
        }
    }

    fn close(&mut self) {
        self.open = false;
        self.appends.close();
        self.completions.close();
        self.errands.close();
    }

    /// Alternates, so that neither kind holds up the other.
    fn drain(&mut self, taken: &mut Taken) {
        while !taken.is_full() {
            let append = self.appends.try_recv().map(|batch| taken.batch(batch));
            let completion = self.completions.try_recv().map(|completions| taken.completions(completions));
            if append.is_err() && completion.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;
    use crate::model::attempt::Trigger;
    use crate::model::delivery::Claimed;
    use crate::model::event::{ContentType, Event, Payload};
    use crate::model::ids::{DeliveryId, EventId, WebhookId};
    use crate::model::name::{Environment, Tenant};
    use crate::model::time::Timestamp;
    use crate::store::{Completed, Completion};

    fn completion(awaited: bool) -> PackedCompletion {
        let event = Event {
            id: EventId::from(1),
            event_type: "order.paid".parse().unwrap(),
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: Timestamp::default(),
            data: Payload { content_type: ContentType::Json, bytes: "{}".into() },
            external_id: None,
        };
        let claimed = Claimed {
            id: DeliveryId::from(2),
            event: Arc::new(event),
            webhook: WebhookId::from(3),
            attempts: 0,
            trigger: Trigger::Automatic,
            replay_of: None,
            fixed: None,
            fence: 1,
        };
        let (next, now) = (Completed::Waiting, Timestamp::default());
        let completion = Completion { claimed, attempt: None, fixed: None, next, health: None, awaited, now };
        PackedCompletion::new(Arc::new(completion)).unwrap()
    }

    #[tokio::test]
    async fn a_completion_waits_for_company_unless_somebody_waits_for_it() {
        let (_appends, appends) = mpsc::channel(1);
        let (completions, waiting) = mpsc::channel(2);
        let (_errands, errands) = mpsc::channel::<()>(1);
        let closing = CancellationToken::new();
        let mut intake = Intake { appends, completions: waiting, errands, wrote: false, closing, open: true };
        for awaited in [true, false] {
            let work = vec![completion(false), completion(awaited)];
            completions.send(Waiting { work, answer: oneshot::channel().0 }).await.unwrap();
            let at_once = intake.next().now_or_never().is_some();
            assert_eq!(at_once, awaited);
        }
    }
}
