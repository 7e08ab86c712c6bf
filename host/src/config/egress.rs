//! Where deliveries may go, and how they leave.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::{ConfigError, Layers};
use crate::model::webhook::SecretUrl;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressConfig {
    /// Webhooks may have `http://` URLs.
    pub allow_http: bool,
    /// Addresses that are otherwise refused.
    pub allow_networks: Vec<IpNet>,
    /// The address that connections leave from.
    pub source_address: Option<IpAddr>,
    /// An HTTP proxy that every delivery leaves through; may hold user and password.
    pub proxy: Option<SecretUrl>,
    /// Single receivers that are allowed besides: `demo`'s own sinks. No setting adds to them.
    pub allow_addresses: Vec<SocketAddr>,
}

impl EgressConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let networks: Vec<String> = layers.parse_all("allow-networks")?;
        let parsed = |text: &String| network(text).ok_or_else(|| layers.invalid("allow-networks", bad_network(text)));
        let allow_networks = networks.iter().map(parsed).collect::<Result<_, _>>()?;
        let allow_http = layers.parse("allow-http")?.unwrap_or(false);
        let source_address = layers.parse("source-address")?;
        let proxy: Option<Url> = layers.parse("proxy")?;
        if proxy.as_ref().is_some_and(|url| url.scheme() != "http" || url.host().is_none()) {
            return Err(layers.invalid("proxy", "must be http://HOST:PORT; deliveries are tunnelled through it".into()));
        }
        let (proxy, allow_addresses) = (proxy.map(SecretUrl::new), Vec::new());
        Ok(Self { allow_http, allow_networks, source_address, proxy, allow_addresses })
    }
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn bad_network(text: &str) -> String {
    format!("'{text}' is not a network such as 10.0.0.0/8 or fd00::/8")
}
