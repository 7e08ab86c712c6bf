//! What is small, rarely changed and needed by nearly every request, held in memory: tokens, tenants, catalogue, plugins' manifests,
//! the server's defaults. The store is the truth; every change is written there first, then reloaded here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::model::access::AccessToken;
use crate::model::catalogue::CatalogueEntry;
use crate::model::name::{EventType, Tenant};
use crate::model::plugin::{Digest, Plugin};
use crate::model::tenant::{Defaults, TenantProfile};
use crate::store::{Store, StoreError};

use super::Services;

#[derive(Debug, Default)]
pub(super) struct Accounts {
    tokens: ArcSwap<Vec<AccessToken>>,
    tenants: ArcSwap<HashMap<Tenant, TenantProfile>>,
    catalogue: ArcSwap<BTreeMap<EventType, CatalogueEntry>>,
    defaults: ArcSwap<Defaults>,
    plugins: ArcSwap<Vec<Arc<Plugin>>>,
    /// Held from the load until what was loaded is in force: who loaded last was also the last to be put in.
    reloading: Mutex<()>,
}

impl Accounts {
    pub(super) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let accounts = Self::default();
        accounts.reload_tokens(store).await?;
        accounts.reload_tenants(store).await?;
        accounts.reload_catalogue(store).await?;
        accounts.reload_defaults(store).await?;
        accounts.reload_plugins(store).await?;
        Ok(accounts)
    }

    pub(super) async fn reload_tokens(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.reloading.lock().await;
        self.tokens.store(Arc::new(store.tokens().await?));
        Ok(())
    }

    pub(super) async fn reload_tenants(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.reloading.lock().await;
        let tenants = store.tenants().await?.into_iter().map(|tenant| (tenant.name.clone(), tenant));
        self.tenants.store(Arc::new(tenants.collect()));
        Ok(())
    }

    pub(super) async fn reload_catalogue(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.reloading.lock().await;
        let entries = store.catalogue().await?.into_iter().map(|entry| (entry.event_type.clone(), entry));
        self.catalogue.store(Arc::new(entries.collect()));
        Ok(())
    }

    pub(super) async fn reload_defaults(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.reloading.lock().await;
        self.defaults.store(Arc::new(store.defaults().await?));
        Ok(())
    }

    pub(super) async fn reload_plugins(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _one = self.reloading.lock().await;
        self.plugins.store(Arc::new(store.plugins().await?.into_iter().map(Arc::new).collect()));
        Ok(())
    }

    pub(super) fn tokens(&self) -> Arc<Vec<AccessToken>> {
        self.tokens.load_full()
    }

    pub(super) fn tenants(&self) -> Arc<HashMap<Tenant, TenantProfile>> {
        self.tenants.load_full()
    }

    pub(super) fn catalogue(&self) -> Arc<BTreeMap<EventType, CatalogueEntry>> {
        self.catalogue.load_full()
    }

    pub(super) fn defaults(&self) -> Arc<Defaults> {
        self.defaults.load_full()
    }

    /// By name, then newest version first.
    pub(super) fn plugins(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.plugins.load_full()
    }

    pub(super) fn plugin(&self, digest: Digest) -> Option<Arc<Plugin>> {
        self.plugins.load().iter().find(|plugin| plugin.digest == digest).cloned()
    }
}

impl Services {
    /// All of it, since another node changed some of it.
    pub(super) async fn reload_accounts(&self) -> Result<(), StoreError> {
        let store = self.store.as_ref();
        self.accounts.reload_tokens(store).await?;
        self.reload_tenants().await?;
        self.reload_catalogue().await?;
        self.reload_defaults().await?;
        self.accounts.reload_plugins(store).await
    }

    pub(super) async fn reload_tenants(&self) -> Result<(), StoreError> {
        self.accounts.reload_tenants(self.store.as_ref()).await?;
        self.tell_ingest();
        Ok(())
    }

    pub(super) async fn reload_catalogue(&self) -> Result<(), StoreError> {
        self.accounts.reload_catalogue(self.store.as_ref()).await?;
        self.tell_ingest();
        Ok(())
    }

    pub(super) async fn reload_defaults(&self) -> Result<(), StoreError> {
        self.accounts.reload_defaults(self.store.as_ref()).await?;
        self.tell_ingest();
        Ok(())
    }

    /// From now on events are judged by what is in memory. Schemas were checked when they were saved: one that can't be used
    /// any more counts as absent, and is logged.
    pub(super) fn tell_ingest(&self) {
        let _one = self.telling.lock();
        let tenants: Vec<_> = self.accounts.tenants().values().cloned().collect();
        let catalogue: Vec<_> = self.accounts.catalogue().values().cloned().collect();
        let mut defaults = Defaults::clone(&self.accounts.defaults());
        defaults.environment = defaults.environment.or_else(|| self.rules.defaults.environment.clone());
        for bad in self.rulebook.set(&tenants, &catalogue, &defaults) {
            tracing::warn!(event_type = %bad.event_type, reason = bad.reason, "a schema of the catalogue can't be used");
        }
    }
}
