//! One call into a plugin: a fresh store and instance, one function, then all of it is thrown away.
//!
//! So nothing passes from one event or tenant to the next. Everything a call needs is in it, so that it can move to the slow
//! lane in its midst. What may be called from inside: `wasi.rs`; what its end means: `fault.rs`.

use std::sync::Arc;
use std::time::Instant;

use super::contract::{response, transformer, types};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{ResourceLimiterAsync, Store, Trap};

use super::fault::{self, Fuel};
use super::limits::Limits;
use super::log::LogBuffer;
use super::random::SeededRandom;
use crate::model::attempt::Cost;
use crate::model::fault::{FaultKind, Limit};
use crate::model::time::Timestamp;
use crate::transform::Run;

/// A component, compiled and linked.
pub(super) struct Plugin {
    pub(super) pre: InstancePre<State>,
    pub(super) transformer: transformer::GuestIndices,
    pub(super) response: Option<response::GuestIndices>,
    /// Bounds how many of it run at once.
    pub(super) slots: Arc<Semaphore>,
}

/// What all calls share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) limits: Arc<Limits>,
    pub(super) slots: Arc<Semaphore>,
    /// For runs that need much memory.
    pub(super) large: Arc<Semaphore>,
}

/// A call that has its place and can begin.
pub(super) struct Call {
    pub(super) plugin: Arc<Plugin>,
    pub(super) shared: Shared,
    pub(super) occurred_at: Timestamp,
    pub(super) random: SeededRandom,
    pub(super) settings: Arc<str>,
    /// Instructions.
    pub(super) fuel: u64,
    pub(super) of_chain: bool,
    /// Held until the call is over.
    pub(super) places: [OwnedSemaphorePermit; 2],
}

/// What the host knows of a running instance.
pub(super) struct State {
    pub(super) log: LogBuffer,
    pub(super) random: SeededRandom,
    pub(super) occurred_at: Timestamp,
    /// The limit that it met, if the engine's error doesn't tell.
    pub(super) hit: Option<FaultKind>,
    nanoseconds: u64,
    /// Instructions charged for host calls: beside the engine's count, since setting that would postpone the next yield.
    charged: u64,
    memory: usize,
    shared: Shared,
    turn: Option<OwnedSemaphorePermit>,
}

impl State {
    /// Counts a host call against the fuel that is `left`.
    pub(super) fn charge(&mut self, cost: u64, left: u64) -> Result<(), wasmtime::Error> {
        self.charged = self.charged.saturating_add(cost);
        if self.charged > left { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
    }

    /// Moves the monotonic clock on, and reads it.
    pub(super) fn tick(&mut self, nanoseconds: u64) -> u64 {
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
        self.nanoseconds
    }

    pub(super) fn tick_to(&mut self, nanoseconds: u64) {
        self.nanoseconds = self.nanoseconds.max(nanoseconds);
    }

    fn refuse(&mut self, limit: Limit, used: usize, allowed: usize) -> wasmtime::Error {
        let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        self.hit = Some(FaultKind::Limit { limit, used: number(used), allowed: number(allowed) });
        wasmtime::Error::msg(limit.as_str())
    }
}

#[async_trait::async_trait]
impl ResourceLimiterAsync for State {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, wasmtime::Error> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        let allowed = self.shared.limits.memory;
        if total > allowed {
            return Err(self.refuse(Limit::Memory, total, allowed));
        }
        if total > self.shared.limits.large_memory && self.turn.is_none() {
            // All of it at once, so that two of them can't wait for each other.
            self.turn = Some(Arc::clone(&self.shared.large).acquire_owned().await?);
            // Filling so much takes long: not on a thread that deliveries wait for.
            tokio::task::yield_now().await;
        }
        self.memory = total;
        Ok(true)
    }

    async fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, wasmtime::Error> {
        let allowed = self.shared.limits.table_elements;
        if desired > allowed { Err(self.refuse(Limit::Table, desired, allowed)) } else { Ok(true) }
    }
}

/// A store at work, and what it began with.
struct Running {
    store: Store<State>,
    limits: Arc<Limits>,
    fuel: u64,
    of_chain: bool,
    since: Instant,
    _places: [OwnedSemaphorePermit; 2],
}

type Outcome<T> = Result<T, wasmtime::Error>;

impl Call {
    /// Nothing but a fresh instance.
    pub(super) async fn instance(self) -> Run<()> {
        let (plugin, (mut running, _)) = (Arc::clone(&self.plugin), self.begin());
        let result = running.instantiate(&plugin).await.map(drop);
        running.end(result)
    }

