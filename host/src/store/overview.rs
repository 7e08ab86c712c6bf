//! How things stand, in a few numbers: what is pending, and how what was accepted lately fares.

use crate::model::delivery::DeliveryStatus;

use super::QueueDepth;

/// Of one tenant, or of all. Tests count only where they are pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    pub queue: QueueDepth,
    /// The queue has more than were looked at: these are the oldest.
    pub queue_truncated: bool,
    /// How many deliveries of an hour are in a state; what there is none of is left out.
    pub hours: Vec<HourCount>,
    /// There are more than were looked at: these are the newest.
    pub truncated: bool,
    /// Exchanges that the newest deliveries came to.
    pub attempts: u64,
    pub p50_ms: Option<u32>,
    pub p95_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourCount {
    /// 0 for the first hour of the time that was asked for, by acceptance.
    pub hour: u32,
    pub status: DeliveryStatus,
    pub count: u64,
}

impl Overview {
    /// The newest deliveries whose attempts tell how long receivers take.
    pub const TIMED_MAX: u32 = 2_000;
}
