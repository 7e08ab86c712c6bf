//! The engine, set up as it measured fastest: and the probe for how much address space this machine gives.
//!
//! Two engines with the same [`Reservation`] run each other's code: the compiling child needs no pool for that.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig, Strategy,
    VariableOperatorCost,
};

use super::limits::Limits;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Address space set aside for each linear memory. Part of what compiled code depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reservation {
    /// 4 GiB: code needs no bounds checks, which is a fifth of its time.
    Whole,
    /// 64 MiB, where address space is short (containers with a limit on it).
    Small,
}

impl Reservation {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Small => "small",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Whole, Self::Small].into_iter().find(|known| known.as_str() == text)
    }

    const fn bytes(self) -> u64 {
        match self {
            Self::Whole => 4 * 1024 * MIB,
            Self::Small => 64 * MIB,
        }
    }
}

/// The engine that runs plugins, and how it came out.
pub(super) fn probe(limits: &Limits) -> Result<(Engine, Reservation), wasmtime::Error> {
    let pooled = |reservation| -> Result<Engine, wasmtime::Error> {
        let mut config = config(limits.stack, reservation)?;
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
        Engine::new(&config)
    };
    for reservation in [Reservation::Whole, Reservation::Small] {
        match pooled(reservation) {
            Ok(engine) => {
                tracing::info!(
                    slots = limits.slots,
                    reservation = reservation.as_str(),
                    "plugins run in pooled memory"
                );
                return Ok((engine, reservation));
            }
            Err(error) => {
                tracing::warn!(reservation = reservation.as_str(), %error, "no pooled memory for plugins of this size");
            }
        }
    }
    tracing::warn!("plugins run without pooled memory, at a multiple of the cost a call");
    let engine = Engine::new(&config(limits.stack, Reservation::Small)?)?;
    Ok((engine, Reservation::Small))
}

/// The engine of the compiling child: the same code, no pool.
pub(super) fn for_compiling(stack: usize, reservation: Reservation) -> Result<Engine, wasmtime::Error> {
    let mut config = config(stack, reservation)?;
    // One thread: the limit on CPU time is then also one on the cores it takes.
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// What code compiled for this engine is good for: another number, another engine.
pub(super) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn config(stack: usize, reservation: Reservation) -> Result<Config, wasmtime::Error> {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        .concurrency_support(false)
        .consume_fuel(true)
        .operator_cost(costs())
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(1536 * 1024))
        .memory_reservation(reservation.bytes())
        .memory_may_move(false)
        .memory_init_cow(true)
        .wasm_backtrace_max_frames(None);
    Ok(config)
}

/// The default costs, and one for growing a memory, which would otherwise be free: a page is 64 KiB to be zeroed.
fn costs() -> OperatorCost {
    let variable = VariableOperatorCost { memory_grow_per_page: 255, ..VariableOperatorCost::new() };
    OperatorCost { variable, ..OperatorCost::new() }
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.slots)
        .total_stacks(limits.slots)
        .total_memories(limits.slots.saturating_mul(2))
        .total_tables(limits.slots.saturating_mul(4))
        .total_core_instances(limits.slots.saturating_mul(8))
        .max_core_instances_per_component(32)
        .max_memories_per_component(2)
        .max_tables_per_component(8)
        .table_elements(limits.table_elements)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(1024 * 1024)
        .table_keep_resident(64 * 1024)
        .pagemap_scan(Enabled::Auto);
    pool
}
