//! How webhooks fare: the outcomes of a group, added up per webhook, one row each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::SqliteConnection;

use super::convert::{int, millis};
use super::insert::ManyRows;
use crate::model::ids::WebhookId;
use crate::model::time::Timestamp;
use crate::store::{Completion, Result};

static HEALTH: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO health (webhook, last_success, failing_since, failures) VALUES",
        4,
        "ON CONFLICT (webhook) DO UPDATE SET \
         last_success = coalesce(excluded.last_success, last_success), \
         failing_since = CASE WHEN excluded.last_success IS NULL \
             THEN coalesce(failing_since, excluded.failing_since) ELSE excluded.failing_since END, \
         failures = excluded.failures + CASE WHEN excluded.last_success IS NULL THEN failures ELSE 0 END",
    )
});

/// What a group says of one webhook.
#[derive(Default)]
struct Tally {
    last_success: Option<Timestamp>,
    /// Since that success, or at all.
    failing_since: Option<Timestamp>,
    failures: u32,
}

pub(super) async fn add_up(
    connection: &mut SqliteConnection,
    completions: impl Iterator<Item = &Completion>,
) -> Result<()> {
    let mut tallies: BTreeMap<WebhookId, Tally> = BTreeMap::new();
    for completion in completions {
        let Some(success) = completion.health else { continue };
        tallies.entry(completion.claimed.webhook).or_default().count(success, completion.now);
    }
    let rows: Vec<_> = tallies.into_iter().collect();
    HEALTH
        .run(connection, &rows, |values, (webhook, tally)| {
            values
                .add(int(webhook.number()))
                .add(tally.last_success.map(millis))
                .add(tally.failing_since.map(millis))
                .add(i64::from(tally.failures));
        })
        .await
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
