//! The native REST API over the wire: every call of the table in `docs/api.md`, and what it says to those who get it wrong.
//!
//! Each test starts a whole server (its own folder and port) and talks to it by HTTP. Deliveries go to a receiver in the test;
//! nothing is sent before a test steps the server (`world.deliver()`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod access;
mod accounts;
mod admission;
mod advice;
mod concurrency;
mod deliveries;
mod document;
mod events;
mod overview;
mod plugins;
mod refusals;
mod replays;
mod sinks;
mod webhooks;
mod world;
