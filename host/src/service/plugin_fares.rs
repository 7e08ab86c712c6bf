//! How a plugin fares, and what it may use.

use crate::model::delivery::{Delivery, DeliveryStatus};

use super::Services;
use super::caller::Caller;
use super::error::Result;

/// Over how many of the newest deliveries.
const LOOKED_AT: u32 = 200;

/// Of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginLimits {
    /// Instructions, whatever the data.
    pub fuel: u64,
    /// Instructions more for each byte of data.
    pub fuel_per_byte: u64,
    /// Bytes.
    pub memory: u64,
    /// Bytes of a body, and of replaced data.
    pub output: u64,
    pub log_lines: u64,
}

/// Of the newest deliveries of webhooks that use it.
#[derive(Clone, Debug)]
pub struct PluginFares {
    pub deliveries: u64,
    /// How many of them failed by a fault of it.
    pub faults: u64,
    /// The newest of these.
    pub last: Option<Delivery>,
}

impl Services {
    pub fn plugin_limits(&self, caller: &Caller) -> Result<PluginLimits> {
        caller.must_read()?;
        Ok(self.rules.plugin_limits)
    }

    pub async fn plugin_fares(&self, caller: &Caller, name: &str) -> Result<PluginFares> {
        self.plugin_versions(caller, name)?;
        let tried = |delivery: &Delivery| delivery.attempts > 0 && delivery.ended_at.is_some();
        let deliveries = self.users_of(caller, (name, LOOKED_AT), tried).await?;
        let begins = format!("plugin {name}@");
        let is_its = |delivery: &&Delivery| {
            let reason = delivery.reason.as_deref().unwrap_or_default();
            delivery.status == DeliveryStatus::Failed && reason.starts_with(&begins)
        };
        let faults = deliveries.iter().filter(is_its).count();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(PluginFares {
            deliveries: count(deliveries.len()),
            faults: count(faults),
            last: deliveries.iter().find(is_its).cloned(),
        })
    }
}
