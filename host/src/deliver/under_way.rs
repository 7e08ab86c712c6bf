//! An attempt's place among those under way: it is given back however the attempt ends.

use super::dispatcher::Dispatcher;
use super::lane::Pace;
use crate::model::delivery::Claimed;

/// Tells the dispatcher when an attempt is over, also if it is given up or panics: its row is then found again as lost.
pub(super) struct UnderWay<'a> {
    dispatcher: &'a Dispatcher,
    pub(super) claimed: Claimed,
    /// Its place went to another already.
    answered: bool,
    end: Option<(Pace, bool)>,
}

impl<'a> UnderWay<'a> {
    pub(super) const fn new(dispatcher: &'a Dispatcher, claimed: Claimed) -> Self {
        Self { dispatcher, claimed, answered: false, end: None }
    }

    /// The receiver is free for the next one, though this one isn't recorded yet.
    pub(super) fn answered(&mut self, pace: Pace) {
        self.answered = self.dispatcher.answered(&self.claimed, pace);
    }

    pub(super) const fn end(&mut self, pace: Pace, again: bool) {
        self.end = Some((pace, again));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.dispatcher.note_lost();
        }
        let (pace, again) = self.end.unwrap_or((Pace::Unknown, false));
        if self.answered {
            self.dispatcher.recorded(&self.claimed);
        } else {
            self.dispatcher.done(&self.claimed, pace, again);
        }
    }
}
