//! Plugins as they are kept: uploaded, listed, shared, deleted. Only an admin may; tenants see those that are shared with them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::model::plugin::{Digest, Plugin};
use crate::transform::BadComponent;

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Result, ServiceError};
use super::webhooks::shown_name;

/// The most that a component may have; guests in JavaScript and Python are large.
pub const COMPONENT_MAX: usize = 16 * 1024 * 1024;

impl Services {
    /// Asked before the body is read.
    pub fn may_upload(&self, caller: &Caller) -> Result<()> {
        caller.must_administer()?;
        caller.must_be_unbound()
    }

    /// Checks, compiles and keeps a component; `true`: it is new. The same bytes again change nothing.
    pub async fn upload_plugin(&self, caller: &Caller, wasm: Bytes) -> Result<(Arc<Plugin>, bool)> {
        self.may_upload(caller)?;
        self.keep_plugin(caller, wasm, false).await
    }

    /// Those that came with the server, at its start. One that can't be admitted here stops the start: the product is not whole.
    pub async fn keep_bundled(&self, wasm: Bytes) -> Result<Arc<Plugin>> {
        Ok(self.keep_plugin(&Caller::server("bundle"), wasm, true).await?.0)
    }

    async fn keep_plugin(&self, caller: &Caller, wasm: Bytes, bundled: bool) -> Result<(Arc<Plugin>, bool)> {
        if wasm.len() > COMPONENT_MAX {
            let size = wasm.len() as u64;
            return Err(BadComponent::TooLarge { size, allowed: COMPONENT_MAX as u64 }.into());
        }
        let (digest, manifest) = self.transform.admit(wasm.clone()).await?;
        if let Some(known) = self.accounts.plugin(digest) {
            return Ok((known, false));
        }
        if serde_json::from_str::<Value>(&manifest.settings_schema)
            .map_err(|error| error.to_string())
            .and_then(|schema| jsonschema::draft202012::new(&schema).map(drop).map_err(|error| error.to_string()))
            .is_err()
        {
            let detail = "its settings schema is no JSON Schema 2020-12 that stands alone".to_owned();
            return Err(BadComponent::BadManifest(detail).into());
        }
        let size = wasm.len() as u64;
        let plugin = Plugin { digest, manifest, size, uploaded_at: self.now(), bundled, shared: bundled };
        if !self.store.save_plugin(&plugin, &wasm).await? {
            let detail = format!("{} is another component already: give this one a new version", shown_name(&plugin));
            return Err(ServiceError::Refused { code: "version-taken", detail });
        }
        self.accounts.reload_plugins(self.store.as_ref()).await?;
        if !bundled {
            let (target, detail) = (shown_name(&plugin), digest.to_string());
            self.audit(caller, Done { tenant: None, action: "plugin.upload", target, detail }).await?;
        }
        Ok((Arc::new(plugin), true))
    }

    /// Every version, by name, then newest first.
    pub fn plugins(&self, caller: &Caller) -> Result<Vec<Arc<Plugin>>> {
        caller.must_read()?;
        let mut list = Vec::clone(&self.accounts.plugins());
        list.retain(|plugin| caller.sees_plugin(plugin));
        Ok(list)
    }

    /// How many webhooks that the caller may see use each.
    pub fn plugin_uses(&self, caller: &Caller) -> Result<HashMap<Digest, usize>> {
        caller.must_read()?;
        let mut uses: HashMap<Digest, usize> = HashMap::new();
        for webhook in self.directory.all().into_iter().filter(|webhook| caller.sees(&webhook.tenant)) {
            let digests: BTreeSet<Digest> = webhook.revision.chain.iter().map(|stage| stage.digest).collect();
            digests.into_iter().for_each(|digest| *uses.entry(digest).or_default() += 1);
        }
        Ok(uses)
    }

    /// Newest first; never empty.
    pub fn plugin_versions(&self, caller: &Caller, name: &str) -> Result<Vec<Arc<Plugin>>> {
        let mut list = self.plugins(caller)?;
        list.retain(|plugin| plugin.manifest.name == name);
        if list.is_empty() { Err(ServiceError::not_found("plugin", name)) } else { Ok(list) }
    }

    pub fn plugin_version(&self, caller: &Caller, name: &str, version: &str) -> Result<Arc<Plugin>> {
        let versions = self.plugin_versions(caller, name)?;
        let found = versions.into_iter().find(|plugin| plugin.manifest.version.to_string() == version);
        found.ok_or_else(|| ServiceError::not_found("plugin version", format!("{name}@{version}")))
    }

    /// Whether tenants may use it.
    pub async fn share_plugin(&self, caller: &Caller, plugin: &Plugin, shared: bool) -> Result<Arc<Plugin>> {
        caller.must_administer()?;
        caller.must_be_unbound()?;
        self.store.share_plugin(plugin.digest, shared).await?;
        self.accounts.reload_plugins(self.store.as_ref()).await?;
        let action = if shared { "plugin.share" } else { "plugin.unshare" };
        let target = shown_name(plugin);
        self.audit(caller, Done { tenant: None, action, target: target.clone(), detail: String::new() }).await?;
        self.accounts.plugin(plugin.digest).ok_or_else(|| ServiceError::not_found("plugin version", target))
    }

    /// A version that a webhook's current revision or a stored delivery needs stays.
    pub async fn delete_plugin(&self, caller: &Caller, name: &str, version: &str) -> Result<()> {
        caller.must_administer()?;
        caller.must_be_unbound()?;
        let plugin = self.plugin_version(caller, name, version)?;
        // No webhook may be given this plugin between the look and the deletion.
        let saving = self.saving.lock().await;
        let in_chain = |stage: &crate::model::plugin::Stage| stage.digest == plugin.digest;
        let user = self.directory.all().into_iter().find(|webhook| webhook.revision.chain.iter().any(in_chain));
        if let Some(webhook) = user {
            let detail = format!("{} uses {}", webhook.id, shown_name(&plugin));
            return Err(ServiceError::Refused { code: "in-use", detail });
        }
        if !self.store.delete_plugin(plugin.digest).await? {
            let detail = format!("deliveries in the log were made by {}", shown_name(&plugin));
            return Err(ServiceError::Refused { code: "in-use", detail });
        }
        drop(saving);
        self.accounts.reload_plugins(self.store.as_ref()).await?;
        let (target, detail) = (shown_name(&plugin), plugin.digest.to_string());
        self.audit(caller, Done { tenant: None, action: "plugin.delete", target, detail }).await
    }
}

impl Caller {
    fn sees_plugin(&self, plugin: &Plugin) -> bool {
        self.tenant.is_none() || plugin.shared || plugin.bundled
    }
}
