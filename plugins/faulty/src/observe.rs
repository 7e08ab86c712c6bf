//! Everything of the world that a guest might see. In the sandbox all of it is a function of the call's inputs.

#![expect(clippy::disallowed_methods, reason = "the clock, the environment and chance are what is looked at")]

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt::Write as _,
    hash::BuildHasher as _,
    hint::black_box,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use waxwing_guest::Event;

/// A text that two runs on the same inputs must agree on to the byte.
pub(crate) fn everything(event: &Event) -> String {
    let mut text = String::new();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_nanos());
    let started = Instant::now();
    let steps: Vec<_> = (0..3).map(|_| started.elapsed().as_nanos()).collect();
    let seeded = RandomState::new().hash_one("seed");
    let map: HashMap<_, _> = (0..16).map(|number| (number, ())).collect();
    let order: Vec<_> = map.keys().collect();
    let environment: Vec<_> = std::env::vars_os().collect();
    let arguments: Vec<_> = std::env::args_os().collect();

    let _ = writeln!(text, "event {} at {}", event.id, event.occurred_at);
    let _ = writeln!(text, "clock {since_epoch:?}, steps {steps:?}");
    let _ = writeln!(text, "random {seeded:016x}, order {order:?}");
    let _ = writeln!(text, "environment {environment:?}, arguments {arguments:?}");
    text
}

pub(crate) fn clock(reads: u64) {
    (0..reads).for_each(|_| {
        black_box(Instant::now());
    });
}

pub(crate) fn snoop() {
    assert!(std::fs::read("/etc/passwd").is_err(), "could read a file");
    assert!(std::fs::read_dir("/").is_err(), "could read a folder");
    assert!(std::env::vars_os().next().is_none(), "there is an environment");
}
