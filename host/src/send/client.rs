//! One exchange: over a kept connection where there is one, within its time, with nothing of the reply left unbounded.
//!
//! A kept connection that turns out to be closed before anything was written is replaced by another, silently. Once a byte
//! may have gone out, nothing is sent again here: whether to try again is the retry policy's to say.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http_body::{Frame, SizeHint};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::{Position, Url};

use super::connection::Opened;
use super::connector::Connector;
use super::egress::{EgressOptions, Policy};
use super::phases::{CURRENT, Phases};
use super::resolver::{Resolve, SystemResolver};
use super::{Exchange, Reply, Sender, reply};
use crate::model::attempt::{SendError, SendErrorKind};
use crate::model::request::{Body, Method, Request};

/// A reply's head, all its lines together, and a bound on what is buffered of it.
const HEAD_MAX: u32 = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// How far an HTTP/2 receiver may run ahead of our reading.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Characters of an error's text that are kept.
const DETAIL_MAX: usize = 300;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Waxwing/", env!("CARGO_PKG_VERSION")));

/// Sends over HTTP/1.1 and HTTP/2. Clones share their connections.
#[derive(Clone)]
pub struct HttpSender {
    client: Client<Connector, Parts>,
    policy: Policy,
}

/// Why the options can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadEgress {
    #[error("a root certificate can't be used")]
    Root(#[source] rustls::Error),
    #[error("the proxy must be http://[user:password@]host[:port]")]
    Proxy,
}

impl HttpSender {
    pub fn new(options: &EgressOptions) -> Result<Self, BadEgress> {
        Self::with_resolver(options, Arc::new(SystemResolver::new(options.lookups)))
    }

    pub fn with_resolver(options: &EgressOptions, resolver: Arc<dyn Resolve>) -> Result<Self, BadEgress> {
        let connector = Connector::new(options, resolver)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.idle_per_host)
            .retry_canceled_requests(true)
            .http1_max_buf_size(usize::try_from(HEAD_MAX).unwrap_or(usize::MAX))
            .http1_max_headers(HEADERS_MAX)
            .http2_max_header_list_size(HEAD_MAX)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build(connector);
        Ok(Self { client, policy: Policy::new(options) })
    }

    async fn exchange(&self, request: Request, phases: &Arc<Phases>) -> (Result<Reply, SendError>, bool) {
        let request = match self.written(request, phases) {
            Ok(request) => request,
            Err(error) => return (Err(error), true),
        };
        match self.client.request(request).await {
            Err(error) => (Err(reason(&error)), true),
            Ok(response) => {
                phases.reply_began();
                let opened = response.extensions().get::<Opened>();
                let connected = opened.is_some_and(|opened| Arc::ptr_eq(&opened.0, phases));
                (reply::read(response).await.map_err(|error| broken(&error)), connected)
            }
        }
    }

    fn written(&self, request: Request, phases: &Arc<Phases>) -> Result<http::Request<Parts>, SendError> {
        self.policy.check_url(&request.url).map_err(|refusal| failure(SendErrorKind::Refused, &refusal.to_string()))?;
        let unwritable = |what: &str| failure(SendErrorKind::Broken, &format!("{what} can't be written to the wire"));
        let body = Parts { left: request.body, next: 0, phases: Arc::clone(phases) };
        let mut wire = http::Request::new(body);
        *wire.method_mut() = match request.method {
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
        };
        *wire.uri_mut() = without_fragment(&request.url).parse().map_err(|_| unwritable("the URL"))?;
        wire.headers_mut().reserve(request.headers.len() + 2);
        for header in &request.headers {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| unwritable("a header's name"))?;
            let value = HeaderValue::from_str(&header.value).map_err(|_| unwritable(&header.name))?;
            wire.headers_mut().append(name, value);
        }
        wire.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        Ok(wire)
    }
}

#[async_trait]
impl Sender for HttpSender {
    async fn send(&self, request: Request, timeout: Duration) -> Exchange {
        let phases = Arc::new(Phases::start());
        let exchange = CURRENT.scope(Arc::clone(&phases), self.exchange(request, &phases));
        let (result, connected) = tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| {
            let detail = format!("{} s passed, waiting for {}", timeout.as_secs_f64(), phases.waiting_for());
            (Err(failure(SendErrorKind::Timeout, &detail)), true)
        });
        Exchange { result, timings: phases.timings(connected) }
    }
}

fn without_fragment(url: &Url) -> &str {
    &url[..Position::AfterQuery]
}

/// What an error says to those who read the log: hosts and addresses, never a path.
fn reason(error: &Error) -> SendError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref::<SendError>() {
            return failure(known.kind, &known.detail);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return broken(error);
        }
        cause = error.source();
    }
    failure(SendErrorKind::Broken, "the exchange ended without a reply")
}

fn broken(error: &hyper::Error) -> SendError {
    failure(SendErrorKind::Broken, &error.to_string())
}

fn failure(kind: SendErrorKind, detail: &str) -> SendError {
    SendError { kind, detail: detail.chars().take(DETAIL_MAX).collect() }
}

/// A body as it is: its parts go to the socket one after the other, uncopied.
struct Parts {
    left: Body,
    next: usize,
    phases: Arc<Phases>,
}

impl Parts {
    fn rest(&self) -> impl Iterator<Item = &Bytes> {
        self.left.0.iter().skip(self.next)
    }
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let parts = self.left.0.iter().enumerate().skip(self.next);
        let part = parts.filter(|(_, part)| !part.is_empty()).map(|(at, part)| (at, part.clone())).next();
        let Some((at, part)) = part else { return Poll::Ready(None) };
        self.next = at + 1;
        if self.is_end_stream() {
            self.phases.body_written();
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest().map(|part| part.len() as u64).sum())
    }
}
