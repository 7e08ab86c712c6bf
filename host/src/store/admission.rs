//! Whether a batch is written: the rules on idempotency keys and callers' ids, applied to what was seen before.
//!
//! Pure, and the same for every database: a store looks up what is known, asks here in the order of arrival, and writes what is
//! to be [`Appended::Stored`]. Batches of one transaction see each other, so that of two twins only the first is written.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::{Appended, NewBatch, SeenExternalId};
use crate::model::event::Event;
use crate::model::ids::EventId;
use crate::model::name::{Environment, Tenant};
use crate::model::time::Timestamp;

/// How long a key and a caller's id are remembered.
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// The name under which an idempotency key is kept.
pub type Scope = [u8; 32];

/// A caller's id, with what it is unique in.
pub type External = (Tenant, Environment, Arc<str>);

#[derive(Clone, Debug)]
pub struct KeptAnswer {
    pub body_digest: [u8; 32],
    pub answer: Bytes,
    pub kept_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct FirstEvent {
    pub event: Arc<Event>,
    pub deliveries: u32,
}

/// What was seen before, of what a group of batches asks about.
#[derive(Debug, Default)]
pub struct Known {
    keys: HashMap<Scope, KeptAnswer>,
    externals: HashMap<External, FirstEvent>,
}

/// A key is unique in its tenant and path. The name's length doesn't depend on what the caller sent.
pub fn scope_of(tenant: &Tenant, path: &str, key: &str) -> Scope {
    let mut hash = Sha256::new();
    // No tenant or path holds a NUL, so the parts can't run into each other.
    for part in [tenant.as_str(), "\0", path, "\0", key] {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

pub fn external_of(event: &Event) -> Option<External> {
    let id = event.external_id.clone()?;
    Some((event.tenant.clone(), event.environment.clone(), id))
}

impl Known {
    pub fn add_key(&mut self, scope: Scope, kept: KeptAnswer) {
        self.keys.insert(scope, kept);
    }

    /// Of several events with one caller's id the newest counts.
    pub fn add_event(&mut self, first: FirstEvent) {
        let Some(external) = external_of(&first.event) else { return };
        let newer = self.externals.get(&external).is_none_or(|known| known.event.id < first.event.id);
        if newer {
            self.externals.insert(external, first);
        }
    }

    /// Decides over the next batch, and remembers it if it is to be written.
    pub fn admit(&mut self, batch: &NewBatch) -> Appended {
        let refused = self.by_key(batch).or_else(|| self.by_external_ids(batch));
        refused.unwrap_or_else(|| {
            self.remember(batch);
            Appended::Stored
        })
    }

    fn by_key(&self, batch: &NewBatch) -> Option<Appended> {
        let claim = batch.idempotency.as_ref()?;
        let kept = self.keys.get(&claim.scope)?;
        if batch.now.since(kept.kept_at) >= WINDOW {
            return None;
        }
        let same = kept.body_digest == claim.body_digest;
        Some(if same { Appended::Repeat { answer: kept.answer.clone() } } else { Appended::KeyReused })
    }

    fn by_external_ids(&self, batch: &NewBatch) -> Option<Appended> {
        let mut own: HashMap<External, FirstEvent> = HashMap::new();
        let mut seen = Vec::new();
        for (index, new) in batch.events.iter().enumerate() {
            let Some(external) = external_of(&new.event) else { continue };
            let known = self.externals.get(&external).filter(|first| is_remembered(first.event.id, batch.now));
            match known.or_else(|| own.get(&external)) {
                Some(first) => seen.push(SeenExternalId {
                    index,
                    first: first.event.id,
                    first_deliveries: first.deliveries,
                    same: first.event.event_type == new.event.event_type && first.event.data == new.event.data,
                }),
                None => {
                    own.insert(external, FirstEvent { event: Arc::clone(&new.event), deliveries: count(new) });
                }
            }
        }
        let same = seen.len() == batch.events.len() && seen.iter().all(|seen| seen.same);
        (!seen.is_empty()).then_some(Appended::ExternalIds { seen, same })
    }

    fn remember(&mut self, batch: &NewBatch) {
        if let Some(claim) = &batch.idempotency {
            let kept = KeptAnswer { body_digest: claim.body_digest, answer: claim.answer.clone(), kept_at: batch.now };
            self.keys.insert(claim.scope, kept);
        }
        for new in &batch.events {
            self.add_event(FirstEvent { event: Arc::clone(&new.event), deliveries: count(new) });
        }
    }
}

fn is_remembered(event: EventId, now: Timestamp) -> bool {
    now.since(event.time()) < WINDOW
}

fn count(new: &super::NewEvent) -> u32 {
    u32::try_from(new.deliveries.len()).unwrap_or(u32::MAX)
}
