//! From checked events to durable ones: routing, queue rows, the append, and the step into memory.

use std::sync::Arc;

use bytes::Bytes;

use super::error::IngestError;
use super::fields::{Issues, pointer};
use super::{Accepted, AcceptedEvent, Place};
use crate::clock::Clock;
use crate::handoff::Handoff;
use crate::model::attempt::Trigger;
use crate::model::delivery::Claimed;
use crate::model::event::Event;
use crate::model::ids::IdSource;
use crate::model::webhook::Webhook;
use crate::route::Directory;
use crate::store::admission::Scope;
use crate::store::{
    Appended, Events, IdempotencyClaim, NewBatch, NewDelivery, NewEvent, SeenExternalId, Start, StoreError,
};

pub(super) struct Writer {
    pub(super) store: Arc<dyn Events + Send + Sync>,
    pub(super) handoff: Arc<dyn Handoff>,
    pub(super) directory: Arc<Directory>,
    pub(super) ids: Arc<IdSource>,
    pub(super) clock: Arc<dyn Clock>,
}

/// An `Idempotency-Key` in its scope, and what it is compared by.
pub(super) struct Key {
    pub(super) scope: Scope,
    pub(super) body_digest: [u8; 32],
}

/// How the answer is to look, whether it is kept for repeats, and the place in memory that the request has until then.
pub(super) struct Answering {
    pub(super) key: Option<Key>,
    pub(super) many: bool,
    pub(super) place: Option<Place>,
}

/// An event on its way: answered as soon as it is known to have been accepted before.
struct Pending {
    event: Arc<Event>,
    answer: Option<AcceptedEvent>,
}

/// Places in memory that are given back unless they are used up.
struct Reserved<'a> {
    handoff: &'a dyn Handoff,
    webhooks: Vec<Arc<Webhook>>,
}

impl Writer {
    /// Events that bear an id which was seen with the same type and data are answered as they were then; the rest is
    /// written in one transaction. One that was seen with other data refuses the whole request.
    pub(super) async fn write(&self, events: Vec<Arc<Event>>, answering: Answering) -> Result<Accepted, IngestError> {
        let mut pending: Vec<Pending> = events.into_iter().map(|event| Pending { event, answer: None }).collect();
        while pending.iter().any(|one| one.answer.is_none()) {
            match self.append(&pending, &answering).await? {
                Round::Done(accepted) => return Ok(accepted),
                Round::Seen(seen) => note(&mut pending, seen, answering.many)?,
                Round::KeyReused => return Err(IngestError::KeyReused),
            }
        }
        let events: Vec<AcceptedEvent> = pending.iter().filter_map(|one| one.answer).collect();
        let answer = answer(&events, answering.many);
        Ok(Accepted { events, answer, repeated: true })
    }

    async fn append(&self, pending: &[Pending], answering: &Answering) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let mut reserved = Reserved { handoff: &*self.handoff, webhooks: Vec::new() };
        let mut claimed = Vec::new();
        let mut new = Vec::with_capacity(pending.len());
        let mut events = Vec::with_capacity(pending.len());
        for one in pending {
            if let Some(answer) = one.answer {
                events.push(answer);
                continue;
            }
            let deliveries = self.route(&one.event, &mut reserved, &mut claimed);
            let count = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
            events.push(AcceptedEvent { id: one.event.id, deliveries: count });
            new.push(NewEvent { event: Arc::clone(&one.event), deliveries });
        }
        let fresh = new.len();
        if let Some(place) = &answering.place {
            place.hold_deliveries(new.iter().map(|one| one.deliveries.len()).sum());
        }
        let answer = answer(&events, answering.many);
        let idempotency = answering.key.as_ref().map(|key| key.claim(answer.clone()));
        match self.store.append(NewBatch { events: new, idempotency, now }).await? {
            Appended::Stored => {
                reserved.use_up(claimed);
                metrics::counter!("waxwing_events_accepted_total").increment(u64::try_from(fresh).unwrap_or(0));
                Ok(Round::Done(Accepted { events, answer, repeated: false }))
            }
            Appended::Repeat { answer } => Ok(Round::Done(Accepted { events: Vec::new(), answer, repeated: true })),
            Appended::KeyReused => Ok(Round::KeyReused),
            Appended::ExternalIds { seen, .. } => Ok(Round::Seen(seen)),
        }
    }

    /// The queue rows of one event.
    fn route(&self, event: &Arc<Event>, reserved: &mut Reserved<'_>, claimed: &mut Vec<Claimed>) -> Vec<NewDelivery> {
        let trigger = Trigger::Automatic;
        let each = |webhook: Arc<Webhook>| {
            let id = self.ids.next(event.id.time());
            let start = self.handoff.reserve(&webhook);
            let new = NewDelivery { id, webhook: webhook.id, start, trigger, replay_of: None };
            if start == Start::Claimed {
                claimed.push(Claimed {
                    id,
                    event: Arc::clone(event),
                    webhook: webhook.id,
                    attempts: 0,
                    trigger,
                    replay_of: None,
                    fixed: None,
                    fence: 1,
                });
                reserved.webhooks.push(webhook);
            }
            new
        };
        self.directory.matching(event).into_iter().map(each).collect()
    }
}

enum Round {
    Done(Accepted),
    Seen(Vec<SeenExternalId>),
    KeyReused,
}

impl Key {
    const fn claim(&self, answer: Bytes) -> IdempotencyClaim {
        IdempotencyClaim { scope: self.scope, body_digest: self.body_digest, answer }
    }
}

impl Reserved<'_> {
    fn use_up(mut self, claimed: Vec<Claimed>) {
        self.webhooks.clear();
        if !claimed.is_empty() {
            self.handoff.take(claimed);
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        for webhook in &self.webhooks {
            self.handoff.release(webhook, 1);
        }
    }
}

/// Marks what had been accepted before. The indices count what was not answered yet.
fn note(pending: &mut [Pending], seen: Vec<SeenExternalId>, many: bool) -> Result<(), IngestError> {
    let mut issues = Issues::default();
    let mut marked = 0;
    let open: Vec<usize> =
        (0..).zip(&*pending).filter(|(_, one)| one.answer.is_none()).map(|(place, _)| place).collect();
    for one in seen {
        let Some(place) = open.get(one.index).copied() else { continue };
        if one.same {
            let answer = AcceptedEvent { id: one.first, deliveries: one.first_deliveries };
            pending.get_mut(place).into_iter().for_each(|known| known.answer = Some(answer));
            marked += 1;
        } else {
            let message = format!("{} was accepted with this id, with another type or other data", one.first);
            issues.push(pointer(many.then_some(place), "id"), "id-reused", message);
        }
    }
    if !issues.0.is_empty() {
        return Err(IngestError::IdReused { issues: issues.0 });
    }
    if marked == 0 {
        let odd = "it reported ids as seen without saying which";
        return Err(IngestError::Store(StoreError::Unavailable(odd.into())));
    }
    Ok(())
}

/// The 202's body. Ids and numbers need no escaping.
fn answer(events: &[AcceptedEvent], many: bool) -> Bytes {
    let each = |event: &AcceptedEvent| format!(r#"{{"id":"{}","deliveries":{}}}"#, event.id, event.deliveries);
    match events {
        [only] if !many => each(only).into(),
        _ => format!(r#"{{"events":[{}]}}"#, events.iter().map(each).collect::<Vec<_>>().join(",")).into(),
    }
}
