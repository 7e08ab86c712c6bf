//! Rotating a webhook's secret, with both signing for a while where the format can carry several signatures.

use std::time::Duration;

use serde::Deserialize;

use crate::format;
use crate::model::ids::{RevisionId, WebhookId};
use crate::model::secret::{SIGNING_SECRETS_MAX, Secret, SigningSecret};
use crate::model::webhook::{FormatName, Revision, Webhook};
use crate::service::Services;
use crate::service::caller::Caller;
use crate::service::error::{Issues, Result};

use super::update::refuse_stale;

/// The longest that an old secret signs along: 30 days.
const OVERLAP_MAX: u64 = 30 * 24 * 3600;

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RotateSecret {
    /// Made by us if absent.
    pub secret: Option<String>,
    /// How long the old one signs along, at most 30 days; 0 by default. Only `standard`, `svix` and `stripe` can.
    pub overlap_seconds: Option<u64>,
    /// The revision that it is meant for. If the webhook has another one by then, nothing is changed (409).
    #[schema(value_type = Option<String>)]
    pub revision: Option<RevisionId>,
}

/// A new secret as a part of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewSecret {
    /// How long the old one signs along, at most 30 days; 0 by default. Only `standard`, `svix` and `stripe` can.
    pub overlap_seconds: Option<u64>,
}

impl Services {
    /// The new secret, for the only time.
    pub async fn rotate_secret(&self, caller: &Caller, id: WebhookId, input: RotateSecret) -> Result<Secret> {
        caller.must_configure()?;
        let saving = self.saving.lock().await;
        let old = self.webhook_of(caller, id)?;
        refuse_stale(&old, input.revision)?;
        let format = &old.revision.format;
        let mut issues = Issues::default();
        let overlap = checked_overlap(input.overlap_seconds, format.name, ("/overlapSeconds", &mut issues));
        let secret = input.secret.map_or_else(|| format::generate_secret(format.name, self.rng.as_ref()), Secret::new);
        if let Err(bad) = format::check_secret(format.name, secret.expose()) {
            issues.add("/secret", "secret-unusable", bad);
        }
        issues.check()?;
        let mut webhook = Webhook::clone(&old);
        webhook.current.secrets = rotated(&old.current.secrets, &secret, self.now(), overlap);
        self.save_change(caller, &old, webhook, Revision::clone(&old.revision)).await?;
        drop(saving);
        Ok(secret)
    }

    /// Puts a new secret first, for the format that the webhook is about to have.
    pub(super) fn renew_secret(
        &self,
        wanted: NewSecret,
        format: FormatName,
        (webhook, issues): (&mut Webhook, &mut Issues),
    ) {
        let overlap = checked_overlap(wanted.overlap_seconds, format, ("/newSecret/overlapSeconds", issues));
        let secret = format::generate_secret(format, self.rng.as_ref());
        webhook.current.secrets = rotated(&webhook.current.secrets, &secret, self.now(), overlap);
    }
}

/// How long the old secret signs along, where the format can have that.
fn checked_overlap(asked: Option<u64>, format: FormatName, (at, issues): (&str, &mut Issues)) -> Duration {
    let overlap = asked.unwrap_or(0);
    if overlap > OVERLAP_MAX {
        issues.add(at, "out-of-bounds", format!("at most {OVERLAP_MAX}"));
    }
    if overlap > 0 && !format::supports_overlap(format) {
        let detail = format!("`{}` carries one signature: the old secret can't sign along", format.as_str());
        issues.add(at, "overlap-unsupported", detail);
    }
    Duration::from_secs(overlap.min(OVERLAP_MAX))
}

/// Newest first, at most [`SIGNING_SECRETS_MAX`]; an old one never gets more time than it had.
fn rotated(
    old: &[SigningSecret],
    new: &Secret,
    now: crate::model::time::Timestamp,
    overlap: Duration,
) -> Vec<SigningSecret> {
    let end = now.plus(overlap);
    let along = old.iter().filter(|signing| !overlap.is_zero() && signing.is_current(now) && signing.secret != *new);
    let along = along.map(|signing| SigningSecret {
        secret: signing.secret.clone(),
        until: Some(signing.until.map_or(end, |until| until.min(end))),
    });
    let first = SigningSecret { secret: new.clone(), until: None };
    std::iter::once(first).chain(along).take(SIGNING_SECRETS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn the_newest_signs_first_and_at_most_three_sign() {
        let now = Timestamp::from_millis(1_000_000);
        let secret = |name: &str| Secret::new(name);
        let mut secrets = vec![SigningSecret { secret: secret("a"), until: None }];
        for name in ["b", "c", "d"] {
            secrets = rotated(&secrets, &secret(name), now, Duration::from_secs(60));
        }
        let names: Vec<&str> = secrets.iter().map(|signing| signing.secret.expose()).collect();
        assert_eq!(names, ["d", "c", "b"]);
        assert_eq!(secrets[0].until, None);
        assert!(secrets[1..].iter().all(|signing| signing.until == Some(now.plus(Duration::from_secs(60)))));
    }

    #[test]
    fn without_an_overlap_the_old_one_is_worth_nothing_at_once() {
        let now = Timestamp::from_millis(1_000_000);
        let old = vec![SigningSecret { secret: Secret::new("a"), until: None }];
        assert_eq!(rotated(&old, &Secret::new("b"), now, Duration::ZERO).len(), 1);
    }
}
