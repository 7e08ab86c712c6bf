//! Randomness that isn't: a function of the run's inputs, so that the same run draws the same numbers.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// SHA-256 over a seed and a counter. The seed is hashed at the first draw: most runs that draw at all draw once.
#[derive(Debug)]
pub(super) struct SeededRandom {
    /// Event, webhook, digest: whatever names the run, but for the settings.
    run: Vec<u8>,
    settings: Arc<str>,
    seed: Option<[u8; 32]>,
    block: u64,
    left: Vec<u8>,
}

impl SeededRandom {
    pub(super) const fn new(run: Vec<u8>, settings: Arc<str>) -> Self {
        Self { run, settings, seed: None, block: 0, left: Vec::new() }
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.byte();
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.left.pop() {
            return byte;
        }
        let (run, settings) = (&self.run, &self.settings);
        let seed = *self.seed.get_or_insert_with(|| {
            let length = u64::try_from(run.len()).unwrap_or(u64::MAX);
            Sha256::new()
                .chain_update(length.to_be_bytes())
                .chain_update(run)
                .chain_update(settings.as_bytes())
                .finalize()
                .into()
        });
        self.left = Sha256::new().chain_update(seed).chain_update(self.block.to_be_bytes()).finalize().to_vec();
        self.block += 1;
        self.left.pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_run_draws_the_same_and_another_draws_otherwise() {
        let drawn = |run: &[u8], settings: &str| {
            let mut random = SeededRandom::new(run.to_vec(), Arc::from(settings));
            (0..100).map(|_| random.next()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(b"a", "{}"), drawn(b"a", "{}"));
        assert_ne!(drawn(b"a", "{}"), drawn(b"b", "{}"));
        assert_ne!(drawn(b"ab", "c"), drawn(b"a", "bc"));
        let unique: std::collections::HashSet<u64> = drawn(b"a", "{}").into_iter().collect();
        assert_eq!(unique.len(), 100);
    }
}
