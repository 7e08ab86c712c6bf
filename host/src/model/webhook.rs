//! A webhook as it is now, and the immutable revisions that it was.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::ids::{RevisionId, WebhookId};
use super::name::{Environment, Subscription, Tenant};
use super::plugin::Stage;
use super::policy::RetryPolicy;
use super::request::Header;
use super::secret::SigningSecret;
use super::time::Timestamp;

/// A webhook as it stands now. What a delivery takes from here and what from its revision: `product.md`'s rule, kept by
/// [`Revision`] (body, format, chain: fixed at the first attempt) and [`Current`] (the rest: as it is when needed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub tenant: Tenant,
    pub name: String,
    pub description: String,
    pub created_at: Timestamp,
    pub current: Current,
    pub revision: Arc<Revision>,
}

/// The parts that always apply as they are now, also to deliveries that were accepted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub url: SecretUrl,
    pub headers: Vec<Header>,
    /// Newest first.
    pub secrets: Vec<SigningSecret>,
    /// 1 to 60 seconds.
    pub timeout: Duration,
    pub retry: RetryPolicy,
    /// Deliveries a second; `None` is unlimited.
    pub rate_limit: Option<u32>,
    pub ordering: Ordering,
    /// Other origins that a plugin's `send` may name: `https://host[:port]`. Only an admin grants them.
    pub allow_origins: Vec<String>,
}

/// What a webhook was from `valid_from` on, until the next revision. Every save makes one: its id tells one save from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub id: RevisionId,
    pub webhook: WebhookId,
    pub valid_from: Timestamp,
    pub status: Status,
    pub environment: Environment,
    pub subscription: Subscription,
    pub format: Format,
    /// The URL as it was, for formats that write it into the body (`keygen`'s `endpoint`): a retry sends the same body. Where a
    /// request goes is [`Current`]'s to say.
    pub endpoint: SecretUrl,
    /// At most 8 stages, in order.
    pub chain: Vec<Stage>,
}

impl Revision {
    pub const CHAIN_MAX: usize = 8;
}

/// A URL whose path and query may be secrets. `Debug` and `Display` show `https://host/…last4`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl {
    url: Url,
    /// Made once: every attempt's row has it.
    shown: Arc<str>,
}

impl SecretUrl {
    pub fn new(url: Url) -> Self {
        Self { shown: masked(&url).into(), url }
    }

    /// The whole URL; the caller takes care where it goes.
    pub const fn expose(&self) -> &Url {
        &self.url
    }

    /// `scheme://host[:port]`: what plugins and logs may know.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

fn masked(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    let rest = url.as_str().get(url[..url::Position::BeforePath].len()..).unwrap_or_default();
    match rest.char_indices().rev().nth(3) {
        None | Some((0, _)) => format!("{origin}/…"),
        Some((at, _)) => format!("{origin}/…{}", rest.get(at..).unwrap_or_default()),
    }
}

impl std::fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Active,
    /// Deliveries are made and held.
    Paused,
    /// No delivery is made; pending ones were cancelled.
    Disabled(DisabledReason),
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled(_) => "disabled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DisabledReason {
    /// Somebody disabled it.
    User,
    /// It answered 410, or its plugin judged a reply to mean that the receiver is gone.
    Gone,
    /// No success for 5 days.
    Failing,
}

impl DisabledReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ordering {
    /// As fast as the webhook takes them.
    #[default]
    None,
    /// One at a time, in the order of acceptance; a failing one holds up those behind it.
    Fifo,
}

/// How a webhook wants to be spoken to, with what its format needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    pub name: FormatName,
    #[serde(default)]
    pub options: FormatOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    #[default]
    Standard,
    Svix,
    Cryptlex,
    LicenseValidator,
    Keygen,
    Github,
    Stripe,
}

impl FormatName {
    pub const ALL: [Self; 7] =
        [Self::Standard, Self::Svix, Self::Cryptlex, Self::LicenseValidator, Self::Keygen, Self::Github, Self::Stripe];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Svix => "svix",
            Self::Cryptlex => "cryptlex",
            Self::LicenseValidator => "license-validator",
            Self::Keygen => "keygen",
            Self::Github => "github",
            Self::Stripe => "stripe",
        }
    }
}

impl std::str::FromStr for FormatName {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownFormat)
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown format: use standard, svix, cryptlex, license-validator, keygen, github or stripe")]
pub struct UnknownFormat;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatOptions {
    /// `keygen`: the account, which is the `keyid` of the signature. Required there, refused elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How a webhook has fared lately. Kept beside it, not in a revision: it changes with every attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub last_success: Option<Timestamp>,
    /// The first failure since the last success.
    pub failing_since: Option<Timestamp>,
    pub consecutive_failures: u32,
}
