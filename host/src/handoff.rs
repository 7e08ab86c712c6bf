//! The step from acceptance to delivery: how `ingest` and `deliver`, who don't know each other, pass a delivery on.

use std::sync::Arc;

use crate::model::delivery::Claimed;
use crate::model::webhook::Webhook;
use crate::store::Start;

/// What takes deliveries into memory; `deliver`'s dispatcher.
pub trait Handoff: Send + Sync {
    /// How a new delivery's queue row should begin, asked before it is written: `Claimed` reserves a place in memory, which
    /// [`Handoff::take`] or [`Handoff::release`] must use up; `Waiting` for a webhook that is paused or has a backlog.
    fn reserve(&self, webhook: &Arc<Webhook>) -> Start;

    /// Durable now: these were reserved and go on in memory.
    fn take(&self, claimed: Vec<Claimed>);

    /// They were not written after all.
    fn release(&self, webhook: &Arc<Webhook>, reserved: usize);
}
