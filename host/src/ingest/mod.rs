//! Accepting events: what is posted is checked, routed, written, and answered when it is durable.
//!
//! Knows nothing of HTTP: a [`Posting`] is a body and the few headers that matter, an [`IngestError`] is a code and where it
//! is. It never waits for a receiver ([`crate::handoff::Handoff::reserve`] answers at once). An event's data is
//! copied out of the posted body, unless it is most of a large one. How much may be on its way at once is bounded by [`Room`]. From here
//! on: `store` (the writing), `deliver` (what was handed off).

mod cloudevents;
mod error;
mod fields;
mod json;
mod native;
mod room;
mod rules;
mod to_the_end;
mod write;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

pub use self::error::{IngestError, Issue};
pub use self::json::{BadJson, DEPTH_MAX, Problem, check as check_json};
pub use self::room::{NoRoom, Place, Room};
pub use self::rules::{BadSchema, Rulebook, check_schema};

use self::fields::{Issues, pointer};
use self::to_the_end::ToTheEnd;
use self::write::{Answering, Key, Writer};
use crate::clock::Clock;
use crate::handoff::Handoff;
use crate::model::event::{Event, Payload};
use crate::model::ids::{EventId, IdSource};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::time::Timestamp;
use crate::route::Directory;
use crate::store::Events;
use crate::store::admission::scope_of;

/// The largest body.
pub const BODY_MAX: usize = 8 * 1024 * 1024;
/// The most events in one body.
pub const EVENTS_MAX: usize = 1000;
/// A body of at most so many bytes may be a part of what its connection reads into, which is up to as large.
const READ_AT_ONCE: usize = 64 * 1024;
/// Characters of an `Idempotency-Key`.
pub const KEY_MAX: usize = 256;

/// A request, as far as accepting it goes.
#[derive(Debug)]
pub struct Posting<'a> {
    pub body: Bytes,
    pub content_type: Option<&'a str>,
    /// The `ce-` headers without that prefix, in lower case; empty for anything but a CloudEvent in binary mode.
    pub attributes: &'a [(&'a str, &'a str)],
    /// The tenant that the caller's token is bound to.
    pub tenant: Option<&'a Tenant>,
    pub idempotency_key: Option<&'a str>,
    /// Where it was posted: an `Idempotency-Key` holds for one path.
    pub path: &'a str,
    /// What it has of the room for requests; kept until it is durable, also if the caller goes away.
    pub place: Option<Place>,
}

/// One event as it was posted; what it leaves open is filled in from the tenant's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub event_type: EventType,
    pub data: Payload,
    pub environment: Option<Environment>,
    pub tenant: Option<Tenant>,
    pub external_id: Option<Arc<str>>,
    pub occurred_at: Option<Timestamp>,
}

/// Durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// In the order of the request; empty where an `Idempotency-Key` brought back an earlier answer.
    pub events: Vec<AcceptedEvent>,
    /// The 202's JSON: `{id, deliveries}`, or `{events: […]}` for an array.
    pub answer: Bytes,
    /// All of it had been accepted before; nothing was written now.
    pub repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    pub id: EventId,
    pub deliveries: u32,
}

/// What accepting needs, each made by `app`.
pub struct Parts {
    pub store: Arc<dyn Events + Send + Sync>,
    pub handoff: Arc<dyn Handoff>,
    pub directory: Arc<Directory>,
    pub rulebook: Arc<Rulebook>,
    pub ids: Arc<IdSource>,
    pub clock: Arc<dyn Clock>,
}

/// The way in. One for the whole server.
pub struct Ingest {
    writer: Arc<Writer>,
    rulebook: Arc<Rulebook>,
    ids: Arc<IdSource>,
    clock: Arc<dyn Clock>,
    default_tenant: Tenant,
}

impl Ingest {
    pub fn new(parts: Parts) -> Self {
        let Parts { store, handoff, directory, rulebook, ids, clock } = parts;
        let writer = Writer { store, handoff, directory, ids: Arc::clone(&ids), clock: Arc::clone(&clock) };
        Self { writer: Arc::new(writer), rulebook, ids, clock, default_tenant: Tenant::default_tenant() }
    }

    /// Accepts a request's events, all or none. They are durable when this returns.
    pub async fn accept(&self, posting: Posting<'_>) -> Result<Accepted, IngestError> {
        let (posted, many) = read(&posting)?;
        let posted = without_the_rest(posted, posting.body.len());
        let events = self.events(posted, posting.tenant, many)?;
        let key = self.key(&posting, &events)?;
        self.write(events, Answering { key, many, place: posting.place }).await
    }

