//! The address policy: where deliveries may go, and how they leave.
//!
//! What is refused unless a network is allowed: everything that isn't an ordinary public address, by the registries of
//! special-purpose addresses (IANA, RFC 6890 and its updates), and the metadata services of the clouds. An IPv6 address that
//! carries an IPv4 one is refused as such, whatever it carries: no receiver needs it, and it hides where it leads.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use crate::model::sink::{OwnSinks, Way};

/// How deliveries leave. Fixed for the life of a sender: another policy is another sender, with no connection kept from the old.
#[derive(Clone)]
pub struct EgressOptions {
    /// Also `http://`. Off: only `https://`, but for `allow_addresses`.
    pub allow_http: bool,
    /// Networks that are otherwise refused.
    pub allow_networks: Vec<IpNet>,
    /// Single addresses with their ports that are otherwise refused, also over `http://`: the built-in sinks.
    pub allow_addresses: Vec<SocketAddr>,
    /// This server's own sinks, which are allowed wherever they are, also over `http://`: by their whole URL, not by their address.
    pub own_sinks: OwnSinks,
    /// Ports that are otherwise refused ([`REFUSED_PORTS`]).
    pub allow_ports: Vec<u16>,
    /// The address that connections come from. Only receivers of its family can be reached.
    pub source_address: Option<IpAddr>,
    /// `http://[user:password@]host:port`. Every connection is a `CONNECT` through it; see [`super::proxy`] for what the policy
    /// can do then. The proxy's own address is the operator's choice and isn't checked.
    pub proxy: Option<Url>,
    /// Root certificates besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// For one address of a host that has several; the last may take what is left of the exchange's time.
    pub connect_timeout: Duration,
    /// How long a connection is kept without use.
    pub idle_timeout: Duration,
    /// How many connections are kept without use, for each scheme, host and port.
    pub idle_per_host: usize,
    /// Name lookups at a time: each holds a thread.
    pub lookups: usize,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_networks: Vec::new(),
            allow_addresses: Vec::new(),
            own_sinks: OwnSinks::default(),
            allow_ports: Vec::new(),
            source_address: None,
            proxy: None,
            extra_roots: Vec::new(),
            connect_timeout: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(30),
            idle_per_host: 128,
            lookups: 64,
        }
    }
}

/// Why something may not be sent there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("only https:// is allowed here")]
    Http,
    #[error("only https:// and http:// can be sent to")]
    Scheme,
    #[error("a URL can't carry a user name or password")]
    UserInfo,
    #[error("port {0} is refused: it belongs to another protocol")]
    Port(u16),
    #[error("{address} is refused: {what}")]
    Address { address: IpAddr, what: &'static str },
}

/// Decides; pure.
#[derive(Clone, Debug)]
pub struct Policy {
    allow_http: bool,
    networks: Vec<IpNet>,
    addresses: Vec<SocketAddr>,
    own_sinks: OwnSinks,
    ports: Vec<u16>,
}

impl Policy {
    pub fn new(options: &EgressOptions) -> Self {
        Self {
            allow_http: options.allow_http,
            networks: options.allow_networks.clone(),
            addresses: options.allow_addresses.clone(),
            own_sinks: options.own_sinks.clone(),
            ports: options.allow_ports.clone(),
        }
    }

    /// All that can be said of a URL before its name is looked up: also what a webhook's URL must pass to be saved.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        if self.own_sink(url).is_some() {
            return Ok(());
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Refusal::Scheme),
        };
        let named = address.is_some_and(|address| self.names(SocketAddr::new(address, port)));
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http || named => {}
            "http" => return Err(Refusal::Http),
            _ => return Err(Refusal::Scheme),
        }
        self.check_port(port, named)?;
        address.map_or(Ok(()), |address| self.check(SocketAddr::new(address, port)))
    }

    /// How a sink of our own is reached; `None` for every other URL.
    pub(super) fn own_sink(&self, url: &Url) -> Option<Way> {
        self.own_sinks.way(url)
    }

    /// An address that a connection is about to be made to.
    pub fn check(&self, address: SocketAddr) -> Result<(), Refusal> {
        let named = self.names(address);
        self.check_port(address.port(), named)?;
        let ip = address.ip();
        if named || self.networks.iter().any(|network| network.contains(&ip)) {
            return Ok(());
        }
        special(ip).map_or(Ok(()), |what| Err(Refusal::Address { address: ip, what }))
    }

    fn check_port(&self, port: u16, named: bool) -> Result<(), Refusal> {
        let refused = port == 0 || REFUSED_PORTS.contains(&port);
        if refused && !named && !self.ports.contains(&port) { Err(Refusal::Port(port)) } else { Ok(()) }
    }

    fn names(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }
}

/// What an address is, if it isn't an ordinary public one.
fn special(ip: IpAddr) -> Option<&'static str> {
    let known = SPECIAL.iter().find(|(network, _)| network.contains(&ip)).map(|(_, what)| *what);
    known.or_else(|| {
        let IpAddr::V6(ip) = ip else { return None };
        // Only 2000::/3 is handed out as global unicast (RFC 4291, IANA); the rest has no public receivers.
        let [first, ..] = ip.octets();
        (first >> 5 != 1).then_some("not a global unicast address")
    })
}

/// The more exact ones first: the first that contains an address says what it is.
static SPECIAL: LazyLock<Vec<(IpNet, &'static str)>> = LazyLock::new(|| {
    let known = SPECIAL_NETWORKS.iter();
    known.filter_map(|(network, what)| network.parse().ok().map(|network| (network, *what))).collect()
});

const SPECIAL_NETWORKS: &[(&str, &str)] = &[
    ("169.254.169.254/32", "a metadata service"),
    ("100.100.100.200/32", "a metadata service"),
    ("192.0.0.192/32", "a metadata service"),
    ("168.63.129.16/32", "a metadata service"),
    ("fd00:ec2::/32", "a metadata service"),
    ("0.0.0.0/8", "unspecified (this network)"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared (carrier-grade NAT)"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved for protocols"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "an IPv4 address mapped into IPv6"),
    ("::ffff:0:0:0/96", "an IPv4 address translated into IPv6"),
    ("::/96", "an IPv4-compatible address"),
    ("64:ff9b::/96", "an IPv4 address behind NAT64"),
    ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
    ("100::/64", "a black hole"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "for benchmarks"),
    ("2001:db8::/32", "for documentation"),
    ("2001::/23", "reserved for protocols"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "for documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique-local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

/// Ports that browsers refuse as well (WHATWG Fetch, "port blocking"): a server of another protocol may act on what it takes
/// for commands in our request.
pub const REFUSED_PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
    6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211,
];
