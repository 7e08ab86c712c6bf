//! What leaves the server and what may not: the address policy, met over real sockets, and the bounds of an exchange.
//!
//! Receivers here are plain sockets that play a script, so that each byte of a broken answer is where the test wants it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]

mod exchange;
mod own_sinks;
mod policy;
mod proxy;
mod receiver;
mod tls;