    /// Accepts one event of the server's own, such as `waxwing.webhook.disabled`.
    pub async fn publish(&self, posted: Posted) -> Result<Accepted, IngestError> {
        let events = self.events(vec![posted], None, false)?;
        self.write(events, Answering { key: None, many: false, place: None }).await
    }

    async fn write(&self, events: Vec<Arc<Event>>, answering: Answering) -> Result<Accepted, IngestError> {
        let writer = Arc::clone(&self.writer);
        // A client that goes away must not leave rows that are written but in nobody's hands.
        ToTheEnd::of(async move { writer.write(events, answering).await }).await
    }

    fn events(&self, posted: Vec<Posted>, own: Option<&Tenant>, many: bool) -> Result<Vec<Arc<Event>>, IngestError> {
        let now = self.clock.now();
        let mut issues = Issues::default();
        let mut seen = HashSet::new();
        let mut events = Vec::with_capacity(posted.len());
        for (index, one) in posted.into_iter().enumerate() {
            let place = many.then_some(index);
            let tenant = self.tenant(&one, own, place)?;
            self.rulebook.check(&tenant, &one, place, &mut issues);
            let environment = one.environment.unwrap_or_else(|| self.rulebook.environment(&tenant));
            if let Some(id) = one.external_id.clone().filter(|_| many)
                && !seen.insert((tenant.clone(), environment.clone(), id))
            {
                issues.push(pointer(place, "id"), "id-twice", "an earlier event of this request has the same id");
            }
            events.push(Arc::new(Event {
                id: self.ids.next(now),
                event_type: one.event_type,
                tenant,
                environment,
                occurred_at: one.occurred_at.unwrap_or(now),
                data: one.data,
                external_id: one.external_id,
            }));
        }
        if issues.0.is_empty() { Ok(events) } else { Err(IngestError::Invalid { issues: issues.0 }) }
    }

    fn tenant(&self, posted: &Posted, own: Option<&Tenant>, place: Option<usize>) -> Result<Tenant, IngestError> {
        match (own, &posted.tenant) {
            (Some(own), Some(named)) if own != named => {
                let message = format!("the event names the tenant '{named}'");
                let issue = Issue { pointer: pointer(place, "tenant"), code: "other-tenant", message };
                Err(IngestError::OtherTenant { own: own.to_string(), issue })
            }
            (Some(own), _) => Ok(own.clone()),
            (None, Some(named)) => Ok(named.clone()),
            (None, None) => Ok(self.default_tenant.clone()),
        }
    }

    fn key(&self, posting: &Posting<'_>, events: &[Arc<Event>]) -> Result<Option<Key>, IngestError> {
        let Some(key) = posting.idempotency_key else { return Ok(None) };
        if !(1..=KEY_MAX).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IngestError::BadKey);
        }
        let mut digest = Sha256::new();
        digest.update(&posting.body);
        for (name, value) in posting.attributes {
            digest.update(format!("\n{name}:{value}"));
        }
        let tenant = posting.tenant.or_else(|| events.first().map(|event| &event.tenant));
        let scope = scope_of(tenant.unwrap_or(&self.default_tenant), posting.path, key);
        let body_digest = digest.finalize().into();
        Ok(Some(Key { scope, body_digest }))
    }
}

/// Data that would keep much more than itself in memory is copied out of it: it may be there for as long as its receiver is slow.
fn without_the_rest(mut posted: Vec<Posted>, body: usize) -> Vec<Posted> {
    let keeps_much = |data: &Bytes| body <= READ_AT_ONCE || data.len() < body / 2;
    for data in posted.iter_mut().map(|one| &mut one.data.bytes).filter(|data| keeps_much(data)) {
        *data = Bytes::copy_from_slice(data);
    }
    posted
}

/// The events of a request, and whether they came as an array.
fn read(posting: &Posting<'_>) -> Result<(Vec<Posted>, bool), IngestError> {
    if posting.body.len() > BODY_MAX {
        return Err(IngestError::BodyTooLarge { allowed: BODY_MAX });
    }
    if !posting.attributes.is_empty() {
        let posted = cloudevents::read_binary(posting.attributes, posting.content_type, &posting.body)?;
        return Ok((vec![posted], false));
    }
    let said = posting.content_type.unwrap_or("application/json");
    match said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => native::read(&posting.body),
        "application/cloudevents+json" => cloudevents::read(&posting.body, false),
        "application/cloudevents-batch+json" => cloudevents::read(&posting.body, true),
        _ => Err(IngestError::ContentType(said.chars().take(128).collect())),
    }
}

#[cfg(test)]
mod tests;
