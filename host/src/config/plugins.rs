//! The limits of the sandbox.

use std::time::Duration;

use super::{ConfigError, Layers};

const MIB: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginConfig {
    /// Instructions that a stage may execute, whatever the data.
    pub fuel: u64,
    /// And so many more for each byte of data.
    pub fuel_per_byte: u64,
    /// Bytes of linear memory of one run.
    pub memory: u64,
    /// Bytes of the largest component.
    pub component: u64,
    /// CPU time that compiling one may take.
    pub compile_time: Duration,
    /// Bytes of memory that compiling one may take.
    pub compile_memory: u64,
}

impl PluginConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Self {
            fuel: layers.number("plugins.fuel", 20_000_000, 100_000..=10_000_000_000)?,
            fuel_per_byte: layers.number("plugins.fuel-per-byte", 200, 0..=100_000)?,
            memory: layers.number("plugins.memory-mib", 64, 1..=1024)? * MIB,
            component: layers.number("plugins.component-mib", 16, 1..=64)? * MIB,
            compile_time: Duration::from_secs(layers.number("plugins.compile-seconds", 30, 1..=600)?),
            compile_memory: layers.number("plugins.compile-mib", 2048, 256..=16_384)? * MIB,
        })
    }
}
