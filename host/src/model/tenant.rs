//! A tenant's quotas, retention and defaults, and the server-wide ones.

use serde::{Deserialize, Serialize};

use super::name::{Environment, Tenant};
use super::policy::RetryPolicy;
use super::time::Timestamp;
use super::webhook::FormatName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantProfile {
    pub name: Tenant,
    pub created_at: Timestamp,
    /// The most webhooks; 0 allows none. `None` is unlimited.
    pub max_webhooks: Option<u32>,
    /// The most deliveries that a paused webhook holds; those beyond are cancelled, visibly.
    pub max_held: u32,
    pub retention: Retention,
    /// Refuse events of a type that the catalogue doesn't hold, or whose data its schema refuses.
    pub strict: bool,
    /// Where set, these go before the server's.
    pub defaults: Defaults,
}

impl TenantProfile {
    pub const MAX_HELD: u32 = 10_000;

    pub fn new(name: Tenant, created_at: Timestamp) -> Self {
        let (retention, defaults) = (Retention::default(), Defaults::default());
        Self { name, created_at, max_webhooks: None, max_held: Self::MAX_HELD, retention, strict: false, defaults }
    }
}

/// What a new webhook or event gets when it doesn't say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FormatName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
}

/// How long events and their log are kept, in days. Five classes, so that a database can drop whole partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum Retention {
    Day,
    Week,
    #[default]
    Month,
    Quarter,
    Year,
}

/// The number of days isn't one of the five classes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be 1, 7, 30, 90 or 365 days")]
pub struct BadRetention;

impl Retention {
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    pub const fn days(self) -> u16 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }
}

impl From<Retention> for u16 {
    fn from(retention: Retention) -> Self {
        retention.days()
    }
}

impl TryFrom<u16> for Retention {
    type Error = BadRetention;

    fn try_from(days: u16) -> Result<Self, BadRetention> {
        Self::ALL.into_iter().find(|class| class.days() == days).ok_or(BadRetention)
    }
}
