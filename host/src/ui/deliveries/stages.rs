//! What each plugin of the chain did: its verdict, cost and log.

use std::time::Duration;

use crate::model::attempt::{LogLevel, StageResult, StageRun};
use crate::ui::show::Badge;
use crate::ui::units::{count, duration, size};

pub(in crate::ui) struct Stage {
    /// `name@version`.
    pub(in crate::ui) plugin: String,
    pub(in crate::ui) digest: String,
    pub(in crate::ui) badge: Badge,
    /// What it says beside its verdict.
    pub(in crate::ui) detail: String,
    pub(in crate::ui) took: String,
    pub(in crate::ui) fuel: Used,
    pub(in crate::ui) memory: Used,
    pub(in crate::ui) log: Vec<(&'static str, String)>,
    pub(in crate::ui) log_dropped: u32,
}

/// So much of a limit.
pub(in crate::ui) struct Used {
    pub(in crate::ui) used: u64,
    pub(in crate::ui) limit: u64,
    pub(in crate::ui) text: String,
}

impl Used {
    fn new(used: u64, limit: u64, shown: fn(u64) -> String) -> Self {
        Self { used: used.min(limit), limit, text: format!("{} of {}", shown(used), shown(limit)) }
    }
}

impl Stage {
    pub(in crate::ui) fn new(run: &StageRun) -> Self {
        let (badge, detail) = match &run.result {
            StageResult::Pass => (Badge::good("Pass"), "What it was given goes on as it is.".to_owned()),
            StageResult::Replace { bytes } => (Badge::info("Replace"), format!("New data: {}.", size(*bytes))),
            StageResult::Send { bytes } => (Badge::info("Send"), format!("A request of its own: {}.", size(*bytes))),
            StageResult::Drop { reason } => (Badge::idle("Drop"), reason.clone()),
            StageResult::Fault { fault, skipped: true } => (Badge::warn("Skipped"), fault.to_string()),
            StageResult::Fault { fault, skipped: false } => (Badge::bad("Fault"), fault.to_string()),
        };
        let line = |level| match level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        Self {
            plugin: run.plugin.clone(),
            digest: run.digest.to_string(),
            badge,
            detail,
            took: duration(Duration::from_micros(run.cost.micros)),
            fuel: Used::new(run.cost.fuel, run.cost.fuel_limit, count),
            memory: Used::new(run.cost.memory, run.cost.memory_limit, size),
            log: run.log.iter().map(|logged| (line(logged.level), logged.message.clone())).collect(),
            log_dropped: run.log_dropped,
        }
    }

    /// Whether what goes on is another thing than what came.
    pub(in crate::ui) fn changes(run: &StageRun) -> bool {
        matches!(run.result, StageResult::Replace { .. } | StageResult::Send { .. })
    }
}
