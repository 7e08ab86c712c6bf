//! The command line as it is typed: the built binary, real processes, real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

#[path = "../postgres/mod.rs"]
mod cluster;
#[path = "../process/mod.rs"]
mod process;

mod bench;
mod commands;
mod copy;
mod docs;
mod json;
mod listening;
mod plugins;
mod readme;
mod replays;
mod signatures;
mod stopping;
mod way_out;
