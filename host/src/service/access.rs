//! Who a token belongs to. Tokens are 256 random bits; only the SHA-256 of their text is kept.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Rng;
use crate::model::access::{AccessToken, Role};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;

use super::Services;
use super::caller::Caller;

/// What begins every token that we make, so that scanners for leaked secrets can find it.
pub const TOKEN_PREFIX: &str = "wxt_";
/// How the audit log names the token from the environment.
pub const ENVIRONMENT_ACTOR: &str = "WAXWING_ADMIN_TOKEN";

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccessError {
    #[error("a bearer token is needed: send `Authorization: Bearer …`")]
    Missing,
    #[error("the token is not known here: it was revoked, or is another server's")]
    Unknown,
    #[error("the token has expired: POST /api/tokens (or `waxwing token create`) makes a new one")]
    Expired,
}

impl Services {
    /// Whose token this is. All hashes are compared, in constant time each: how long it takes tells nothing.
    pub fn authenticate(&self, token: &str) -> Result<Caller, AccessError> {
        let hash = token_hash(token);
        let mut found = None;
        if let Some(admin) = &self.rules.admin_token
            && bool::from(admin.ct_eq(&hash))
        {
            return Ok(Caller::server(ENVIRONMENT_ACTOR));
        }
        for known in self.accounts.tokens().iter() {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(caller_of(known, self.clock.now()));
            }
        }
        found.unwrap_or(Err(AccessError::Unknown))
    }
}

/// What is known of a token: enough to tell it again.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

pub(super) fn new_token(rng: &dyn Rng) -> Secret {
    let mut bits = [0; 32];
    rng.fill(&mut bits);
    Secret::new(format!("{TOKEN_PREFIX}{}", hex::encode(bits)))
}

fn caller_of(token: &AccessToken, now: Timestamp) -> Result<Caller, AccessError> {
    if token.expires_at.is_some_and(|end| end <= now) {
        return Err(AccessError::Expired);
    }
    // A tenant's token without a tenant would see everything: it can't be made, and if it stood in the database it opens nothing.
    if token.role == Role::Tenant && token.tenant.is_none() {
        return Err(AccessError::Unknown);
    }
    Ok(Caller { actor: token.id.to_string(), role: token.role, tenant: token.tenant.clone() })
}
