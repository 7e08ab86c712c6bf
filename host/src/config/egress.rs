//! Where deliveries may go, and how they leave.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{ConfigError, Layers};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressConfig {
    /// Webhooks may have `http://` URLs.
    pub allow_http: bool,
    /// Addresses that are otherwise refused.
    pub allow_networks: Vec<IpNet>,
    /// The address that connections leave from.
    pub source_address: Option<IpAddr>,
}

impl EgressConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let networks: Vec<String> = layers.parse_all("allow-networks")?;
        let parsed = |text: &String| network(text).ok_or_else(|| layers.invalid("allow-networks", bad_network(text)));
        let allow_networks = networks.iter().map(parsed).collect::<Result<_, _>>()?;
        let allow_http = layers.parse("allow-http")?.unwrap_or(false);
        let source_address = layers.parse("source-address")?;
        Ok(Self { allow_http, allow_networks, source_address })
    }
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn bad_network(text: &str) -> String {
    format!("'{text}' is not a network such as 10.0.0.0/8 or fd00::/8")
}
