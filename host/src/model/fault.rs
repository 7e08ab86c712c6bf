//! What can go wrong while a plugin runs, and whose fault it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose it is to mend. Guest faults are final; host faults are retried and never shown as a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Blame {
    Guest,
    Host,
}

/// A run that ended without a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The stage's plugin, `name@version`.
    pub plugin: String,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum FaultKind {
    /// The guest trapped: `message` is the trap, with the panic's text where there was one.
    Trap { message: String },
    /// A limit was met.
    #[serde(rename_all = "camelCase")]
    Limit { limit: Limit, used: u64, allowed: u64 },
    /// The guest answered `failure`.
    Failure { message: String },
    /// The answer broke the contract: a reserved header, a foreign placeholder, a body that isn't what it says.
    BadOutput { message: String },
    /// Ours: no slot, not compiled, an error of the engine.
    Host { message: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// Instructions.
    Fuel,
    /// Instructions of all stages of a chain.
    ChainFuel,
    /// Bytes of linear memory.
    Memory,
    /// Elements of a table.
    Table,
    /// Bytes of wasm stack.
    Stack,
    /// Bytes of a result.
    Output,
    /// Number of headers, query parameters, ….
    Count,
    /// Bytes that crossed between host and guest in calls.
    HostCalls,
}

impl Limit {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::ChainFuel => "chain fuel",
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Stack => "stack",
            Self::Output => "output",
            Self::Count => "count",
            Self::HostCalls => "host calls",
        }
    }
}

impl FaultKind {
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Host { .. } => Blame::Host,
            Self::Trap { .. } | Self::Limit { .. } | Self::Failure { .. } | Self::BadOutput { .. } => Blame::Guest,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}: ", self.plugin)?;
        match &self.kind {
            FaultKind::Trap { message } => write!(f, "trapped: {message}"),
            FaultKind::Limit { limit, used, allowed } => {
                write!(f, "{} limit: used {used} of {allowed}", limit.as_str())
            }
            FaultKind::Failure { message } => write!(f, "failed: {message}"),
            FaultKind::BadOutput { message } => write!(f, "answered what may not be sent: {message}"),
            FaultKind::Host { message } => write!(f, "could not be run (not its fault): {message}"),
        }
    }
}
