//! Registers a webhook.

use std::sync::Arc;
use std::time::Duration;

use ::url::Url;

use crate::format;
use crate::model::ids::RevisionId;
use crate::model::name::{Pattern, Subscription, Tenant};
use crate::model::secret::{Secret, SigningSecret};
use crate::model::tenant::TenantProfile;
use crate::model::webhook::{
    Current, DisabledReason, Format, FormatOptions, Ordering, Revision, SecretUrl, Status, Webhook,
};
use crate::service::audit::Done;
use crate::service::caller::Caller;
use crate::service::error::{Issues, Result, ServiceError};
use crate::service::patch::Patch;
use crate::service::{Services, templates};

use super::change::{Change, Fallback, TIMEOUT_DEFAULT};
use super::input::WebhookInput;

/// A new webhook, and its secret for the only time.
#[derive(Clone, Debug)]
pub struct Created {
    pub webhook: Arc<Webhook>,
    pub secret: Secret,
}

/// A webhook that was checked whole, and isn't saved.
pub(in crate::service) struct Drafted {
    pub(in crate::service) webhook: Webhook,
    pub(in crate::service) secret: Secret,
    profile: TenantProfile,
}

impl Services {
    /// Asked before somebody fills a form.
    pub fn may_create_webhooks(&self, caller: &Caller) -> Result<()> {
        caller.must_configure()
    }

    pub async fn create_webhook(&self, caller: &Caller, input: WebhookInput) -> Result<Created> {
        caller.must_configure()?;
        let Drafted { webhook, secret, profile } = self.drafted(caller, input).await?;
        let webhook = self.save_new(caller, webhook, &profile).await?;
        Ok(Created { webhook, secret })
    }

    /// What would be created; nothing is saved.
    pub(in crate::service) async fn drafted(&self, caller: &Caller, mut input: WebhookInput) -> Result<Drafted> {
        let tenant = caller.owner(std::mem::take(&mut input.tenant).fresh())?;
        let profile = self.profile(&tenant, "/tenant")?;
        fill_from_template(&mut input)?;
        let fallback = self.fallback(&profile);
        let mut issues = Issues::default();
        if input.url.set().is_none() {
            issues.add("/url", "missing", "a webhook needs a URL");
        }
        if input.events.set().is_none() {
            issues.add("/events", "missing", "a webhook needs the event types it wants; [\"*\"] is all");
        }
        if !input.revision.is_keep() {
            issues.add("/revision", "not-changeable", "a new webhook has none yet: leave it out");
        }
        if !input.new_secret.is_keep() {
            issues.add("/newSecret", "not-changeable", "only in a change: a new webhook gets its first one anyway");
        }
        refuse_grants(caller, &input, &mut issues);
        let mut webhook = self.blank_webhook(tenant, &fallback)?;
        let mut revision = Revision::clone(&webhook.revision);
        let mut change = Change { rules: &self.rules, fallback: &fallback, profile: &profile, issues: &mut issues };
        change.apply(&mut input, &mut webhook, &mut revision);
        if input.is_active.set() == Some(&false) {
            revision.status = Status::Disabled(DisabledReason::User);
        }
        let given = std::mem::take(&mut input.secret).fresh().map(Secret::new);
        let secret = self.first_secret(given, &revision.format, &mut issues);
        let stages = std::mem::take(&mut input.plugins).fresh().unwrap_or_default();
        let chain = self.resolve_chain(caller, &stages, &[], "/plugins").await;
        revision.chain = issues.absorb(chain)?.unwrap_or_default();
        issues.check()?;
        webhook.current.secrets = vec![SigningSecret { secret: secret.clone(), until: None }];
        revision.endpoint = webhook.current.url.clone();
        webhook.revision = Arc::new(revision);
        Ok(Drafted { webhook, secret, profile })
    }

    async fn save_new(&self, caller: &Caller, webhook: Webhook, profile: &TenantProfile) -> Result<Arc<Webhook>> {
        let saving = self.saving.lock().await;
        if !self.store.save_webhook(&webhook, None, profile.max_webhooks).await? {
            let used = self.directory.all().iter().filter(|other| other.tenant == webhook.tenant).count();
            let used = u32::try_from(used).unwrap_or(u32::MAX);
            return Err(ServiceError::Quota { limit: profile.max_webhooks.unwrap_or(u32::MAX), used });
        }
        self.directory.put(webhook.clone());
        drop(saving);
        let target = webhook.id.to_string();
        let done =
            Done { tenant: Some(&webhook.tenant), action: "webhook.create", target, detail: webhook.name.clone() };
        self.audit(caller, done).await?;
        Ok(Arc::new(webhook))
    }

