//! Takes connections and has what comes over them answered, HTTP/1.1 and HTTP/2, until it is told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
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
    let answer = move |request: Request, peer| {
        let face = Arc::clone(&face);
        async move { face.answer(request, peer).await }
    };
    serve_by(answer, listener, HEAD_WITHIN, stop).await;
}

async fn serve_by<F, A>(answer: F, listener: TcpListener, head_within: Duration, stop: CancellationToken)
where
    F: Fn(Request, SocketAddr) -> A + Clone + Send + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let (builder, connections) = (builder(head_within), GracefulShutdown::new());
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        send_at_once(&stream);
        let (answer, asked) = (answer.clone(), Arc::new(AtomicBool::new(false)));
        let has_asked = Arc::clone(&asked);
        let answering = service_fn(move |request: http::Request<Incoming>| {
            has_asked.store(true, Relaxed);
            let answered = answer(request.map(Body::new), peer);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answering).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection ended badly");
                },
                () = nothing_asked(&asked, head_within) => tracing::debug!(%peer, "a connection that asked nothing is closed"),
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// Ends when nothing was asked in time. Until it is known which version of HTTP is spoken, nobody else looks at the time.
async fn nothing_asked(asked: &AtomicBool, within: Duration) {
    tokio::time::sleep(within).await;
    if asked.load(Relaxed) {
        std::future::pending().await
    }
}

fn builder(head_within: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(READ_AHEAD as usize);
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(head_within);
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    use super::*;

    const BRIEF: Duration = Duration::from_millis(200);
    /// For a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn connected(stop: &CancellationToken, head_within: Duration) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = |_, _| async { Response::new(Body::from("here")) };
        tokio::spawn(serve_by(answer, listener, head_within, stop.clone()));
        TcpStream::connect(address).await.unwrap()
    }

    /// All that comes until the server closes the connection, and closes it well.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        read.expect("it is closed").expect("it isn't reset");
        String::from_utf8(rest).unwrap()
    }

    async fn ask(stream: &mut TcpStream) {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let (mut read, mut buffer) = (Vec::new(), [0; 1024]);
        while !read.ends_with(b"here") {
            let some = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(some > 0, "it is closed before it answered");
            read.extend_from_slice(&buffer[..some]);
        }
    }

    #[tokio::test]
    async fn who_sends_a_head_too_slowly_is_not_waited_for() {
        let (stop, begun) = (CancellationToken::new(), Instant::now());
        let mut stream = connected(&stop, BRIEF).await;
        let (mut reading, mut writing) = stream.split();
        let slowly = async {
            // A byte now and then, for as long as anybody listens: each is not a head.
            let mut ticks = tokio::time::interval(BRIEF / 10);
            while writing.write_all(b"x").await.is_ok() {
                ticks.tick().await;
            }
        };
        let mut said = Vec::new();
        let ended = async {
            tokio::select! {
                () = slowly => {}
                // A reset, where a byte was on its way, is an end too.
                _ = reading.read_to_end(&mut said) => {}
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("it is closed");
        assert!(begun.elapsed() >= BRIEF, "it had its time");
        assert!(!String::from_utf8_lossy(&said).contains("here"));
    }

    #[tokio::test]
    async fn who_says_nothing_or_not_even_which_http_it_is_is_not_waited_for() {
        for said in ["", "PRI * HTTP/2.0"] {
            let stop = CancellationToken::new();
            let mut stream = connected(&stop, BRIEF).await;
            stream.write_all(said.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
            // Closed with something of it unread, it is reset.
            assert!(ended.is_ok() && rest.is_empty(), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_kept_and_silent_ends_cleanly_after_its_time() {
        let (stop, begun) = (CancellationToken::new(), Instant::now());
        let mut stream = connected(&stop, BRIEF).await;
        ask(&mut stream).await;
        ask(&mut stream).await;
        assert_eq!(rest(&mut stream).await, "");
        assert!(begun.elapsed() >= BRIEF);
    }

    #[tokio::test]
    async fn a_connection_that_is_kept_ends_at_once_when_the_server_stops() {
        let stop = CancellationToken::new();
        let mut stream = connected(&stop, HEAD_WITHIN).await;
        ask(&mut stream).await;
        stop.cancel();
        assert_eq!(rest(&mut stream).await, "");
    }
}
