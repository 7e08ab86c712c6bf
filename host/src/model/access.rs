//! Who may do what: roles, and the tokens that carry them.

use serde::{Deserialize, Serialize};

use super::ids::TokenId;
use super::name::Tenant;
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Posts events.
    Publisher,
    /// Reads; secret parts of URLs are masked.
    Viewer,
    /// One tenant's own webhooks and log.
    Tenant,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Admin, Self::Publisher, Self::Viewer, Self::Tenant];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
            Self::Tenant => "tenant",
        }
    }
}

/// A token as it is kept: never the token, only the SHA-256 of its 256 random bits' text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    pub id: TokenId,
    pub name: String,
    pub role: Role,
    /// `None` sees every tenant. Always set for [`Role::Tenant`].
    pub tenant: Option<Tenant>,
    pub hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}
