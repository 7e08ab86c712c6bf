//! How a connection is made: name, addresses, policy, TCP, TLS. The only place of the product that connects to a receiver.
//!
//! The policy sees the very addresses that are connected to, after the lookup: a name that changes its mind between two
//! lookups gains nothing. A connection that is kept stays with the address it was checked for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::egress::{EgressOptions, Policy};
use super::phases::{Phase, Phases};
use super::proxy::Proxy;
use super::resolver::Resolve;
use super::stream::Stream;
use super::{client::BadEgress, tls};
use crate::model::attempt::{SendError, SendErrorKind};
use crate::model::sink::Way;

pub(super) struct Connector {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    source: Option<IpAddr>,
    proxy: Option<Proxy>,
    connect_timeout: Duration,
}

impl Connector {
    pub(super) fn new(options: &EgressOptions, resolver: Arc<dyn Resolve>) -> Result<Self, BadEgress> {
        let tls = tls::config(&options.extra_roots).map_err(BadEgress::Root)?;
        Ok(Self {
            policy: Policy::new(options),
            resolver,
            tls: TlsConnector::from(tls),
            source: options.source_address,
            proxy: options.proxy.as_ref().map(Proxy::new).transpose()?,
            connect_timeout: options.connect_timeout,
        })
    }

    /// A new connection; how long each phase took is noted. `own`: to a sink of ours, and to nothing else over this connection.
    pub(super) async fn connect(&self, to: &Uri, own: Option<Way>, phases: &Phases) -> Result<Stream, SendError> {
        let secure = to.scheme() == Some(&http::uri::Scheme::HTTPS);
        let host = to.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
        if let Some(Way::Listener(address)) = own {
            let stream = phases.take(Phase::Connect, self.open(address, None)).await;
            let stream = stream.map_err(|error| failed(SendErrorKind::Connect, &address.to_string(), &error))?;
            return Ok(Stream::Plain(TokioIo::new(stream)));
        }
        let addresses = phases.take(Phase::Dns, self.addresses((host, port), own)).await?;
        let stream = phases.take(Phase::Connect, self.tcp(host, port, &addresses)).await?;
        if !secure {
            return Ok(Stream::Plain(TokioIo::new(stream)));
        }
        let stream = phases.take(Phase::Tls, self.handshake(host, stream)).await?;
        Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
    }

    /// The addresses of a host that may be connected to; at least one.
    async fn addresses(&self, (host, port): (&str, u16), own: Option<Way>) -> Result<Vec<SocketAddr>, SendError> {
        let all = match host.parse() {
            Ok(literal) => vec![literal],
            Err(_) => self.resolver.resolve(host).await.map_err(|error| failed(SendErrorKind::Dns, host, &error))?,
        };
        let check = |to| if own.is_some() { Ok(()) } else { self.policy.check(to) };
        let checked = all.iter().map(|ip| SocketAddr::new(*ip, port)).map(|to| check(to).map(|()| to));
        let (allowed, refused): (Vec<_>, Vec<_>) = checked.partition(Result::is_ok);
        if let Some(refusal) = refused.into_iter().find_map(Result::err) {
            // A proxy looks the name up itself and may take any of its addresses: then none may be refused.
            if allowed.is_empty() || self.proxy.is_some() {
                return Err(error(SendErrorKind::Refused, refusal.to_string()));
            }
        }
        if allowed.is_empty() {
            return Err(error(SendErrorKind::Dns, format!("{host} has no address")));
        }
        Ok(allowed.into_iter().flatten().collect())
    }

    async fn tcp(&self, host: &str, port: u16, addresses: &[SocketAddr]) -> Result<TcpStream, SendError> {
        let Some(proxy) = &self.proxy else { return self.first_of(host, addresses).await };
        let (proxy_host, proxy_port) = proxy.address();
        let found = match proxy_host.parse() {
            Ok(literal) => Ok(vec![literal]),
            Err(_) => self.resolver.resolve(proxy_host).await,
        };
        let found = found.map_err(|error| failed(SendErrorKind::Dns, "the proxy", &error))?;
        let addresses: Vec<_> = found.into_iter().map(|ip| SocketAddr::new(ip, proxy_port)).collect();
        let stream = self.first_of("the proxy", &addresses).await?;
        proxy.tunnel(stream, host, port).await.map_err(|error| failed(SendErrorKind::Connect, "the proxy", &error))
    }

    /// The first address that answers, tried in order.
    async fn first_of(&self, host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, SendError> {
        let fits = |address: &&SocketAddr| self.source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
        let mut last = error(SendErrorKind::Connect, format!("{host} has no address of the source address's family"));
        let mut left = addresses.iter().filter(fits).peekable();
        while let Some(address) = left.next() {
            let attempt = self.open(*address, self.source);
            let opened = match left.peek() {
                None => attempt.await,
                Some(_) => tokio::time::timeout(self.connect_timeout, attempt)
                    .await
                    .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut))),
            };
            match opened {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failed(SendErrorKind::Connect, &address.to_string(), &error),
            }
        }
        Err(last)
    }

    async fn open(&self, address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SendError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| error(SendErrorKind::Tls, format!("{host} can't be the name of a certificate")))?;
        self.tls.connect(name, stream).await.map_err(|error| failed(SendErrorKind::Tls, host, &error))
    }
}

fn failed(kind: SendErrorKind, host: &str, cause: &io::Error) -> SendError {
    error(kind, format!("{host}: {cause}"))
}

fn error(kind: SendErrorKind, detail: String) -> SendError {
    SendError { kind, detail }
}
