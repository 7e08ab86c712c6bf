//! How many instructions a run may take: a number, so that it is the same on every machine.

/// Instructions allowed. A stage gets `base + per_byte * bytes of its data`, a chain `chain_factor` times that of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuelLimits {
    /// Instructions a stage gets whatever its data.
    pub base: u64,
    /// Instructions more for each byte of data.
    pub per_byte: u64,
    /// How many stages' worth a whole chain gets.
    pub chain_factor: u64,
}

impl Default for FuelLimits {
    fn default() -> Self {
        Self { base: 20_000_000, per_byte: 200, chain_factor: 4 }
    }
}

impl FuelLimits {
    /// For one run over so many bytes of data.
    pub fn stage(&self, bytes: usize) -> u64 {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.base.saturating_add(self.per_byte.saturating_mul(bytes))
    }

    /// For all stages of a chain over an event of so many bytes.
    pub fn chain(&self, bytes: usize) -> u64 {
        self.stage(bytes).saturating_mul(self.chain_factor)
    }
}
