//! How much is under way at once, and what a webhook or event gets that doesn't say.

use super::{ConfigError, Layers};
use crate::model::tenant::Defaults;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryConfig {
    /// The most requests under way at once.
    pub in_flight: usize,
    /// The most requests under way to one webhook.
    pub per_webhook: usize,
    /// The most deliveries in memory; the rest waits in the database.
    pub in_memory: usize,
    /// The server's, where the settings in the database say nothing.
    pub defaults: Defaults,
}

impl DeliveryConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let format = layers.parse("delivery.format")?;
        let environment = layers.parse("delivery.environment")?;
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let in_flight = size(layers.number("delivery.in-flight", 512, 1..=65_536)?);
        let per_webhook = size(layers.number("delivery.per-webhook", 16, 1..=1024)?);
        let in_memory = size(layers.number("delivery.in-memory", 50_000, 100..=10_000_000)?);
        if per_webhook > in_flight {
            return Err(
                layers.invalid("delivery.per-webhook", format!("is more than all that may be under way ({in_flight})"))
            );
        }
        Ok(Self { in_flight, per_webhook, in_memory, defaults: Defaults { format, environment, retry: None } })
    }
}
