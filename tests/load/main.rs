//! What a running server promises under load and when it is killed: the built binary, real sockets, real SIGKILL.
//!
//! By default each scenario runs small, so that a plain `cargo test` stays quick. `WAXWING_LOAD=full` runs them at the size that the
//! promises name, and `WAXWING_BINARY` points them at another build (the release one).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "this is a test")]

mod back_pressure;
#[path = "../postgres/mod.rs"]
mod cluster;
mod durability;
mod generator;
mod kills;
mod lists;
mod log;
mod neighbours;
mod nodes;
mod proxy;
mod server;
mod sink;
mod slow_receivers;

/// Whether the scenarios run at full size.
#[allow(clippy::disallowed_methods, reason = "the size of a test run is asked for in the environment")]
fn full() -> bool {
    std::env::var("WAXWING_LOAD").is_ok_and(|size| size == "full")
}

/// One scenario at a time: what they measure is the machine's.
async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}
