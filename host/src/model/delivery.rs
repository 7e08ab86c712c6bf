//! A delivery: one event for one webhook, from acceptance to its end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::attempt::Trigger;
use super::event::Event;
use super::ids::{DeliveryId, EventId, RevisionId, WebhookId};
use super::name::{Environment, EventType, Tenant};
use super::request::RequestDraft;
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    Pending,
    Delivered,
    Failed,
    Dropped,
    Cancelled,
}

impl DeliveryStatus {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Delivered, Self::Failed, Self::Dropped, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A delivery as lists and the log show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    pub tenant: Tenant,
    pub environment: Environment,
    pub event_type: EventType,
    pub status: DeliveryStatus,
    pub test: bool,
    pub attempts: u32,
    /// Of the last reply.
    pub last_status: Option<u16>,
    /// One line: why it ended so, or why it is still pending.
    pub reason: Option<String>,
    /// Fixed at the first attempt.
    pub revision: Option<RevisionId>,
    pub replay_of: Option<DeliveryId>,
    /// When the next attempt is due; `None` when it waits for its webhook (paused, or a backlog) or has ended.
    pub next_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// A delivery in the hands of this node: nobody else works on it while the lease holds.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: DeliveryId,
    pub event: Arc<Event>,
    pub webhook: WebhookId,
    /// How many attempts were made before.
    pub attempts: u32,
    pub trigger: Trigger,
    pub replay_of: Option<DeliveryId>,
    /// What the first attempt fixed; `None` before it.
    pub fixed: Option<Fixed>,
    /// Grows with every claim: a completion with an older one comes too late and is not applied.
    pub fence: u32,
}

/// What the first attempt fixed for all later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    pub revision: RevisionId,
    pub body: FixedBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixedBody {
    /// The event's own data in its format's envelope: rebuilt, never stored.
    Rebuilt,
    /// Data that a plugin replaced, for the format's envelope.
    Replaced(bytes::Bytes),
    /// A whole request by a plugin.
    Drafted(Arc<RequestDraft>),
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It ended, with one line that says why (none for a plain success).
    Ended { status: DeliveryStatus, reason: Option<String> },
    /// One more attempt at this time.
    Again { at: Timestamp, reason: String },
}
