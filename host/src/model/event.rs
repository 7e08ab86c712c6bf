//! An event: accepted once, then immutable.

use std::sync::Arc;

use bytes::Bytes;

use super::ids::EventId;
use super::name::{Environment, EventType, Tenant};
use super::time::Timestamp;

/// The most that an event's data may hold.
pub const DATA_MAX: usize = 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub event_type: EventType,
    pub tenant: Tenant,
    pub environment: Environment,
    /// When it happened, as its poster says; else when it was accepted (which the id tells).
    pub occurred_at: Timestamp,
    pub data: Payload,
    /// The poster's own id, unique per tenant and environment for 24 hours.
    pub external_id: Option<Arc<str>>,
}

/// The poster's own bytes, never re-serialised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub content_type: ContentType,
    pub bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `application/json`; the bytes were parsed once and are one JSON text without duplicate keys.
    Json,
    /// Whatever else was said at ingest, at most 256 bytes of visible ASCII and spaces.
    Other(Arc<str>),
}

impl ContentType {
    pub const JSON: &'static str = "application/json";

    pub fn as_str(&self) -> &str {
        match self {
            Self::Json => Self::JSON,
            Self::Other(name) => name,
        }
    }
}

impl Payload {
    /// `bytes` must be one JSON text: the caller has parsed it.
    pub fn json(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: ContentType::Json, bytes: bytes.into() }
    }
}
