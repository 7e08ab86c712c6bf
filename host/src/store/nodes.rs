//! Several processes on one database, each with a number and a lease; with SQLite there is one.
//!
//! A lease only says whose work may be taken over. Whether a completion counts is decided by the row's fence and node.

use async_trait::async_trait;

use super::{Reach, Result};
use crate::model::time::Timestamp;

#[async_trait]
pub trait Nodes {
    /// Where it is noted whether the database answers.
    fn reach(&self) -> &Reach;

    /// Whether others may be at work on the same database.
    fn is_shared(&self) -> bool;

    /// Grows with whatever changes what is kept, but for what expires. `None`: others change it, too, and nobody counts.
    fn changes(&self) -> Option<u64>;

    /// 0–1023, nobody else's while the lease holds: for identifiers. Another one after [`Pulse::rejoined`].
    fn number(&self) -> u16;

    /// Renews this node's lease and buries nodes whose lease ran out. Writes something: what can't be written to isn't there.
    async fn pulse(&self, now: Timestamp) -> Result<Pulse>;

    /// Waits until another node has something to say: within a second, also where a notification was lost. For one caller at a time.
    async fn news(&self) -> News;

    /// Frees what is still in this node's hands (scheduled at once) and signs off: nothing is accepted or claimed after it.
    async fn leave(&self, now: Timestamp) -> Result<()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// This node was taken for dead: whatever it had in hand is in other hands now.
    pub rejoined: bool,
    /// Deliveries of dead nodes that are due again.
    pub freed: u64,
    /// Nodes that deliver, this one included.
    pub delivering: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something was put into the queue for whoever is free.
    Work,
    /// Webhooks, plugins, accounts, the catalogue or defaults changed.
    Configuration,
}
