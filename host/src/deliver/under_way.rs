//! An attempt's place among those under way: it is given back however the attempt ends.

use std::sync::Arc;

use super::dispatcher::Dispatcher;
use super::lane::Pace;
use crate::model::delivery::Claimed;
use crate::model::ids::{DeliveryId, WebhookId};

/// What an attempt takes up in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) delivery: DeliveryId,
    pub(super) webhook: WebhookId,
    pub(super) bytes: usize,
}

impl Held {
    pub(super) fn by(claimed: &Claimed) -> Self {
        Self { delivery: claimed.id, webhook: claimed.webhook, bytes: claimed.event.data.bytes.len() }
    }
}

/// Tells the dispatcher when an attempt is over, also if it is given up or panics: its row is then found again as lost.
pub(super) struct UnderWay {
    dispatcher: Arc<Dispatcher>,
    pub(super) held: Held,
    /// Its place went to another already.
    answered: bool,
    end: Option<(Pace, bool)>,
}

impl UnderWay {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, claimed: &Claimed) -> Self {
        Self { dispatcher, held: Held::by(claimed), answered: false, end: None }
    }

    /// The receiver is free for the next one, though this one isn't recorded yet.
    pub(super) fn answered(&mut self, pace: Pace) {
        self.answered = self.dispatcher.answered(self.held, pace);
    }

    pub(super) const fn end(&mut self, pace: Pace, again: bool) {
        self.end = Some((pace, again));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.dispatcher.note_lost();
        }
        let (pace, again) = self.end.unwrap_or((Pace::Unknown, false));
        if self.answered {
            self.dispatcher.recorded(self.held);
        } else {
            self.dispatcher.done(self.held, pace, again);
        }
    }
}
