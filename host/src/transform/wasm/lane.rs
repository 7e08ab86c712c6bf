//! Where slow plugins run: begun where they are called, moved to a thread of their own once they have had their share.
//!
//! Most calls are over in less than it takes to wake another thread. One that isn't must not hold a thread on which deliveries
//! wait: it goes on in the lane, a single thread of low priority, which shares itself among all slow runs by their fuel.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use tokio::runtime::{Builder, Handle, Runtime};

use super::WasmError;

/// The runtime behind the lane; gone with the last clone of the engine.
#[derive(Debug)]
pub(super) struct Lane {
    runtime: Option<Runtime>,
    handle: Handle,
}

/// The lane's thread ended the run: the server is going down.
#[derive(Debug, thiserror::Error)]
#[error("the plugins' thread is gone")]
pub(super) struct Gone;

impl Lane {
    pub(super) fn new() -> Result<Self, WasmError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("waxwing-plugins")
            .on_thread_start(lower_priority)
            .build()
            .map_err(WasmError::Thread)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs `call` here until it first waits, then in the lane.
    pub(super) async fn run<T, F>(&self, call: F) -> Result<T, Gone>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut call: Pin<Box<F>> = Box::pin(call);
        let begun = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        match begun {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => Moved(self.handle.spawn(call)).await,
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which is not allowed where futures run.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A run in the lane. Whoever stops waiting for it ends it.
struct Moved<T>(tokio::task::JoinHandle<T>);

impl<T> Future for Moved<T> {
    type Output = Result<T, Gone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| Gone)
    }
}

impl<T> Drop for Moved<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Deliveries come before slow plugins. On Linux this is of the calling thread alone.
fn lower_priority() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::warn!(%error, "the plugins' thread keeps its priority");
    }
}
