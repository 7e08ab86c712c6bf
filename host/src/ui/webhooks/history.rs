//! What a webhook was: its revisions, each with what it changed.

use std::sync::Arc;

use crate::model::time::Timestamp;
use crate::model::webhook::Revision;
use crate::ui::show::{Badge, Moment};

/// The most that a page shows.
const SHOWN_MAX: usize = 20;

pub(super) struct Entry {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) badge: Badge,
    pub(super) changed: String,
}

/// Of revisions that stand newest first.
pub(super) fn entries(revisions: &[Arc<Revision>], now: Timestamp) -> Vec<Entry> {
    let shown = revisions.iter().enumerate().take(SHOWN_MAX);
    shown
        .map(|(index, revision)| Entry {
            id: revision.id.to_string(),
            at: Moment::new(revision.valid_from, now),
            badge: Badge::of_webhook(revision.status),
            changed: revisions.get(index + 1).map_or_else(|| "Created".to_owned(), |before| changed(before, revision)),
        })
        .collect()
}

fn changed(old: &Revision, new: &Revision) -> String {
    let parts = [
        ("status", old.status != new.status),
        ("environment", old.environment != new.environment),
        ("URL", old.endpoint != new.endpoint),
        ("events", old.subscription != new.subscription),
        ("format", old.format != new.format),
        ("plugins", old.chain != new.chain),
    ];
    let named: Vec<&str> = parts.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
    if named.is_empty() {
        // A revision holds what a delivery is made of; the rest always applies as it is now.
        return "Other settings: name, secret, headers, retries or limits".to_owned();
    }
    format!("Changed {}", named.join(", "))
}
