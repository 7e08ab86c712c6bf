//! Who asks: the first argument of every use case. Every query takes its tenant from here, never from the request alone.

use crate::model::access::Role;
use crate::model::name::Tenant;

use super::error::{Result, ServiceError};

/// Somebody whose token was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's id, or the name of the variable that holds it: what the audit log says.
    pub actor: String,
    pub role: Role,
    /// The only tenant that this caller may see; `None` is all of them.
    pub tenant: Option<Tenant>,
}

impl Caller {
    /// The server itself: its own set-up, its command line.
    pub fn server(actor: &str) -> Self {
        Self { actor: actor.to_owned(), role: Role::Admin, tenant: None }
    }

    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether URLs are shown whole: not to viewers, for whom their secret parts are masked.
    pub fn sees_urls(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Tenant)
    }

    /// Whether it may change webhooks, replay, test and preview.
    pub fn configures(&self) -> bool {
        self.must_configure().is_ok()
    }

    /// Uploads, quotas, tokens, settings.
    pub(super) fn must_administer(&self) -> Result<()> {
        self.must(&[Role::Admin], "admin")
    }

    /// What concerns all tenants at once is not for a token that is bound to one.
    pub(super) fn must_be_unbound(&self) -> Result<()> {
        let bound = |tenant: &Tenant| Err(ServiceError::OtherTenant { bound: tenant.to_string() });
        self.tenant.as_ref().map_or(Ok(()), bound)
    }

    /// Reads webhooks and log.
    pub(super) fn must_read(&self) -> Result<()> {
        self.must(&[Role::Admin, Role::Viewer, Role::Tenant], "viewer, tenant or admin")
    }

    /// Changes webhooks, replays, tests and previews.
    pub(super) fn must_configure(&self) -> Result<()> {
        self.must(&[Role::Admin, Role::Tenant], "tenant or admin")
    }

    pub(super) fn must_publish(&self) -> Result<()> {
        self.must(&[Role::Admin, Role::Publisher], "publisher or admin")
    }

    /// The tenant to filter by: what was asked for, within what the token allows.
    pub(super) fn scope(&self, asked: Option<Tenant>) -> Result<Option<Tenant>> {
        match (&self.tenant, asked) {
            (Some(bound), Some(asked)) if *bound != asked => {
                Err(ServiceError::OtherTenant { bound: bound.to_string() })
            }
            (Some(bound), _) => Ok(Some(bound.clone())),
            (None, asked) => Ok(asked),
        }
    }

    /// The tenant that something new belongs to.
    pub(super) fn owner(&self, asked: Option<Tenant>) -> Result<Tenant> {
        Ok(self.scope(asked)?.unwrap_or_else(Tenant::default_tenant))
    }

    /// Whether something of this tenant exists for the caller at all.
    pub(super) fn sees(&self, tenant: &Tenant) -> bool {
        self.tenant.as_ref().is_none_or(|bound| bound == tenant)
    }

    fn must(&self, roles: &[Role], needs: &'static str) -> Result<()> {
        if roles.contains(&self.role) {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { needs, has: self.role.as_str() })
        }
    }
}
