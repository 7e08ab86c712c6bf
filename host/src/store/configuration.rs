//! What is set up: webhooks with their revisions, plugins, accounts, the catalogue, and the audit log of all that.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Result;
use crate::model::access::AccessToken;
use crate::model::catalogue::CatalogueEntry;
use crate::model::ids::{RevisionId, TokenId, WebhookId};
use crate::model::name::{EventType, Tenant};
use crate::model::page::{Page, PageRequest};
use crate::model::plugin::{Digest, Plugin};
use crate::model::tenant::{Defaults, TenantProfile};
use crate::model::time::Timestamp;
use crate::model::webhook::{Health, Revision, Webhook};

#[async_trait]
pub trait Webhooks {
    /// All of them, for the routing index at start.
    async fn webhooks(&self) -> Result<Vec<Webhook>>;

    /// Writes a webhook as it is now, with its revision. `expected`: the revision it had when it was loaded; `None` for a new one.
    /// [`StoreError::Conflict`] where it has another one now, or where the save brings no revision of its own: whatever is saved,
    /// the next writer can tell. A quota is checked in the same transaction: `Ok(false)` and nothing written when `max` are there already.
    async fn save_webhook(&self, webhook: &Webhook, expected: Option<&Revision>, max: Option<u32>) -> Result<bool>;

    /// Deletes it; revisions and log stay. Cancelling what is pending is the caller's.
    async fn delete_webhook(&self, id: WebhookId, now: Timestamp) -> Result<bool>;

    /// Newest first.
    async fn revisions(&self, webhook: WebhookId) -> Result<Vec<Arc<Revision>>>;

    /// Every webhook of the tenant that existed at that time, deleted ones too, as it was then.
    async fn revisions_at(&self, tenant: &Tenant, time: Timestamp) -> Result<Vec<(String, Arc<Revision>)>>;

    async fn revision(&self, id: RevisionId) -> Result<Option<Arc<Revision>>>;

    async fn health(&self, webhook: WebhookId) -> Result<Health>;

    /// What `complete` added up, of every webhook: for auto-disable after a restart.
    async fn healths(&self) -> Result<Vec<(WebhookId, Health)>>;

    async fn reset_health(&self, webhook: WebhookId) -> Result<()>;
}

#[async_trait]
pub trait Plugins {
    /// `Ok(false)`: another component already bears this name and version. The same digest again is no error.
    async fn save_plugin(&self, plugin: &Plugin, wasm: &Bytes) -> Result<bool>;

    /// Every version, by name, then newest version first.
    async fn plugins(&self) -> Result<Vec<Plugin>>;

    async fn component(&self, digest: Digest) -> Result<Option<Bytes>>;

    /// `Ok(false)`: a webhook's current revision, or a stored delivery, needs it.
    async fn delete_plugin(&self, digest: Digest) -> Result<bool>;

    async fn share_plugin(&self, digest: Digest, shared: bool) -> Result<()>;
}

#[async_trait]
pub trait Accounts {
    async fn tenants(&self) -> Result<Vec<TenantProfile>>;
    async fn save_tenant(&self, tenant: &TenantProfile) -> Result<()>;
    /// `Ok(false)`: it still has webhooks or events.
    async fn delete_tenant(&self, tenant: &Tenant) -> Result<bool>;

    async fn tokens(&self) -> Result<Vec<AccessToken>>;
    async fn save_token(&self, token: &AccessToken) -> Result<()>;
    async fn delete_token(&self, id: TokenId) -> Result<bool>;

    async fn catalogue(&self) -> Result<Vec<CatalogueEntry>>;
    async fn save_catalogue_entry(&self, entry: &CatalogueEntry) -> Result<()>;
    async fn delete_catalogue_entry(&self, event_type: &EventType) -> Result<bool>;

    async fn defaults(&self) -> Result<Defaults>;
    async fn save_defaults(&self, defaults: &Defaults) -> Result<()>;

    /// One line of the audit log: who did what to what. Never a secret.
    async fn audit(&self, entry: &AuditEntry) -> Result<()>;
    async fn audits(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<AuditEntry>>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Made as ids are: sorts by time.
    pub id: u64,
    pub tenant: Option<Tenant>,
    /// The token's id, or `WAXWING_ADMIN_TOKEN`.
    pub actor: String,
    /// `webhook.update`, …
    pub action: String,
    pub target: String,
    pub detail: String,
}
