//! Sinks: receivers of this server's own, for trying things out. What comes to one is kept as it came, for a while.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::{Host, Origin, Url};

use super::ids::{ReceivedId, SinkId, WebhookId};
use super::name::Tenant;
use super::request::Header;
use super::secret::Secret;
use super::time::Timestamp;

/// Where sinks are, on this server.
pub const PREFIX: &str = "/sinks/";
/// 128 random bits, in hex.
pub const TOKEN_LENGTH: usize = 32;
/// What is kept of a request's body.
pub const BODY_KEPT: usize = 64 * 1024;
/// The newest requests that a sink keeps.
pub const KEPT_MAX: u32 = 100;
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    pub id: SinkId,
    pub tenant: Tenant,
    pub name: String,
    /// What its URL holds: whoever knows it can send here.
    pub token: Secret,
    pub answer: SinkAnswer,
    pub created_at: Timestamp,
}

/// What whoever sends something is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkAnswer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub delay_ms: u32,
}

impl Default for SinkAnswer {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: String::new(), delay_ms: 0 }
    }
}

/// A request that came to a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub id: ReceivedId,
    pub sink: SinkId,
    pub head: ReceivedHead,
    /// At most [`BODY_KEPT`] of it.
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedHead {
    pub method: String,
    /// Path and query below the sink's own; empty for the sink itself.
    pub target: String,
    pub headers: Vec<Header>,
    /// Of the whole body, in bytes.
    pub size: u64,
    /// What it was answered.
    pub status: u16,
    /// `None`: no webhook leads here, or not all of the body is kept, so that nobody can tell.
    pub signature: Option<SignatureSeen>,
}

/// Whether a request is signed as a webhook that leads to the sink signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureSeen {
    pub webhook: WebhookId,
    /// What is wrong with it; `None` where it is right.
    pub fault: Option<String>,
}

/// The token in a path, and the path below it.
pub fn token_of(path: &str) -> Option<(&str, &str)> {
    let (token, below) = path.strip_prefix(PREFIX)?.split_at_checked(TOKEN_LENGTH)?;
    let is_token = token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_token && (below.is_empty() || below.starts_with('/'))).then_some((token, below))
}

/// By which URLs this server's own sinks are reached: the one exception from where nothing may be sent.
#[derive(Clone, Debug, Default)]
pub struct OwnSinks {
    /// Where this server listens, as it reaches itself.
    listener: Option<SocketAddr>,
    public: Option<Origin>,
}

/// How a sink of our own is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// At this very address, whatever a name server says.
    Listener(SocketAddr),
    /// As everybody reaches this server.
    Public,
}

