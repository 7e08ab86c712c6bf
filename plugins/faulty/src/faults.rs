//! The list of faults, and those that happen on the way to an answer. Next: `answers.rs`, for those that are the answer.

use std::{hint::black_box, io::Read as _};

use schemars::JsonSchema;
use serde::Deserialize;
use waxwing_guest::log;

/// Everything that can go wrong. The name of the limit that meets it stands in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// None: the ordinary answer.
    Nothing,
    /// The `unreachable` instruction.
    Trap,
    /// A panic whose text has control characters.
    Panic,
    /// `process::abort`.
    Abort,
    /// `process::exit(0)`, so that the call never answers.
    Exit,
    /// An endless loop (fuel).
    Spin,
    /// An hour's sleep, which must not take an hour (fuel, or the frozen clock).
    Sleep,
    /// Fills memory again and again with bulk instructions (fuel).
    BulkMemory,
    /// Recursion without end whose levels keep data: they lie on the guest's own stack, in its memory (trap).
    Recurse,
    /// Recursion of `amount` levels, without end by default, whose levels keep nothing in memory (wasm stack).
    RecurseDeep,
    /// Reserves `amount` MiB, 4,096 by default, and touches none of it, which would cost fuel (memory).
    EatMemory,
    /// Writes `amount` log lines, 1,000,000 by default (fuel, log lines).
    LogFlood,
    /// Writes one log line of `amount` bytes, 8 MiB by default (line length).
    LogLongLine,
    /// Writes log lines with control characters and what looks like another line.
    LogControl,
    /// Writes `amount` lines to standard output, 1,000,000 by default (fuel, log lines).
    StdoutFlood,
    /// Reads the clock `amount` times, 10,000,000 by default (fuel).
    ReadClock,
    /// Reads standard input to its end, which must come at once.
    ReadStdin,
    /// Opens files and reads the environment; panics if there is anything.
    Snoop,
    /// Sends what a plugin can see of time, randomness, environment and hash order: must be the same in every run.
    Observe,

    /// Answers with a failure.
    Fail,
    /// Answers with a failure whose text has `amount` bytes, 8 MiB by default (text length).
    FailLong,
    /// Answers with `amount` issues, 1,000,000 by default (counts).
    ManyIssues,
    /// A body of `amount` bytes, 8 MiB by default (output size).
    HugeBody,
    /// New data of `amount` bytes, 8 MiB by default (output size).
    HugeReplace,
    /// New data that isn't JSON.
    ReplaceNotJson,
    /// A reason of `amount` bytes, 8 MiB by default (text length).
    HugeReason,
    /// A reason with line ends and escapes.
    ReasonControl,
    /// `amount` headers, 1,000,000 by default (counts).
    ManyHeaders,
    /// `amount` query parameters, 1,000,000 by default (counts).
    ManyQueries,
    /// `amount` attributes, 1,000,000 by default (counts).
    ManyAttributes,
    /// A header value of `amount` bytes, 64 KiB by default (header length).
    LongHeader,
    /// A header value with CR and LF and a header of its own.
    HeaderCrlf,
    /// A header name with CR and LF.
    HeaderNameCrlf,
    /// A header value with a NUL.
    HeaderNul,
    /// A header name in upper case.
    BadHeaderName,
    /// The same header twice.
    DuplicateHeader,
    /// `host`.
    ReservedHeader,
    /// `webhook-signature`, which a format writes.
    SignatureHeader,
    /// A content type with CR and LF.
    ContentTypeCrlf,
    /// A path that is a URL on another host.
    PathElsewhere,
    /// A path with CR and LF.
    PathCrlf,
    /// An origin that nobody allowed.
    OriginElsewhere,
    /// A placeholder that isn't this plugin's.
    ForeignPlaceholder,
    /// Text that isn't UTF-8.
    BadUtf8,
}

impl Fault {
    /// What happens before there is an answer. Many of these never return.
    pub(crate) fn happen(self, amount: Option<u64>) {
        match self {
            Fault::Trap => trap(),
            Fault::Panic => panic!("asked to panic: \u{1b}[31mred\u{1b}[0m\r\nand more"),
            Fault::Abort => std::process::abort(),
            Fault::Exit => std::process::exit(0),
            Fault::Spin => spin(),
            Fault::Sleep => sleep(),
            Fault::BulkMemory => fill_memory(),
            Fault::Recurse => drop(black_box(recurse(1))),
            Fault::RecurseDeep => drop(black_box(recurse_deep(amount.unwrap_or(u64::MAX)))),
            Fault::EatMemory => eat_memory(amount.unwrap_or(4096)),
            Fault::LogFlood => (0..amount.unwrap_or(1_000_000)).for_each(|line| log::info(format!("line {line}"))),
            Fault::LogLongLine => log::warn("x".repeat(size(amount.unwrap_or(8 << 20)))),
            Fault::LogControl => {
                log::error("\u{1b}]0;title\u{7}one\r\n2026-01-01 ERROR forged\u{0}\u{2028}\u{202e}end")
            }
            Fault::StdoutFlood => stdout_flood(amount.unwrap_or(1_000_000)),
            Fault::ReadClock => crate::observe::clock(amount.unwrap_or(10_000_000)),
            Fault::ReadStdin => read_stdin(),
            Fault::Snoop => crate::observe::snoop(),
            // The others are answers.
            _ => {}
        }
    }
}

/// A length that a guest can hold; on wasm `usize` has 32 bits.
pub(crate) fn size(amount: u64) -> usize {
    usize::try_from(amount).unwrap_or(usize::MAX)
}

#[cfg(target_family = "wasm")]
fn trap() {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_family = "wasm"))]
fn trap() {
    std::process::abort()
}

fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[expect(clippy::disallowed_methods, reason = "to sleep is the fault")]
fn sleep() {
    std::thread::sleep(std::time::Duration::from_secs(3600));
}

fn fill_memory() {
    let mut block = vec![0_u8; 16 << 20];
    loop {
        block.fill(black_box(7));
        black_box(&mut block);
    }
}

/// Uses the stack of every level after the call below it, so that it can't become a loop.
#[expect(unconditional_recursion, reason = "to have no end is the fault")]
fn recurse(level: u64) -> u64 {
    let frame = black_box([level; 256]);
    let below = recurse(level + 1);
    frame.iter().fold(below, |sum, value| sum.wrapping_add(*value))
}

/// What a level needs fits into registers and the engine's own stack; what it does after the call can't be done before it.
fn recurse_deep(levels: u64) -> u64 {
    if levels == 0 { 1 } else { recurse_deep(levels - 1).rotate_left(5) ^ levels }
}

fn eat_memory(mebibytes: u64) {
    let mut eaten = Vec::new();
    for _ in 0..mebibytes {
        eaten.push(Vec::<u8>::with_capacity(1 << 20));
        black_box(&eaten);
    }
}

#[expect(clippy::print_stdout, reason = "to print is the fault")]
fn stdout_flood(lines: u64) {
    (0..lines).for_each(|line| println!("stdout {line}"));
}

fn read_stdin() {
    let mut read = Vec::new();
    let result = std::io::stdin().lock().read_to_end(&mut read);
    assert!(read.is_empty(), "standard input has {} bytes ({result:?})", read.len());
}
