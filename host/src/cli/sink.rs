//! A receiver on the loopback address: takes requests, answers what it was told to answer. For `demo`, `listen` and `bench`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Failure;

/// The most of a body that is read; we never send more than this.
const BODY_MAX: usize = 2 * 1024 * 1024;

/// A request as it came in, whole.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
}

/// What a sink does with each request: the status that it answers.
pub(super) type Handler = Arc<dyn Fn(Arrived) -> StatusCode + Send + Sync>;

/// Runs until it is dropped.
pub(super) struct Sink {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Sink {
    pub(super) async fn start(listen: SocketAddr, handler: Handler) -> Result<Self, Failure> {
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| Failure::Failed(format!("can't listen on {listen}: {error}")))?;
        let address = listener.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, handler));
        Ok(Self { address, _tasks: tasks })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, handler: Handler) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Small answers must not wait for more.
                let _ = stream.set_nodelay(true);
                let handler = Arc::clone(&handler);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&handler)));
                    let serving = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service);
                    // A client that breaks off is no concern of a sink.
                    let _ = serving.await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn answer(request: Request<Incoming>, handler: Handler) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let status = match Limited::new(body, BODY_MAX).collect().await {
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Ok(body) => handler(Arrived {
            method: parts.method.to_string(),
            target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: parts.headers,
            body: body.to_bytes(),
        }),
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    Ok(response)
}
