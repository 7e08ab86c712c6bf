//! Takes connections and has what comes over them answered, HTTP/1.1 and HTTP/2, until it is told to stop.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::api::Face;

/// How long a connection may be silent between two requests, or take for a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// What a connection may have in memory of what comes in, before somebody reads it; also the largest head.
const READ_AHEAD: u32 = 64 * 1024;
/// The rest after a connection couldn't be taken for want of descriptors or memory.
const REST: Duration = Duration::from_millis(100);

/// Ends when every connection has: each after its answer under way, once `stop` is told.
pub(super) async fn serve(listener: TcpListener, face: Arc<Face>, stop: CancellationToken) {
    let (builder, connections) = (builder(), GracefulShutdown::new());
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        send_at_once(&stream);
        let face = Arc::clone(&face);
        let answer = service_fn(move |request: http::Request<Incoming>| {
            let face = Arc::clone(&face);
            async move { Ok::<_, Infallible>(face.answer(request.map(Body::new), peer).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(READ_AHEAD as usize);
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(HEAD_WITHIN);
    http2.initial_stream_window_size(READ_AHEAD).initial_connection_window_size(4 * READ_AHEAD);
    builder
}

/// An answer is one write: it needn't wait for more.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may wait for one another");
    }
}

/// What concerns only the connection that didn't come needs no rest.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "a connection can't be taken; trying again");
        tokio::time::sleep(REST).await;
    }
}
