//! A node that accepts and leaves the delivering to others: what it is handed goes into the queue, for whoever comes first.

use std::sync::Arc;

use crate::clock::Clock;
use crate::handoff::Handoff;
use crate::model::delivery::Claimed;
use crate::model::webhook::{Ordering, Status, Webhook};
use crate::store::Start;

pub(super) struct Accepting {
    pub(super) clock: Arc<dyn Clock>,
}

impl Handoff for Accepting {
    fn reserve(&self, webhook: &Arc<Webhook>) -> Start {
        let in_line = webhook.revision.status != Status::Active || webhook.current.ordering == Ordering::Fifo;
        if in_line { Start::Waiting } else { Start::Scheduled(self.clock.now()) }
    }

    /// Nothing was ever reserved.
    fn take(&self, _claimed: Vec<Claimed>) {}

    fn release(&self, _webhook: &Arc<Webhook>, _reserved: usize) {}
}
