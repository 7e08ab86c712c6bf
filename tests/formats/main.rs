//! Every format, judged by somebody else: what a sink received over the wire is checked by verifiers that were written from
//! the published rules and share no code with `host/src/format`, and our bytes are compared with vectors made without it.
//!
//! Each verifier accepts the request and rejects one flipped byte of its body, another secret, and another delivery's
//! signature. A tool that the machine lacks is an error where `WAXWING_TESTS_REQUIRE=1`, and is said loudly elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]

mod tools;
mod vectors;
mod verified;
mod wire;