    /// A webhook that says nothing yet: everything is as it falls back to.
    fn blank_webhook(&self, tenant: Tenant, fallback: &Fallback) -> Result<Webhook> {
        let now = self.now();
        let id = self.ids.next(now);
        let nothing = |what: &'static str| ServiceError::Refused { code: "internal", detail: format!("no {what}") };
        let url: Url = Url::parse("https://invalid.invalid/").map_err(|_| nothing("URL"))?;
        let all: Pattern = "*".parse().map_err(|_| nothing("pattern"))?;
        let subscription = Subscription::new(vec![all]).ok_or_else(|| nothing("subscription"))?;
        let revision = Revision {
            id: self.ids.next::<RevisionId>(now),
            webhook: id,
            valid_from: now,
            status: Status::Active,
            environment: fallback.environment.clone(),
            subscription,
            format: Format { name: fallback.format, options: FormatOptions::default() },
            endpoint: SecretUrl::new(url.clone()),
            chain: Vec::new(),
        };
        let current = Current {
            url: SecretUrl::new(url),
            headers: Vec::new(),
            secrets: Vec::new(),
            timeout: Duration::from_secs(u64::from(TIMEOUT_DEFAULT)),
            retry: fallback.retry.clone(),
            rate_limit: None,
            ordering: Ordering::None,
            allow_origins: Vec::new(),
        };
        let (name, description) = (String::new(), String::new());
        Ok(Webhook { id, tenant, name, description, created_at: now, current, revision: Arc::new(revision) })
    }

    fn first_secret(&self, given: Option<Secret>, format: &Format, issues: &mut Issues) -> Secret {
        let Some(given) = given else { return format::generate_secret(format.name, self.rng.as_ref()) };
        if let Err(bad) = format::check_secret(format.name, given.expose()) {
            issues.add("/secret", "secret-unusable", bad);
        }
        given
    }

    pub(in crate::service) fn fallback(&self, profile: &TenantProfile) -> Fallback {
        let (set, behind) = (self.accounts.defaults(), &self.rules.defaults);
        let layers = [&profile.defaults, set.as_ref(), behind];
        Fallback {
            format: layers.iter().find_map(|layer| layer.format).unwrap_or_default(),
            environment: layers.iter().find_map(|layer| layer.environment.clone()).unwrap_or_default(),
            retry: layers.iter().find_map(|layer| layer.retry.clone()).unwrap_or_default(),
        }
    }
}

/// Origins are an admin's to grant.
pub(super) fn refuse_grants(caller: &Caller, input: &WebhookInput, issues: &mut Issues) {
    if !caller.is_admin() && !input.allow_origins.is_keep() {
        issues.add("/allowOrigins", "admin-only", "only an admin may allow other origins");
    }
}

/// What the request doesn't say, the template does.
fn fill_from_template(input: &mut WebhookInput) -> Result<()> {
    let Some(id) = std::mem::take(&mut input.template).fresh() else {
        if !std::mem::take(&mut input.settings).is_keep() {
            let detail = "goes with a template; without one, settings stand in `plugins`";
            return Err(ServiceError::invalid("/settings", "unknown-field", detail));
        }
        return Ok(());
    };
    let template = templates::template(&id).ok_or_else(|| {
        ServiceError::invalid("/template", "unknown-template", format!("there is no template '{id}'"))
    })?;
    let settings = std::mem::take(&mut input.settings).fresh().unwrap_or_default();
    if input.plugins.is_keep() {
        input.plugins = Patch::Set(template.stages(&settings)?);
    } else if !settings.is_empty() {
        return Err(ServiceError::invalid(
            "/settings",
            "unknown-field",
            "give settings in `plugins`, which replace the template's",
        ));
    }
    if input.url.is_keep()
        && let Some(url) = &template.url
    {
        input.url = Patch::Set(url.clone());
    }
    if input.events.is_keep() {
        input.events = Patch::Set(template.events.clone());
    }
    if input.name.is_keep() {
        input.name = Patch::Set(template.title.clone());
    }
    Ok(())
}
