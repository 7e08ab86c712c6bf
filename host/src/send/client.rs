//! One exchange: over a kept connection where there is one, within its time, with nothing of the reply left unbounded.
//!
//! A kept connection that turns out to be closed before anything was written is replaced by another, silently. Once a byte
//! may have gone out, nothing is sent again here: whether to try again is the retry policy's to say.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Uri, Version};
use url::{Position, Url};

use super::body::Parts;
use super::connector::Connector;
use super::egress::{EgressOptions, Policy};
use super::line::Line;
use super::phases::Phases;
use super::pool::{Origin, Pool};
use super::resolver::{Resolve, SystemResolver};
use super::{Exchange, Reply, Sender, reply};
use crate::model::attempt::{SendError, SendErrorKind};
use crate::model::request::{Method, Request};

/// Characters of an error's text that are kept.
const DETAIL_MAX: usize = 300;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Waxwing/", env!("CARGO_PKG_VERSION")));

/// Sends over HTTP/1.1 and HTTP/2. Clones share their connections.
#[derive(Clone)]
pub struct HttpSender {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
    policy: Arc<Policy>,
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
        let connector = Arc::new(Connector::new(options, resolver)?);
        let pool = Pool::new(options.idle_timeout, options.idle_per_host);
        Ok(Self { connector, pool, policy: Arc::new(Policy::new(options)) })
    }

    /// `connected`: whether it made a connection of its own, or tried to.
    async fn exchange(&self, request: Request, phases: &Arc<Phases>, connected: &mut bool) -> Result<Reply, SendError> {
        let own = self.policy.own_sink(&request.url);
        let mut request = self.written(request, phases)?;
        let to = request.uri().clone();
        let origin = Origin::of(&to, own);
        loop {
            let mut line = match self.pool.take(&origin) {
                Some(kept) => kept,
                None => {
                    *connected = true;
                    let stream = self.connector.connect(&to, own, phases).await?;
                    let fresh = Line::begin(stream).await.map_err(|error| broken(&error))?;
                    self.pool.merge(&origin, fresh)
                }
            };
            address(&mut request, &to, &line);
            match line.send(request).await {
                Ok(response) => {
                    phases.reply_began();
                    let (reply, whole) = reply::read(&mut line, response).await.map_err(|error| broken(&error))?;
                    if whole {
                        self.pool.put_back(origin, line);
                    }
                    return Ok(reply);
                }
                // A kept one that was closed before anything was written: another is taken in its place.
                Err(mut unsent) => match unsent.take_message() {
                    Some(again) if !*connected => request = again,
                    _ => return Err(broken(unsent.error())),
                },
            }
        }
    }

    fn written(&self, request: Request, phases: &Arc<Phases>) -> Result<http::Request<Parts>, SendError> {
        self.policy.check_url(&request.url).map_err(|refusal| failure(SendErrorKind::Refused, &refusal.to_string()))?;
        let unwritable = |what: &str| failure(SendErrorKind::Broken, &format!("{what} can't be written to the wire"));
        let body = Parts::new(request.body, Arc::clone(phases));
        let mut wire = http::Request::new(body);
        *wire.method_mut() = match request.method {
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
        };
        *wire.uri_mut() = without_fragment(&request.url).parse().map_err(|_| unwritable("the URL"))?;
        // What is added: the agent, the host, and the length, which hyper adds.
        wire.headers_mut().reserve(request.headers.len() + 3);
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
        let mut connected = false;
        let exchange = self.exchange(request, &phases, &mut connected);
        let result = tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| {
            let detail = format!("{} s passed, waiting for {}", timeout.as_secs_f64(), phases.waiting_for());
            Err(failure(SendErrorKind::Timeout, &detail))
        });
        Exchange { result, timings: phases.timings(connected) }
    }
}

/// HTTP/1.1 writes the host into a header and only the path into the first line; HTTP/2 takes both from the whole URI.
fn address(request: &mut http::Request<Parts>, to: &Uri, line: &Line) {
    match line {
        Line::Shared(_) => {
            *request.version_mut() = Version::HTTP_2;
            *request.uri_mut() = to.clone();
            request.headers_mut().remove(HOST);
        }
        Line::Own(_) => {
            if let Some(host) = host_of(to) {
                request.headers_mut().entry(HOST).or_insert(host);
            }
            *request.uri_mut() = to.path_and_query().cloned().map(Uri::from).unwrap_or_default();
        }
    }
}

/// Host, and port where it isn't the scheme's own.
fn host_of(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?;
    let usual = if uri.scheme() == Some(&http::uri::Scheme::HTTPS) { 443 } else { 80 };
    match authority.port_u16() {
        Some(port) if port != usual => HeaderValue::from_str(authority.as_str()).ok(),
        _ => HeaderValue::from_str(authority.host()).ok(),
    }
}

fn without_fragment(url: &Url) -> &str {
    &url[..Position::AfterQuery]
}

fn broken(error: &hyper::Error) -> SendError {
    failure(SendErrorKind::Broken, &error.to_string())
}

fn failure(kind: SendErrorKind, detail: &str) -> SendError {
    SendError { kind, detail: detail.chars().take(DETAIL_MAX).collect() }
}
