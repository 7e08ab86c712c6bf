//! Names to addresses. What comes out is only a proposal: the connector lets the policy see every address.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a name, best first. An empty list means the same as an error.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver, with its cache, its hosts file and its order.
pub struct SystemResolver {
    /// A lookup holds a thread until it ends, also when nobody waits for it any more.
    slots: Arc<Semaphore>,
}

impl SystemResolver {
    /// At most `slots` lookups at a time; others wait.
    pub fn new(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))) }
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let lookup = tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map(|all| all.map(|one| one.ip()).collect());
            drop(slot);
            found
        });
        lookup.await.map_err(io::Error::other)?
    }
}
