//! What is said of a version in short: what it is, what it may use, and how its plugin fares.

use crate::model::delivery::Delivery;
use crate::model::plugin::Plugin;
use crate::service::{PluginFares, PluginLimits};
use crate::ui::deliveries::path_of;
use crate::ui::failure::sentence;
use crate::ui::show::percent;
use crate::ui::units::count;

use super::size;

pub(super) fn of(plugin: &Plugin, limits: &PluginLimits, fares: &PluginFares) -> Vec<(&'static str, String)> {
    let manifest = &plugin.manifest;
    let types = if manifest.event_types.is_empty() { "any".to_owned() } else { manifest.event_types.join(", ") };
    let mut facts = vec![
        ("Digest", plugin.digest.to_string()),
        ("Size", size(plugin.size)),
        ("Made for", types),
        ("Hides things", if manifest.redacts { "yes: it can’t be skipped" } else { "no" }.to_owned()),
        ("Judges replies", if manifest.classifies { "yes" } else { "no" }.to_owned()),
        ("May use", allowance(limits)),
        ("Fares", fared(fares)),
    ];
    let attributes: Vec<String> = manifest.attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    if !attributes.is_empty() {
        facts.push(("Says of itself", attributes.join(", ")));
    }
    facts
}

fn allowance(limits: &PluginLimits) -> String {
    format!(
        "{} instructions and {} more for each byte of data, {} of memory, {} of output, {} lines of log a run",
        count(limits.fuel),
        count(limits.fuel_per_byte),
        size(limits.memory),
        size(limits.output),
        count(limits.log_lines)
    )
}

fn fared(fares: &PluginFares) -> String {
    let whole = u32::try_from(fares.deliveries).unwrap_or(u32::MAX);
    match (fares.deliveries, fares.faults) {
        (0, _) => "it wasn’t used yet".to_owned(),
        (all, 0) => format!("no fault in the newest {} deliveries of webhooks that use it", count(all)),
        (all, faults) => {
            let rate = percent(u32::try_from(faults).unwrap_or(u32::MAX), whole);
            format!(
                "{rate} failed by its fault: {} of the newest {} deliveries of webhooks that use it",
                count(faults),
                count(all)
            )
        }
    }
}

/// The page of a delivery that failed by a fault, and why it did.
pub(super) fn fault(delivery: &Delivery) -> (String, String) {
    (path_of(delivery), sentence(delivery.reason.as_deref().unwrap_or_default()))
}