    pub(super) async fn describe(self) -> Run<types::Manifest> {
        let (plugin, (mut running, _)) = (Arc::clone(&self.plugin), self.begin());
        let result = running.describe(&plugin).await;
        running.end(result)
    }

    pub(super) async fn validate_settings(self) -> Run<Result<(), Vec<types::Issue>>> {
        let (plugin, (mut running, settings)) = (Arc::clone(&self.plugin), self.begin());
        let result = running.validate_settings(&plugin, &settings).await;
        running.end(result)
    }

    pub(super) async fn transform(
        self,
        event: types::Event,
        webhook: types::Webhook,
    ) -> Run<Result<types::Verdict, types::Failure>> {
        let (plugin, (mut running, settings)) = (Arc::clone(&self.plugin), self.begin());
        let result = running.transform(&plugin, &event, &webhook, &settings).await;
        running.end(result)
    }

    pub(super) async fn classify(
        self,
        reply: response::Reply,
        context: response::Context,
    ) -> Run<Option<response::Judgement>> {
        let (plugin, (mut running, _)) = (Arc::clone(&self.plugin), self.begin());
        let result = running.classify(&plugin, &reply, &context).await;
        running.end(result)
    }

    fn begin(self) -> (Running, Arc<str>) {
        let limits = Arc::clone(&self.shared.limits);
        let state = State {
            log: LogBuffer::new(limits.log),
            random: self.random,
            occurred_at: self.occurred_at,
            hit: None,
            nanoseconds: 0,
            charged: 0,
            memory: 0,
            shared: self.shared,
            turn: None,
        };
        let mut store = Store::new(self.plugin.pre.engine(), state);
        store.limiter_async(|state| state);
        store.set_hostcall_fuel(limits.host_call_bytes);
        let (fuel, of_chain) = (self.fuel, self.of_chain);
        (Running { store, limits, fuel, of_chain, since: Instant::now(), _places: self.places }, self.settings)
    }
}

impl Running {
    async fn instantiate(&mut self, plugin: &Plugin) -> Outcome<Instance> {
        self.store.set_fuel(self.fuel)?;
        self.store.fuel_async_yield_interval(Some(self.limits.yield_fuel.max(1)))?;
        plugin.pre.instantiate_async(&mut self.store).await
    }

    async fn transformer(&mut self, plugin: &Plugin) -> Outcome<transformer::Guest> {
        let instance = self.instantiate(plugin).await?;
        plugin.transformer.load(&mut self.store, &instance)
    }

    async fn describe(&mut self, plugin: &Plugin) -> Outcome<types::Manifest> {
        self.transformer(plugin).await?.call_describe(&mut self.store).await
    }

    async fn validate_settings(&mut self, plugin: &Plugin, settings: &str) -> Outcome<Result<(), Vec<types::Issue>>> {
        self.transformer(plugin).await?.call_validate_settings(&mut self.store, &settings.to_owned()).await
    }

    async fn transform(
        &mut self,
        plugin: &Plugin,
        event: &types::Event,
        webhook: &types::Webhook,
        settings: &str,
    ) -> Outcome<Result<types::Verdict, types::Failure>> {
        self.transformer(plugin).await?.call_transform(&mut self.store, event, webhook, &settings.to_owned()).await
    }

    async fn classify(
        &mut self,
        plugin: &Plugin,
        reply: &response::Reply,
        context: &response::Context,
    ) -> Outcome<Option<response::Judgement>> {
        let Some(indices) = &plugin.response else { return Ok(None) };
        let instance = self.instantiate(plugin).await?;
        let guest = indices.load(&mut self.store, &instance)?;
        guest.call_classify(&mut self.store, reply, context).await.map(Some)
    }

    /// What it cost and logged, however it ended.
    fn end<T>(self, result: Outcome<T>) -> Run<T> {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let left = self.store.get_fuel().unwrap_or(0);
        let state = self.store.into_data();
        let mut used = self.fuel.saturating_sub(left).saturating_add(state.charged);
        if result.as_ref().is_err_and(|error| error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel)) {
            used = used.max(self.fuel);
        }
        let fuel = Fuel { used, allowed: self.fuel, of_chain: self.of_chain };
        let result = match result {
            Err(error) => Err(fault::name(&error, &state, fuel, &self.limits)),
            // Host calls are counted beside the engine's fuel: together they may be too much only now.
            Ok(_) if used > self.fuel => Err(fuel.fault()),
            Ok(answer) => Ok(answer),
        };
        let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let cost = Cost {
            fuel: used,
            fuel_limit: self.fuel,
            memory: number(state.memory),
            memory_limit: number(self.limits.memory),
            micros,
        };
        let (log, log_dropped) = state.log.finish();
        Run { result, cost, log, log_dropped }
    }
}
