//! What an event costs, in instructions, from ingest to the recorded attempt: a gate that a busy machine doesn't move.
//!
//! This program runs itself under callgrind with some events and with twice as many: the difference is the events' own, the start
//! cancels out. One thread, a scripted receiver, a database on disk, a clock that stands still: two runs differ by 2 % at most, on a busy machine
//! too. What it counts is the build that the tests use anyway (`dev`), so its number tells of changes, not of a release's speed: that is
//! `waxwing bench`. No plugin runs here: what a guest executes is counted as fuel.
//!
//! It is a program of its own, not a test among others, because it is measured whole.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

#[allow(dead_code, unused_imports, reason = "shared with the stories; this needs its part")]
#[path = "../world/mod.rs"]
mod world;

mod counted;
mod events;

use std::io::Write;
use std::process::ExitCode;

use serde::Deserialize;

const ON: world::On = world::On::Sqlite;
/// The number that is held to, and how to renew it.
const BASELINE: &str = include_str!("baseline.toml");
/// Events of the shorter run; the longer one has twice as many.
const EVENTS: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Baseline {
    instructions_per_event: u64,
    /// A share of it, either way: a gain that nobody writes down hides the next loss.
    tolerance: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, count] = arguments.as_slice()
        && flag == "--events"
    {
        events::run(count.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    match an_event_costs_what_it_did() {
        Ok(told) => {
            say(&format!("test an_event_costs_what_it_did ... {told}"));
            ExitCode::SUCCESS
        }
        Err(told) => {
            say(&format!("test an_event_costs_what_it_did ... FAILED\n{told}"));
            ExitCode::FAILURE
        }
    }
}

fn an_event_costs_what_it_did() -> Result<String, String> {
    let baseline: Baseline = toml::from_str(BASELINE).unwrap();
    if let Err(missing) = counted::ready() {
        return if counted::required() { Err(missing) } else { Ok(format!("LEFT OUT: {missing}")) };
    }
    let (few, many) = (counted::instructions(EVENTS)?, counted::instructions(2 * EVENTS)?);
    let each = many.saturating_sub(few) / EVENTS as u64;
    let share = each as f64 / baseline.instructions_per_event as f64 - 1.0;
    let told = format!(
        "{each} instructions an event, {:+.1} % beside the baseline of {} (± {:.0} %)",
        share * 100.0,
        baseline.instructions_per_event,
        baseline.tolerance * 100.0
    );
    if share.abs() <= baseline.tolerance {
        Ok(format!("ok: {told}"))
    } else {
        Err(format!("{told}\nIf that is meant, tests/cost/baseline.toml says how to renew it."))
    }
}

fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}
