//! The stories of `main.rs`, with PostgreSQL as the database.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

#[path = "../world/mod.rs"]
mod world;

mod clocks;
mod crashes;
mod edits;
mod fairness;
mod health;
mod nodes;
mod pausing;
mod plugins;
mod retention;
mod retries;
mod stopping;

const ON: world::On = world::On::Postgres;
