//! How a server is asked to stop: SIGTERM by its supervisor, SIGINT by a person.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for the next wish to stop, and says which it was. Asked again, it waits for another.
pub async fn asked_to_stop() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be heard")?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
