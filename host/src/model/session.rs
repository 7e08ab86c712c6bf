//! Who is signed in to the portal, and the links that sign in once: as they are kept, never with what the cookie or link holds.

use super::access::Role;
use super::name::Tenant;
use super::time::Timestamp;

/// What a session and a link may do, and on whose word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The token that it came from, as the audit log calls it: `token_…`, or the name of the variable that holds it.
    pub maker: String,
    /// Made of the secret and that token: without it, or with another token, it opens nothing. `None`: made by the server itself.
    pub proof: Option<[u8; 32]>,
    pub role: Role,
    /// `None` sees every tenant. Always set for [`Role::Tenant`].
    pub tenant: Option<Tenant>,
    /// An origin (`https://host[:port]`) that may show the pages in a frame.
    pub origin: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 of what the cookie holds.
    pub hash: [u8; 32],
    pub grant: Grant,
    /// Signed in with a link, not with the token itself.
    pub by_link: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInLink {
    /// The SHA-256 of what the link ends in.
    pub hash: [u8; 32],
    pub grant: Grant,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}
