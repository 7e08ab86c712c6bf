//! Tenants: quotas, retention, strictness, defaults of their own.

use serde::Deserialize;

use crate::model::name::Tenant;
use crate::model::tenant::{Defaults, Retention, TenantProfile};
use crate::model::webhook::Status;

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Issues, Result, ServiceError};
use super::patch::Patch;

const MAX_HELD_MAX: u32 = 1_000_000;

/// A tenant's plan. In a change, an absent field stays and `null` puts the default back.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantInput {
    /// The most webhooks; 0 allows none, `null` any number.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub max_webhooks: Patch<u32>,
    /// The most deliveries that a paused webhook holds; 10,000 by default.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub max_held: Patch<u32>,
    /// 1, 7, 30, 90 or 365; 30 by default.
    #[schema(value_type = Option<u16>)]
    #[serde(default)]
    pub retention_days: Patch<u16>,
    /// Refuse events whose type the catalogue doesn't hold, or whose data its schema refuses.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pub strict: Patch<bool>,
    /// `{format?, environment?, retry?}`; they go before the server's.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub defaults: Patch<Defaults>,
}

impl Services {
    pub fn tenants(&self, caller: &Caller) -> Result<Vec<TenantProfile>> {
        caller.must_read()?;
        let mut list: Vec<TenantProfile> = self.accounts.tenants().values().cloned().collect();
        if !list.iter().any(|tenant| tenant.name == Tenant::default_tenant()) {
            list.push(self.default_profile());
        }
        list.retain(|tenant| caller.sees(&tenant.name));
        list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    pub fn tenant(&self, caller: &Caller, name: &Tenant) -> Result<TenantProfile> {
        caller.must_read()?;
        let known = caller.sees(name).then(|| self.profile(name, "/tenant").ok()).flatten();
        known.ok_or_else(|| ServiceError::not_found("tenant", name))
    }

    /// Creates or changes; `true`: it is new.
    pub async fn put_tenant(&self, caller: &Caller, name: Tenant, input: TenantInput) -> Result<(TenantProfile, bool)> {
        caller.must_administer()?;
        caller.scope(Some(name.clone()))?;
        let known = self.accounts.tenants().get(&name).cloned();
        let is_new = known.is_none();
        let mut profile = known.unwrap_or_else(|| TenantProfile::new(name.clone(), self.now()));
        let mut issues = Issues::default();
        match input.max_webhooks {
            Patch::Keep => {}
            Patch::Reset => profile.max_webhooks = None,
            Patch::Set(max) => profile.max_webhooks = Some(max),
        }
        match input.max_held {
            Patch::Keep => {}
            Patch::Reset => profile.max_held = TenantProfile::MAX_HELD,
            Patch::Set(max) if max <= MAX_HELD_MAX => profile.max_held = max,
            Patch::Set(_) => issues.add("/maxHeld", "out-of-bounds", format!("at most {MAX_HELD_MAX}")),
        }
        match input.retention_days {
            Patch::Keep => {}
            Patch::Reset => profile.retention = Retention::default(),
            Patch::Set(days) => {
                let class = issues.take("/retentionDays", "out-of-bounds", Retention::try_from(days));
                profile.retention = class.unwrap_or(profile.retention);
            }
        }
        input.strict.apply(&mut profile.strict);
        input.defaults.apply(&mut profile.defaults);
        self.refuse_short_retention(&profile, &mut issues);
        issues.check()?;
        self.store.save_tenant(&profile).await?;
        self.reload_tenants().await?;
        let action = if is_new { "tenant.create" } else { "tenant.update" };
        let detail = format!("maxWebhooks {:?}, retentionDays {}", profile.max_webhooks, profile.retention.days());
        self.audit(caller, Done { tenant: Some(&name), action, target: name.to_string(), detail }).await?;
        Ok((profile, is_new))
    }

    pub async fn delete_tenant(&self, caller: &Caller, name: &Tenant) -> Result<()> {
        caller.must_administer()?;
        caller.scope(Some(name.clone()))?;
        if !self.accounts.tenants().contains_key(name) {
            return Err(ServiceError::not_found("tenant", name));
        }
        if !self.store.delete_tenant(name).await? {
            let detail = format!("the tenant '{name}' still has webhooks or events");
            return Err(ServiceError::Refused { code: "in-use", detail });
        }
        self.reload_tenants().await?;
        let done =
            Done { tenant: Some(name), action: "tenant.delete", target: name.to_string(), detail: String::new() };
        self.audit(caller, done).await
    }

    /// A tenant's plan; `default` is there without having been made.
    pub(super) fn profile(&self, name: &Tenant, at: &str) -> Result<TenantProfile> {
        if let Some(profile) = self.accounts.tenants().get(name) {
            return Ok(profile.clone());
        }
        if *name == Tenant::default_tenant() {
            return Ok(self.default_profile());
        }
        let detail = format!("there is no tenant '{name}': an admin makes it with PUT /api/tenants/{name}");
        Err(ServiceError::invalid(at, "unknown-tenant", detail))
    }

    fn default_profile(&self) -> TenantProfile {
        TenantProfile::new(Tenant::default_tenant(), crate::model::time::Timestamp::default())
    }

    /// No schedule, neither a default nor one of its webhooks, may outlive the tenant's events.
    fn refuse_short_retention(&self, profile: &TenantProfile, issues: &mut Issues) {
        let day = std::time::Duration::from_secs(24 * 3600);
        let kept = day * u32::from(profile.retention.days());
        let fallback = self.fallback(profile);
        if fallback.retry.span() + day > kept {
            let detail =
                "the default retry schedule is longer: set a shorter one with `defaults.retry` first, or with this";
            issues.add("/retentionDays", "retention-too-short", detail);
            return;
        }
        let webhooks = self.directory.all();
        let longer = webhooks.iter().find(|webhook| {
            webhook.tenant == profile.name
                && !matches!(webhook.revision.status, Status::Disabled(_))
                && webhook.current.retry.span() + day > kept
        });
        if let Some(webhook) = longer {
            let detail = format!("the retries of {} take longer than this keeps events", webhook.id);
            issues.add("/retentionDays", "retention-too-short", detail);
        }
    }
}
