//! Waxwing: a webhook delivery server that is also a WebAssembly plugin host.
//!
//! The path of an event:
//!
//! ```text
//! POST /api/events   ingest          validate, idempotency
//!                    route           which webhooks (pure, from an index in memory that follows changes)
//!                    store.append    event + its queue rows, one transaction shared by all requests that wait: 202 means durable
//! in memory ------>  dispatcher      queues per webhook with caps, a ring of ready ones: one slow receiver holds nobody up
//!                    pipeline        transform (once a delivery) -> format + sign -> send -> outcome
//!                    retry.decide    delivered | failed | dropped | again(at)   (pure)
//!                    store.complete  attempt row + queue change, in the next group commit
//! later ---------->  worker          claims what is due back into the dispatcher
//! ```
//!
//! `ARCHITECTURE.md` is the map; `tests/architecture.rs` holds who may know whom.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod format;
pub mod handoff;
pub mod ingest;
pub mod model;
pub mod retry;
pub mod route;
pub mod send;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod transform;
pub mod ui;
pub mod vault;