impl OwnSinks {
    pub fn new(listener: SocketAddr, public_url: Option<&Url>) -> Self {
        let ip = match listener.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
            other => other,
        };
        let listener = Some(SocketAddr::new(ip, listener.port()));
        Self { listener, public: public_url.map(Url::origin) }
    }

    /// The URL of a sink, as its webhooks have it.
    pub fn url(&self, token: &str) -> String {
        let site = match (&self.public, self.listener) {
            (Some(public), _) => public.ascii_serialization(),
            (None, Some(listener)) => format!("http://{listener}"),
            (None, None) => String::new(),
        };
        format!("{site}{PREFIX}{token}")
    }

    /// `None`: this URL is none of a sink here, and what holds of every other holds of it.
    pub fn way(&self, url: &Url) -> Option<Way> {
        let (_, below) = token_of(url.path())?;
        // A proxy before us may read more into a path than we do.
        let is_plain = !below.contains(['%', '\\', ';']) && below.split('/').all(|part| !matches!(part, "." | ".."));
        if !is_plain || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let listener = self.listener.filter(|listener| {
            let is_named = match url.host() {
                Some(Host::Ipv4(ip)) => listener.ip() == ip,
                Some(Host::Ipv6(ip)) => listener.ip() == ip,
                Some(Host::Domain(name)) => name == "localhost" && listener.ip().is_loopback(),
                None => false,
            };
            is_named && url.scheme() == "http" && url.port_or_known_default() == Some(listener.port())
        });
        let is_public = self.public.as_ref().is_some_and(|public| *public == url.origin());
        listener.map(Way::Listener).or(is_public.then_some(Way::Public))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn way(own: &OwnSinks, url: &str) -> Option<Way> {
        own.way(&url.replace("TOKEN", TOKEN).parse().unwrap())
    }

    #[test]
    fn only_a_sink_of_this_very_server_is_one_of_its_own() {
        let listener: SocketAddr = "127.0.0.1:8480".parse().unwrap();
        let public: Url = "https://waxwing.example.com".parse().unwrap();
        let own = OwnSinks::new(listener, Some(&public));
        for url in [
            "http://127.0.0.1:8480/sinks/TOKEN",
            "http://localhost:8480/sinks/TOKEN/a/b?c=%2e%2e/d",
            "http://2130706433:8480/sinks/TOKEN",
        ] {
            assert_eq!(way(&own, url), Some(Way::Listener(listener)), "{url}");
        }
        assert_eq!(way(&own, "https://WAXWING.example.com:443/sinks/TOKEN"), Some(Way::Public));
        for url in [
            "http://127.0.0.1:8480/api/webhooks",
            "http://127.0.0.1:8480/sinks/",
            "http://127.0.0.1:8480/sinks/TOKE0",
            "http://127.0.0.1:8480/sinks/TOKENx",
            "http://127.0.0.1:8480/sinks/../api/webhooks",
            "http://127.0.0.1:8480/sinks/TOKEN/../../api/webhooks",
            "http://127.0.0.1:8480/sinks/TOKEN/%2e%2e/%2e%2e/api/webhooks",
            "http://127.0.0.1:8480/sinks/TOKEN/..%2f..%2fapi/webhooks",
            "http://127.0.0.1:8480/sinks/TOKEN/..;/..;/api/webhooks",
            "http://127.0.0.1:8480/sinks/TOKEN\\..\\..\\api",
            "http://127.0.0.1:8480//sinks/TOKEN",
            "http://127.0.0.1:8480/SINKS/TOKEN",
            "http://127.0.0.1:8480/api?/sinks/TOKEN",
            "http://127.0.0.1:8480/#/sinks/TOKEN",
            "http://user@127.0.0.1:8480/sinks/TOKEN",
            "http://127.0.0.1:8481/sinks/TOKEN",
            "http://127.0.0.1/sinks/TOKEN",
            "https://127.0.0.1:8480/sinks/TOKEN",
            "http://127.0.0.2:8480/sinks/TOKEN",
            "http://[::1]:8480/sinks/TOKEN",
            "http://localhost.:8480/sinks/TOKEN",
            "http://localhost.example.com:8480/sinks/TOKEN",
            "http://waxwing.example.com/sinks/TOKEN",
            "https://waxwing.example.com:8443/sinks/TOKEN",
            "https://waxwing.example.com.evil.example/sinks/TOKEN",
        ] {
            assert_eq!(way(&own, url), None, "{url}");
        }
        assert_eq!(way(&OwnSinks::default(), "http://127.0.0.1:8480/sinks/TOKEN"), None);
    }

    #[test]
    fn a_sinks_url_leads_back_to_it() {
        for (listener, public, url) in [
            ("0.0.0.0:8480", None, "http://127.0.0.1:8480/sinks/TOKEN"),
            ("[::]:80", None, "http://[::1]:80/sinks/TOKEN"),
            ("192.168.1.2:8480", None, "http://192.168.1.2:8480/sinks/TOKEN"),
            ("0.0.0.0:8480", Some("https://waxwing.example.com/"), "https://waxwing.example.com/sinks/TOKEN"),
        ] {
            let public: Option<Url> = public.map(|public| public.parse().unwrap());
            let own = OwnSinks::new(listener.parse().unwrap(), public.as_ref());
            assert_eq!(own.url(TOKEN), url.replace("TOKEN", TOKEN));
            assert!(own.way(&own.url(TOKEN).parse().unwrap()).is_some(), "{url}");
        }
    }
}
