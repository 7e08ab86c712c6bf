//! What happens to events, told as stories: each is one promise of the product, kept against the real database. The same stories are
//! told of PostgreSQL in `on_postgres.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

#[path = "../world/mod.rs"]
mod world;

mod clocks;
mod crashes;
mod edits;
mod fairness;
mod health;
mod pausing;
mod plugins;
mod retention;
mod retries;
mod stopping;

const ON: world::On = world::On::Sqlite;
