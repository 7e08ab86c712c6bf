//! Each part made from its section of the configuration.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;

use super::Surroundings;
use super::key::Keys;
use crate::config::{Config, Role};
use crate::deliver::Deliver;
use crate::model::causes::WithCauses;
use crate::model::plugin::Digest;
use crate::model::sink::OwnSinks;
use crate::send::{EgressOptions, HttpSender, Sender};
use crate::service::{PluginLimits, Rules, Services, token_hash};
use crate::store::Store;
use crate::transform::Components;
use crate::transform::wasm::limits::Limits;
use crate::transform::wasm::{WasmSetup, WasmTransform};
use crate::{deliver, format};

/// Where compiled plugins are kept, in the data folder.
const COMPILED: &str = "compiled";

pub(super) fn transform(
    config: &Config,
    keys: Keys,
    around: &Surroundings,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Arc<WasmTransform>> {
    let setup = WasmSetup {
        limits: limits(config),
        cache: around.compiled.clone().unwrap_or_else(|| config.storage.data.join(COMPILED)),
        cache_key: keys.cache,
        executable: around.executable.clone(),
        reserved_headers: format::reserved_headers(),
        components: Arc::new(Stored(Arc::clone(store))),
    };
    Ok(Arc::new(WasmTransform::new(setup).context("the sandbox for plugins can't start")?))
}

fn limits(config: &Config) -> Limits {
    let told = &config.plugins;
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut limits = Limits { memory: size(told.memory), ..Limits::default() };
    limits.fuel.base = told.fuel;
    limits.fuel.per_byte = told.fuel_per_byte;
    limits.upload.size = size(told.component);
    limits.compile.cpu_seconds = told.compile_time.as_secs();
    limits.compile.memory = told.compile_memory;
    limits
}

pub(super) fn sender(config: &Config, around: &Surroundings, own_sinks: OwnSinks) -> anyhow::Result<Arc<dyn Sender>> {
    let told = &config.egress;
    let options = EgressOptions {
        allow_http: told.allow_http,
        allow_networks: told.allow_networks.clone(),
        allow_addresses: told.allow_addresses.clone(),
        own_sinks,
        source_address: told.source_address,
        proxy: told.proxy.as_ref().map(|proxy| proxy.expose().clone()),
        extra_roots: around.roots.clone(),
        // Many webhooks may be of one host: what is under way there needs no new connection each time.
        idle_per_host: config.delivery.in_flight,
        ..EgressOptions::default()
    };
    Ok(Arc::new(HttpSender::new(&options).context("nothing can be sent from here")?))
}

pub(super) fn deliver(config: &Config, parts: deliver::Parts) -> Arc<Deliver> {
    let told = &config.delivery;
    let (in_flight, per_webhook, rows) = (told.in_flight, told.per_webhook, told.in_memory);
    let limits = deliver::Limits { in_flight, per_webhook, rows, ..deliver::Limits::default() };
    match config.server.role {
        Role::All | Role::Worker => Deliver::new(parts, limits),
        Role::Api => Deliver::accepting(parts, limits),
    }
}

pub(super) fn rules(config: &Config, own_sinks: OwnSinks) -> Rules {
    let (egress, plugins) = (&config.egress, limits(config));
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Rules {
        plugin_limits: PluginLimits {
            fuel: plugins.fuel.base,
            fuel_per_byte: plugins.fuel.per_byte,
            memory: wide(plugins.memory),
            output: wide(plugins.output),
            log_lines: wide(plugins.log.lines),
        },
        allow_http: egress.allow_http,
        admin_token: config.server.admin_token.as_ref().map(|token| token_hash(token.expose())),
        defaults: config.delivery.defaults.clone(),
        allow_networks: egress.allow_networks.clone(),
        sinks: egress.allow_addresses.clone(),
        own_sinks,
        source_addresses: egress.source_address.iter().map(ToString::to_string).collect(),
        // Its origin only: a user and password may stand before it.
        proxy: egress.proxy.as_ref().map(crate::model::webhook::SecretUrl::origin),
        public_url: config.server.public_url.clone(),
    }
}

/// The plugins that came with us, kept like any other. One at a time: each may have to be compiled.
pub(super) async fn keep_bundled(services: &Services) -> anyhow::Result<()> {
    for bundled in waxwing_bundle::plugins() {
        let kept = services.keep_bundled(Bytes::from_static(bundled.wasm)).await;
        kept.with_context(|| format!("the plugin '{}' that came with this program can't be used", bundled.name))?;
    }
    Ok(())
}

/// Components from the store. One that can't be read is none; the store's fault is in its own log line.
struct Stored(Arc<dyn Store>);

#[async_trait]
impl Components for Stored {
    async fn component(&self, digest: Digest) -> Option<Bytes> {
        self.0.component(digest).await.unwrap_or_else(|error| {
            tracing::error!(%digest, error = %WithCauses(&error), "a component can't be read");
            None
        })
    }
}
