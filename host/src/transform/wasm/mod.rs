//! The sandbox: untrusted components, compiled once, run afresh for every call, within limits that are all on.
//!
//! Knows no database, secret or socket. The path of a component: `structure` and `imports` judge it, `compile` makes machine code
//! of it in a child process, `cache` and `resident` keep that, `instance` runs it, `fault` says how it ended, `output` checks what
//! it answered. `limits` holds every number.

mod cache;
mod compile;
mod compile_child;
mod contract;
mod convert;
mod engine;
mod fault;
mod imports;
mod instance;
mod lane;
pub mod limits;
mod link;
mod log;
mod manifest;
mod output;
mod random;
mod raw;
mod resident;
mod structure;
mod wasi;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Engine;

pub use self::compile::COMPILE_COMMAND;
pub use self::compile_child::compile_child_main;
use self::instance::{Call, Plugin, Shared};
use self::limits::Limits;
use self::link::NotReady;
use self::random::SeededRandom;
pub use self::raw::RawPlugin;
use super::{BadComponent, ClassifyInput, Components, ReplyView, Run, SettingsIssue, StageInput, Transform, Verdict};
use crate::model::attempt::Judgement;
use crate::model::fault::FaultKind;
use crate::model::plugin::{Digest, Manifest};
use crate::model::time::Timestamp;

/// Why the sandbox can't start. None of it is a plugin's fault.
#[derive(Debug, thiserror::Error)]
pub enum WasmError {
    #[error("the WebAssembly engine can't start here")]
    Engine(#[source] wasmtime::Error),
    #[error("the folder for compiled plugins, {folder}, can't be used", folder = folder.display())]
    Cache { folder: PathBuf, source: std::io::Error },
    #[error("no thread for slow plugins")]
    Thread(#[source] std::io::Error),
}

/// What the sandbox needs to know of its surroundings.
pub struct WasmSetup<'a> {
    pub limits: Limits,
    /// For compiled plugins; made if it isn't there.
    pub cache: PathBuf,
    /// Seals what is in the cache.
    pub cache_key: [u8; 32],
    /// A binary that hands `compile-plugin` to [`compile_child_main`]: this one.
    pub executable: PathBuf,
    /// Names of every header that any format writes.
    pub reserved_headers: &'a [&'a str],
    pub components: Arc<dyn Components>,
}

/// [`Transform`] by wasmtime.
pub struct WasmTransform {
    engine: Engine,
    shared: Shared,
    lane: lane::Lane,
    compiler: compile::Compiler,
    cache: Arc<cache::DiskCache>,
    resident: resident::Resident<Plugin>,
    rules: output::OutputRules,
    components: Arc<dyn Components>,
}

impl WasmTransform {
    pub fn new(setup: WasmSetup<'_>) -> Result<Self, WasmError> {
        let limits = setup.limits;
        let (engine, reservation) = engine::probe(&limits).map_err(WasmError::Engine)?;
        let id = engine::compatibility(&engine);
        let cache = cache::DiskCache::open(&setup.cache, setup.cache_key, id, &limits.compile)?;
        let slots = usize::try_from(limits.slots).unwrap_or(1);
        Ok(Self {
            engine,
            lane: lane::Lane::new()?,
            compiler: compile::Compiler::new(setup.executable, limits.compile, limits.stack, reservation),
            cache: Arc::new(cache),
            resident: resident::Resident::new(limits.resident),
            rules: output::OutputRules::new(setup.reserved_headers, limits.output),
            components: setup.components,
            shared: Shared {
                slots: Arc::new(Semaphore::new(slots)),
                large: Arc::new(Semaphore::new(limits.large_runs.max(1))),
                limits: Arc::new(limits),
            },
        })
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// A plugin ready to run: from memory, else from disk, else compiled again.
    async fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, NotReady> {
        let place = self.resident.place(digest);
        if let Some(plugin) = place.get() {
            return Ok(Arc::clone(plugin));
        }
        let plugin = place.get_or_try_init(|| self.load(digest, None)).await?;
        Ok(Arc::clone(plugin))
    }

    /// `wasm`: its bytes, where they are at hand.
    async fn load(&self, digest: Digest, wasm: Option<Bytes>) -> Result<Arc<Plugin>, NotReady> {
        if let Some(plugin) = self.kept_on_disk(digest).await? {
            return Ok(Arc::new(plugin));
        }
        let wasm = match wasm {
            Some(wasm) => wasm,
            None => self.components.component(digest).await.ok_or(NotReady::Absent)?,
        };
        tracing::info!(%digest, bytes = wasm.len(), "compiling a plugin");
        let code = self.compiler.compile(wasm).await.map_err(NotReady::NotCompiled)?;
        let plugin = self.link(code.clone()).await?;
        let cache = Arc::clone(&self.cache);
        // Whether it could be kept only matters to the next start.
        let _ = tokio::task::spawn_blocking(move || cache.store(digest, &code)).await;
        Ok(Arc::new(plugin))
    }

    async fn kept_on_disk(&self, digest: Digest) -> Result<Option<Plugin>, NotReady> {
        let cache = Arc::clone(&self.cache);
        let code = tokio::task::spawn_blocking(move || cache.load(digest)).await.map_err(|_| NotReady::Stopping)?;
        let Some(code) = code else { return Ok(None) };
        // Sealed by us, and yet of no use to this engine: as good as absent.
        match self.link(code).await {
            Err(NotReady::Stopping) => Err(NotReady::Stopping),
            linked => Ok(linked.ok()),
        }
    }

    async fn link(&self, code: Vec<u8>) -> Result<Plugin, NotReady> {
        let (engine, slots) = (self.engine.clone(), self.shared.limits.slots_per_plugin);
        let linking = tokio::task::spawn_blocking(move || link::link(&engine, &code, slots));
        linking.await.map_err(|_| NotReady::Stopping)?
    }

    /// Waits for a place: first among the plugin's own calls, so that many of one keep nobody else waiting.
    async fn places(&self, plugin: &Plugin) -> Result<[OwnedSemaphorePermit; 2], NotReady> {
        let own = Arc::clone(&plugin.slots).acquire_owned().await.map_err(|_| NotReady::Stopping)?;
        let slot = Arc::clone(&self.shared.slots).acquire_owned().await.map_err(|_| NotReady::Stopping)?;
        Ok([own, slot])
    }

    async fn call(&self, digest: Digest, about: About<'_>) -> Result<Call, NotReady> {
        let plugin = self.plugin(digest).await?;
        let places = self.places(&plugin).await?;
        let settings: Arc<str> = Arc::from(about.settings);
        let run = [about.event.as_bytes(), b"\0", about.webhook.as_bytes(), b"\0", &digest.0].concat();
        Ok(Call {
            plugin,
            places,
            shared: self.shared.clone(),
            occurred_at: about.occurred_at,
            random: SeededRandom::new(run, Arc::clone(&settings)),
            settings,
            fuel: about.fuel.min(about.left),
            of_chain: about.left < about.fuel,
        })
    }

    /// A call without an event: the clock stands at 1970, the seed is the digest's and the settings'.
    async fn setup_call(&self, digest: Digest, settings: &str) -> Result<Call, NotReady> {
        let fuel = self.shared.limits.setup_fuel;
        let occurred_at = Timestamp::from_millis(0);
        self.call(digest, About { event: "", webhook: "", occurred_at, settings, fuel, left: u64::MAX }).await
    }

    async fn in_lane<T: Send + 'static>(&self, call: impl Future<Output = Run<T>> + Send + 'static) -> Run<T> {
        self.lane.run(call).await.unwrap_or_else(|gone| Run::unstarted(FaultKind::Host { message: gone.to_string() }))
    }
}

