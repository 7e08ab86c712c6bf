//! Where the server answers, and how it ends.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::{ConfigError, Layers};
use crate::model::secret::Secret;

const TOKEN_MIN: usize = 16;
const MIB: u64 = 1024 * 1024;

/// What a node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    All,
    /// Accepts and answers everything, and leaves the delivering to others.
    Api,
    /// Delivers, and answers only the probes.
    Worker,
}

#[derive(Debug, thiserror::Error)]
#[error("must be all, api or worker")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "all" => Ok(Self::All),
            "api" => Ok(Self::Api),
            "worker" => Ok(Self::Worker),
            _ => Err(UnknownRole),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub role: Role,
    pub listen: SocketAddr,
    /// Always works; for automation.
    pub admin_token: Option<Secret>,
    /// Where browsers find the portal: `https://host[:port]`.
    pub public_url: Option<Url>,
    pub drain: Duration,
    /// Bytes of what is being posted, until it is durable; one too many is refused with 429.
    pub intake: usize,
}

impl ServerConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let listen: String = layers.parse("listen")?.unwrap_or_else(|| "127.0.0.1:8480".into());
        // Names are for people: `localhost` means the loopback address, never a lookup.
        let spelled = listen.strip_prefix("localhost").map(|rest| format!("127.0.0.1{rest}"));
        let listen = spelled.as_deref().unwrap_or(&listen).parse().map_err(|_| {
            layers.invalid("listen", format!("'{listen}' is not an address and port such as 127.0.0.1:8480"))
        })?;
        let admin_token: Option<String> = layers.parse("admin-token")?;
        if admin_token.as_ref().is_some_and(|token| token.len() < TOKEN_MIN) {
            return Err(layers.invalid("admin-token", format!("a token has at least {TOKEN_MIN} characters")));
        }
        let public_url = layers.parse::<Url>("public-url")?;
        if public_url.as_ref().is_some_and(|url| !is_site(url)) {
            let message = "must be a site such as https://waxwing.example.com, without a path".to_owned();
            return Err(layers.invalid("public-url", message));
        }
        let drain = Duration::from_secs(layers.number("drain-seconds", 20, 0..=300)?);
        let intake = layers.number("intake-mib", 128, 1..=65_536)?.saturating_mul(MIB);
        let intake = usize::try_from(intake).unwrap_or(usize::MAX);
        let role = layers.parse("role")?.unwrap_or_default();
        let admin_token = admin_token.map(Secret::new);
        Ok(Self { role, listen, admin_token, public_url, drain, intake })
    }
}

fn is_site(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
}
