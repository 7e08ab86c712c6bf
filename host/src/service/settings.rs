//! The server's own settings: defaults that the API changes, and what its configuration says.

use serde::Deserialize;

use crate::model::tenant::Defaults;

use super::audit::Done;
use super::caller::Caller;
use super::error::Result;
use super::patch::Patch;
use super::webhooks::Fallback;
use super::{Rules, Services};
use crate::model::name::{Environment, Tenant};
use crate::model::policy::RetryPolicy;
use crate::model::tenant::TenantProfile;
use crate::model::time::Timestamp;
use crate::model::webhook::FormatName;

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsInput {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub default_format: Patch<FormatName>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub default_environment: Patch<Environment>,
    /// A policy's name or `{"delaysSeconds": […]}`.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub default_retry: Patch<RetryPolicy>,
}

/// As they are in force.
#[derive(Clone, Debug)]
pub struct SettingsShown {
    pub format: FormatName,
    pub environment: Environment,
    pub retry: RetryPolicy,
    pub rules: Rules,
}

impl Services {
    pub fn settings(&self, caller: &Caller) -> Result<SettingsShown> {
        caller.must_read()?;
        Ok(self.shown(&nobody()))
    }

    /// What a new webhook of this tenant falls back to; of the default tenant, where there is none or no such one.
    pub fn defaults_of(&self, caller: &Caller, tenant: Option<&Tenant>) -> Result<SettingsShown> {
        caller.must_read()?;
        let profile = tenant.filter(|tenant| caller.sees(tenant)).map(|tenant| self.profile(tenant, "/tenant"));
        match profile.and_then(Result::ok) {
            Some(profile) => Ok(self.shown(&profile)),
            None => Ok(self.shown(&self.profile(&Tenant::default_tenant(), "/tenant")?)),
        }
    }

    pub async fn update_settings(&self, caller: &Caller, input: SettingsInput) -> Result<SettingsShown> {
        caller.must_administer()?;
        caller.must_be_unbound()?;
        let mut defaults = Defaults::clone(&self.accounts.defaults());
        change(input.default_format, &mut defaults.format);
        change(input.default_environment, &mut defaults.environment);
        change(input.default_retry, &mut defaults.retry);
        self.store.save_defaults(&defaults).await?;
        self.reload_defaults().await?;
        let done = Done { tenant: None, action: "settings.update", target: "settings".into(), detail: String::new() };
        self.audit(caller, done).await?;
        Ok(self.shown(&nobody()))
    }

    fn shown(&self, profile: &TenantProfile) -> SettingsShown {
        let Fallback { format, environment, retry } = self.fallback(profile);
        SettingsShown { format, environment, retry, rules: self.rules.clone() }
    }
}

/// A tenant that has no defaults of its own.
fn nobody() -> TenantProfile {
    TenantProfile::new(Tenant::default_tenant(), Timestamp::default())
}

fn change<T>(patch: Patch<T>, field: &mut Option<T>) {
    match patch {
        Patch::Keep => {}
        Patch::Reset => *field = None,
        Patch::Set(value) => *field = Some(value),
    }
}
