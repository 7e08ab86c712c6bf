//! Whose fault it is that a run ended without an answer, and which limit it met.

use wasmtime::{PoolConcurrencyLimitError, Trap};

use super::instance::State;
use super::limits::Limits;
use super::wasi::Exited;
use crate::model::fault::{FaultKind, Limit};

/// What a run had and used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fuel {
    pub(super) used: u64,
    pub(super) allowed: u64,
    /// It was cut by what other stages had left.
    pub(super) of_chain: bool,
}

impl Fuel {
    pub(super) const fn fault(self) -> FaultKind {
        let limit = if self.of_chain { Limit::ChainFuel } else { Limit::Fuel };
        FaultKind::Limit { limit, used: self.used, allowed: self.allowed }
    }
}

/// Names the fault behind an error of the engine.
pub(super) fn name(error: &wasmtime::Error, state: &State, fuel: Fuel, limits: &Limits) -> FaultKind {
    if let Some(hit) = &state.hit {
        return hit.clone();
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return FaultKind::Host { message: "no slot to run it in".to_owned() };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return fuel.fault(),
        Some(Trap::StackOverflow) => {
            let stack = u64::try_from(limits.stack).unwrap_or(u64::MAX);
            return FaultKind::Limit { limit: Limit::Stack, used: stack, allowed: stack };
        }
        _ => {}
    }
    if copied_too_much(error) {
        let bytes = u64::try_from(limits.host_call_bytes).unwrap_or(u64::MAX);
        return FaultKind::Limit { limit: Limit::HostCalls, used: bytes, allowed: bytes };
    }
    FaultKind::Trap { message: trap(error, state) }
}

/// The engine's own type for this is private; its words are all there is.
fn copied_too_much(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn trap(error: &wasmtime::Error, state: &State) -> String {
    let cause = match error.downcast_ref::<Trap>() {
        // What Rust and C keep on a stack lies in memory, below everything else: running off it looks like any wild access.
        Some(trap @ Trap::MemoryOutOfBounds) => format!("{trap} (recursion without end can be the reason)"),
        Some(trap) => trap.to_string(),
        None => error.downcast_ref::<Exited>().map_or_else(|| error.root_cause().to_string(), Exited::to_string),
    };
    let message = state.log.panic_text().map_or_else(|| cause.clone(), |panic| format!("{cause}: {panic}"));
    super::log::shown(&message, 2048)
}
