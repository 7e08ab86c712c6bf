//! How webhooks fare: the outcomes of a group, added up per webhook, one row each.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::model::ids::WebhookId;
use crate::model::time::Timestamp;
use crate::store::sqlite::convert::{int, millis};
use crate::store::{Completion, Result};

const HEALTH: &str = "INSERT INTO health (webhook, last_success, failing_since, failures) VALUES (?, ?, ?, ?) \
    ON CONFLICT (webhook) DO UPDATE SET \
    last_success = coalesce(excluded.last_success, last_success), \
    failing_since = CASE WHEN excluded.last_success IS NULL \
        THEN coalesce(failing_since, excluded.failing_since) ELSE excluded.failing_since END, \
    failures = excluded.failures + CASE WHEN excluded.last_success IS NULL THEN failures ELSE 0 END";

/// The outcomes of one group.
#[derive(Default)]
pub(super) struct Tallies(BTreeMap<WebhookId, Tally>);

/// What a group says of one webhook.
#[derive(Default)]
struct Tally {
    last_success: Option<Timestamp>,
    /// Since that success, or at all.
    failing_since: Option<Timestamp>,
    failures: u32,
}

impl Tallies {
    pub(super) fn count(&mut self, completion: &Completion) {
        let Some(success) = completion.health else { return };
        self.0.entry(completion.claimed.webhook).or_default().count(success, completion.now);
    }

    pub(super) fn write(self, transaction: &Connection) -> Result<()> {
        for (webhook, tally) in self.0 {
            let (success, since) = (tally.last_success.map(millis), tally.failing_since.map(millis));
            let row = params![int(webhook.number()), success, since, i64::from(tally.failures)];
            transaction.prepare_cached(HEALTH)?.execute(row)?;
        }
        Ok(())
    }
}

impl Tally {
    fn count(&mut self, success: bool, now: Timestamp) {
        if success {
            *self = Self { last_success: Some(now), failing_since: None, failures: 0 };
        } else {
            self.failing_since.get_or_insert(now);
            self.failures = self.failures.saturating_add(1);
        }
    }
}