/// What a call is about.
struct About<'a> {
    event: &'a str,
    webhook: &'a str,
    occurred_at: Timestamp,
    settings: &'a str,
    /// Its own limit.
    fuel: u64,
    /// What others left of theirs.
    left: u64,
}

#[async_trait]
impl Transform for WasmTransform {
    async fn admit(&self, wasm: Bytes) -> Result<(Digest, Manifest), BadComponent> {
        let stopping = |_| BadComponent::Host(NotReady::Stopping.to_string());
        let (limits, examined) = (Arc::clone(&self.shared.limits), wasm.clone());
        let (digest, border) = tokio::task::spawn_blocking(move || {
            structure::examine(&examined, &limits).map(|border| (Digest(Sha256::digest(&examined).into()), border))
        })
        .await
        .map_err(stopping)??;
        border.judge()?;
        self.resident.place(digest).get_or_try_init(|| self.load(digest, Some(wasm))).await?;
        let call = self.setup_call(digest, "").await.map_err(|error| BadComponent::Host(error.to_string()))?;
        let said = self.in_lane(call.describe()).await.result.map_err(BadComponent::DescribeFailed)?;
        Ok((digest, manifest::accept(said, &border)?))
    }

    async fn check_settings(&self, digest: Digest, settings: &str) -> Run<Vec<SettingsIssue>> {
        match self.setup_call(digest, settings).await {
            Err(error) => Run::unstarted(error.into()),
            Ok(call) => self.in_lane(call.validate_settings()).await.map(|said| convert::issues(said.err())),
        }
    }

    async fn transform(&self, input: StageInput<'_>) -> Run<Verdict> {
        let about = About {
            event: &input.event.id.to_string(),
            webhook: &input.webhook.id.to_string(),
            occurred_at: input.event.occurred_at,
            settings: input.settings,
            fuel: self.shared.limits.fuel.stage(input.data.len()),
            left: input.fuel,
        };
        let (event, webhook) = (convert::event(&input, about.event), convert::webhook(&input, about.webhook));
        let call = match self.call(input.digest, about).await {
            Err(error) => return Run::unstarted(error.into()),
            Ok(call) => call,
        };
        let json = input.event.data.content_type == crate::model::event::ContentType::Json;
        self.in_lane(call.transform(event, webhook)).await.map(|said| {
            let verdict = said.map_err(convert::failure)?;
            self.rules.verdict(verdict, &input.webhook, json)
        })
    }

    async fn classify(&self, input: ClassifyInput<'_>, reply: ReplyView<'_>) -> Run<Option<Judgement>> {
        let event = input.event.id.to_string();
        let about = About {
            event: &event,
            webhook: &input.webhook.to_string(),
            occurred_at: input.event.occurred_at,
            settings: input.settings,
            fuel: self.shared.limits.classify_fuel,
            left: u64::MAX,
        };
        let call = match self.call(input.digest, about).await {
            Err(error) => return Run::unstarted(error.into()),
            Ok(call) => call,
        };
        let (reply, context) = (convert::reply(&reply), convert::context(&input, event));
        self.in_lane(call.classify(reply, context)).await.map(convert::judgement)
    }
}
