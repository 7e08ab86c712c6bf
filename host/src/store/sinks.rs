//! Sinks, and what came to them. Writes are cold ones, in turn with settings: whoever takes what comes bounds how many there are.

use async_trait::async_trait;

use super::Result;
use crate::model::ids::{ReceivedId, SinkId};
use crate::model::name::Tenant;
use crate::model::page::{Page, PageRequest};
use crate::model::sink::{Received, Sink};
use crate::model::time::Timestamp;

#[async_trait]
pub trait Sinks {
    /// `Ok(false)` and nothing written: its tenant has `max` already.
    async fn add_sink(&self, sink: &Sink, max: u32) -> Result<bool>;

    /// Its name and answer. `Ok(false)`: it is gone.
    async fn change_sink(&self, sink: &Sink) -> Result<bool>;

    /// Of one tenant or of all, newest first.
    async fn sinks(&self, tenant: Option<&Tenant>, page: PageRequest) -> Result<Page<Sink>>;

    async fn sink(&self, tenant: Option<&Tenant>, id: SinkId) -> Result<Option<Sink>>;

    /// By the SHA-256 of its token.
    async fn sink_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Sink>>;

    /// With all that came to it. `Ok(false)`: there was none.
    async fn delete_sink(&self, id: SinkId) -> Result<bool>;

    /// Of the sink's requests the newest `max` stay. Nothing is kept for a sink that is gone.
    async fn keep_received(&self, received: &Received, max: u32) -> Result<()>;

    /// What came at `since` or later, newest first.
    async fn received(&self, sink: SinkId, since: Timestamp, page: PageRequest) -> Result<Page<Received>>;

    async fn one_received(&self, sink: SinkId, id: ReceivedId) -> Result<Option<Received>>;

    async fn clear_received(&self, sink: SinkId) -> Result<u64>;

    /// Forgets what came before, to any sink, at most so many; how many that were.
    async fn forget_received(&self, before: Timestamp, max_rows: u32) -> Result<u64>;
}
