//! Changes a webhook: the whole of it is checked, then saved as a new revision, or nothing is.

use std::sync::Arc;

use crate::model::ids::{RevisionId, WebhookId};
use crate::model::secret::{Secret, SigningSecret};
use crate::model::webhook::{Revision, Status, Webhook};
use crate::service::Services;
use crate::service::audit::Done;
use crate::service::caller::Caller;
use crate::service::error::{Issues, Result, ServiceError};
use crate::service::patch::Patch;

use super::change::{Change, status_for};
use super::create::refuse_grants;
use super::input::WebhookInput;

impl Services {
    /// A new secret that was asked for is the first of the answer's: it is to be shown now or never.
    pub async fn update_webhook(&self, caller: &Caller, id: WebhookId, input: WebhookInput) -> Result<Arc<Webhook>> {
        caller.must_configure()?;
        let saving = self.saving.lock().await;
        let old = self.webhook_of(caller, id)?;
        refuse_stale(&old, input.revision.set().copied())?;
        let (webhook, revision) = self.changed(caller, &old, input).await?;
        let saved = self.save_change(caller, &old, webhook, revision).await?;
        drop(saving);
        self.after_change(&old, &saved).await?;
        Ok(saved)
    }

    /// What the webhook would be after this change; nothing is saved.
    pub(in crate::service) async fn changed(
        &self,
        caller: &Caller,
        old: &Webhook,
        mut input: WebhookInput,
    ) -> Result<(Webhook, Revision)> {
        let profile = self.profile(&old.tenant, "/tenant")?;
        let fallback = self.fallback(&profile);
        let mut issues = Issues::default();
        refuse_fixed(&input, &mut issues);
        refuse_grants(caller, &input, &mut issues);
        if input.url == Patch::Reset {
            issues.add("/url", "missing", "a webhook needs a URL");
        }
        let mut webhook = Webhook::clone(old);
        let mut revision = Revision::clone(&old.revision);
        let mut change = Change { rules: &self.rules, fallback: &fallback, profile: &profile, issues: &mut issues };
        change.apply(&mut input, &mut webhook, &mut revision);
        revision.status = status_for(&input.is_active, revision.status);
        match std::mem::take(&mut input.secret) {
            Patch::Keep => {}
            Patch::Reset => issues.add("/secret", "not-changeable", "POST …/rotate-secret makes a new one"),
            // At once and alone: a change of format may need another kind of secret.
            Patch::Set(given) => {
                webhook.current.secrets = vec![SigningSecret { secret: Secret::new(given), until: None }];
            }
        }
        if let Patch::Set(wanted) = input.new_secret {
            self.renew_secret(wanted, revision.format.name, (&mut webhook, &mut issues));
        }
        self.refuse_misfit(&webhook, &revision, &mut issues);
        let chain = match input.plugins {
            Patch::Keep => Some(old.revision.chain.clone()),
            Patch::Reset => Some(Vec::new()),
            Patch::Set(stages) => {
                issues.absorb(self.resolve_chain(caller, &stages, &old.revision.chain, "/plugins").await)?
            }
        };
        revision.chain = chain.unwrap_or_default();
        issues.check()?;
        Ok((webhook, revision))
    }

    /// Saves a change as a new revision, tells the index and the audit log. The caller holds `saving`.
    pub(super) async fn save_change(
        &self,
        caller: &Caller,
        old: &Webhook,
        mut webhook: Webhook,
        mut revision: Revision,
    ) -> Result<Arc<Webhook>> {
        revision.id = self.ids.next(self.now());
        revision.valid_from = self.now();
        revision.endpoint = webhook.current.url.clone();
        webhook.revision = Arc::new(revision);
        // A quota is for new ones only: an old one can be changed although a smaller plan came meanwhile.
        if !self.store.save_webhook(&webhook, Some(&old.revision), None).await? {
            return Err(ServiceError::Conflict { what: "webhook" });
        }
        self.directory.put(webhook.clone());
        let (target, detail) = (webhook.id.to_string(), changed_parts(old, &webhook).join(", "));
        self.audit(caller, Done { tenant: Some(&webhook.tenant), action: "webhook.update", target, detail }).await?;
        Ok(Arc::new(webhook))
    }

    /// The webhook, if it exists for this caller.
    pub(in crate::service) fn webhook_of(&self, caller: &Caller, id: WebhookId) -> Result<Arc<Webhook>> {
        let found = self.directory.webhook(id).filter(|webhook| caller.sees(&webhook.tenant));
        found.ok_or_else(|| ServiceError::not_found("webhook", id))
    }

    /// A format that the secrets don't fit can't be chosen, unless the change brings one that does.
    fn refuse_misfit(&self, webhook: &Webhook, revision: &Revision, issues: &mut Issues) {
        let now = self.now();
        for signing in webhook.current.secrets.iter().filter(|signing| signing.is_current(now)) {
            if let Err(bad) = crate::format::check_secret(revision.format.name, signing.secret.expose()) {
                let detail = format!("the webhook's secret doesn't fit its format: {bad}");
                issues.add("/secret", "secret-unusable", detail);
                return;
            }
        }
    }
}

/// A change that was meant for what the webhook isn't any more would undo what somebody else did.
pub(super) fn refuse_stale(webhook: &Webhook, seen: Option<RevisionId>) -> Result<()> {
    match seen {
        Some(seen) if seen != webhook.revision.id => Err(ServiceError::Conflict { what: "webhook" }),
        _ => Ok(()),
    }
}

fn refuse_fixed(input: &WebhookInput, issues: &mut Issues) {
    let fixed = [
        ("/tenant", input.tenant.is_keep(), "a webhook stays its tenant's"),
        ("/template", input.template.is_keep(), "only when creating"),
        ("/settings", input.settings.is_keep(), "only when creating; here they stand in `plugins`"),
    ];
    for (pointer, _, detail) in fixed.iter().filter(|(_, absent, _)| !absent) {
        issues.add(*pointer, "not-changeable", *detail);
    }
}

/// Names of what differs, for the audit log.
fn changed_parts(old: &Webhook, new: &Webhook) -> Vec<&'static str> {
    let (was, is) = (&old.revision, &new.revision);
    let parts = [
        ("url", old.current.url != new.current.url),
        ("name", old.name != new.name),
        ("description", old.description != new.description),
        ("headers", old.current.headers != new.current.headers),
        ("secret", old.current.secrets != new.current.secrets),
        ("timeoutSeconds", old.current.timeout != new.current.timeout),
        ("retry", old.current.retry != new.current.retry),
        ("rateLimit", old.current.rate_limit != new.current.rate_limit),
        ("ordering", old.current.ordering != new.current.ordering),
        ("allowOrigins", old.current.allow_origins != new.current.allow_origins),
        ("status", was.status != is.status),
        ("environment", was.environment != is.environment),
        ("events", was.subscription != is.subscription),
        ("format", was.format != is.format),
        ("plugins", was.chain != is.chain),
    ];
    parts.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

/// Whether deliveries are made in this status.
pub(super) fn is_disabled(status: Status) -> bool {
    matches!(status, Status::Disabled(_))
}
