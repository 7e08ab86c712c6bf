//! The audit log: who changed what. Never a secret, never an event's data.

use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::store::AuditEntry;

use super::Services;
use super::caller::Caller;
use super::error::Result;

/// What was done, as `noun.verb`, to what.
pub(super) struct Done<'a> {
    pub(super) tenant: Option<&'a Tenant>,
    pub(super) action: &'static str,
    pub(super) target: String,
    pub(super) detail: String,
}

impl Services {
    /// The change is durable already: if this fails, the caller learns of it, and the log lacks one line.
    pub(super) async fn audit(&self, caller: &Caller, done: Done<'_>) -> Result<()> {
        let entry = AuditEntry {
            id: self.ids.next(self.now()),
            tenant: done.tenant.cloned(),
            actor: caller.actor.clone(),
            action: done.action.to_owned(),
            target: done.target,
            detail: done.detail,
        };
        Ok(self.store.audit(&entry).await?)
    }

    /// Newest first.
    pub async fn audits(&self, caller: &Caller, tenant: Option<Tenant>, page: PageRequest) -> Result<Page<AuditEntry>> {
        caller.must_administer()?;
        Ok(self.store.audits(caller.scope(tenant)?.as_ref(), page).await?)
    }
}
