//! What the background's owner holds, to stop it gently.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::worker::Worker;

/// A worker that runs in the background.
pub struct Running {
    pub(super) worker: Arc<Worker>,
    pub(super) stop: CancellationToken,
}

impl Running {
    /// Starts nothing more, waits for what is under way, and puts the rest back. Returns how many attempts were still under
    /// way after `within`: those are made again after the next start.
    pub async fn drain(self, within: Duration) -> usize {
        self.stop.cancel();
        self.worker.drain(within).await
    }
}
