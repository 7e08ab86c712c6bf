//! The whole product, as its users have it: the built binary with its real database and its real plugins, posting over real sockets
//! to receivers in this process. What each test proves is a promise of the product; how it is kept is tested elsewhere.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

#[path = "../postgres/mod.rs"]
mod cluster;
#[allow(dead_code, reason = "each user of the checkers needs a part of them")]
#[path = "../destinations/checker.rs"]
mod destinations;
#[path = "../process/mod.rs"]
mod process;

mod edits;
mod explain;
mod full_disk;
mod limits;
mod logged;
mod nodes;
mod outage;
mod postgres;
#[path = "../load/proxy.rs"]
mod proxy;
mod recovery;
mod slack;
mod unsuitable;
mod vanished;
