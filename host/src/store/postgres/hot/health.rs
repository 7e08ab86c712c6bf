//! How webhooks fare: the outcomes of a group, added up per webhook, one row each, in the webhooks' order so that nodes don't wait for
//! each other in a circle.
//!
//! Nodes share the rows, and each commit that writes one holds up the others': a plain success is written once a second only.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sqlx::PgConnection;

use crate::model::ids::WebhookId;
use crate::model::time::Timestamp;
use crate::store::Result;
use crate::store::packed::PackedCompletion;
use crate::store::postgres::convert::{int, millis};

const HEALTH: &str = "INSERT INTO health AS h (webhook, last_success, failing_since, failures) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) \
    ON CONFLICT (webhook) DO UPDATE SET \
    last_success = coalesce(excluded.last_success, h.last_success), \
    failing_since = CASE WHEN excluded.last_success IS NULL \
        THEN coalesce(h.failing_since, excluded.failing_since) ELSE excluded.failing_since END, \
    failures = excluded.failures + CASE WHEN excluded.last_success IS NULL THEN h.failures ELSE 0 END";

const EVERY: Duration = Duration::from_secs(1);
/// Beyond so many webhooks, those that nothing was heard of lately are forgotten.
const REMEMBERED: usize = 10_000;

/// When this node last wrote a plain success of a webhook.
#[derive(Default)]
pub(super) struct Health(HashMap<WebhookId, Timestamp>);

/// What a group says of the webhooks, as far as it must be written.
pub(super) struct Tallies(BTreeMap<WebhookId, Tally>);

/// What a group says of one webhook.
#[derive(Default)]
struct Tally {
    last_success: Option<Timestamp>,
    /// Since that success, or at all.
    failing_since: Option<Timestamp>,
    failures: u32,
    /// A failure came before the success.
    mended: bool,
}

impl Health {
    pub(super) fn tallies<'a>(&self, completions: impl Iterator<Item = &'a PackedCompletion>) -> Tallies {
        let mut tallies: BTreeMap<WebhookId, Tally> = BTreeMap::new();
        for packed in completions {
            let completion = &packed.completion;
            if let Some(success) = completion.health {
                tallies.entry(completion.claimed.webhook).or_default().count(success, completion.now);
            }
        }
        tallies.retain(|webhook, tally| !self.is_old_news(*webhook, tally));
        Tallies(tallies)
    }

    fn is_old_news(&self, webhook: WebhookId, tally: &Tally) -> bool {
        let success = tally.plain_success();
        success.zip(self.0.get(&webhook)).is_some_and(|(now, last)| now.since(*last) < EVERY)
    }

    /// They are committed.
    pub(super) fn written(&mut self, tallies: Tallies) {
        for (webhook, tally) in tallies.0 {
            match tally.plain_success() {
                Some(now) => drop(self.0.insert(webhook, now)),
                None => drop(self.0.remove(&webhook)),
            }
        }
        if self.0.len() > REMEMBERED {
            let newest = self.0.values().max().copied().unwrap_or_default();
            self.0.retain(|_, last| newest.since(*last) < EVERY);
        }
    }
}

impl Tallies {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) async fn write(&self, transaction: &mut PgConnection) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        sqlx::query(HEALTH)
            .bind(self.0.keys().map(|webhook| int(webhook.number())).collect::<Vec<_>>())
            .bind(self.0.values().map(|tally| tally.last_success.map(millis)).collect::<Vec<_>>())
            .bind(self.0.values().map(|tally| tally.failing_since.map(millis)).collect::<Vec<_>>())
            .bind(self.0.values().map(|tally| i64::from(tally.failures)).collect::<Vec<_>>())
            .execute(transaction)
            .await?;
        Ok(())
    }
}

impl Tally {
    fn count(&mut self, success: bool, now: Timestamp) {
        if success {
            let mended = self.mended || self.failures > 0;
            *self = Self { last_success: Some(now), failing_since: None, failures: 0, mended };
        } else {
            self.failing_since.get_or_insert(now);
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// Nothing but successes: the last one's time.
    fn plain_success(&self) -> Option<Timestamp> {
        self.last_success.filter(|_| self.failures == 0 && !self.mended)
    }
}
