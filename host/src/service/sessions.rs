//! Signing in to the portal: by a token, or by a link that works once; and who a session is, each time it is asked.
//!
//! A session hangs on the token that it came from, directly or by a link: once that one is revoked, has expired or is another one, it
//! opens nothing. The secret of a session is in the browser's cookie alone; what is kept tells it again and no more.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::clock::Rng;
use crate::model::access::{AccessToken, Role};
use crate::model::ids::TokenId;
use crate::model::secret::Secret;
use crate::model::session::{Grant, Session, SignInLink};
use crate::model::time::Timestamp;

use super::access::{AccessError, ENVIRONMENT_ACTOR, token_hash};
use super::audit::Done;
use super::caller::Caller;
use super::error::ServiceError;
use super::{Services, StoreError};

/// How long somebody stays signed in.
const SESSION_LASTS: Duration = Duration::from_secs(12 * 3600);
const BY_LINK: &str = " by link";

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("this token is not known here: it was revoked, or is another server's")]
    Unknown,
    #[error("this token has expired: somebody with the role admin can make a new one")]
    Expired,
    #[error(
        "a token of the role publisher posts events and sees nothing: sign in with one of the role admin, viewer or tenant"
    )]
    Publisher,
    #[error("this link was used before or has expired: ask for a new one, or type `waxwing portal-link`")]
    LinkGone,
    #[error("too many wrong tokens came from your address: try again in {after_seconds} s")]
    TooMany { after_seconds: u32 },
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// Somebody was let in: what his browser is to keep.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub secret: Secret,
    /// How long he is let in.
    pub lasts: Duration,
    /// Who may frame the pages.
    pub origin: Option<String>,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub caller: Caller,
    /// What every form carries, so that no other site's can be ours.
    pub csrf: String,
    /// Who may frame the pages.
    pub origin: Option<String>,
    pub expires_at: Timestamp,
}

impl Services {
    /// `peer`: where it is tried from; too many wrong ones are not looked at any more.
    pub async fn sign_in(&self, token: &str, peer: IpAddr) -> Result<SignedIn, SignInError> {
        let now = self.now();
        if let Some(wait) = self.doorman.lock().must_wait(peer, now) {
            return Err(SignInError::TooMany { after_seconds: wait });
        }
        let caller = self.authenticate(token.trim()).map_err(|error| {
            self.doorman.lock().was_wrong(peer, now);
            match error {
                AccessError::Expired => SignInError::Expired,
                AccessError::Missing | AccessError::Unknown => SignInError::Unknown,
            }
        })?;
        let Caller { actor, role, tenant } = caller;
        self.begin_session(Grant { maker: actor, proof: None, role, tenant, origin: None }, false).await
    }

    /// Uses the link up.
    pub async fn redeem_link(&self, link: &str) -> Result<SignedIn, SignInError> {
        let taken = self.store.take_link(&hash(link), self.now()).await?;
        let grant = taken.map(|taken| taken.grant).filter(|grant| self.stands(grant, link));
        self.begin_session(grant.ok_or(SignInError::LinkGone)?, true).await
    }

    /// What it would let somebody do; it stays. `None`: nothing, any more.
    pub async fn look_at_link(&self, link: &str) -> Result<Option<SignInLink>, StoreError> {
        let known = self.store.link(&hash(link), self.now()).await?;
        Ok(known.filter(|known| self.stands(&known.grant, link)))
    }

    /// Who the cookie's secret belongs to. `None`: nobody, any more.
    pub async fn visitor(&self, secret: &str) -> Result<Option<Visitor>, StoreError> {
        let Some(session) = self.store.session(&hash(secret)).await? else { return Ok(None) };
        if session.expires_at <= self.now() || !self.stands(&session.grant, secret) {
            return Ok(None);
        }
        Ok(Some(visitor_of(session, secret)))
    }

    /// Where browsers find the portal, if the configuration says so.
    pub const fn public_url(&self) -> Option<&url::Url> {
        self.rules.public_url.as_ref()
    }

    pub async fn sign_out(&self, secret: &str) -> Result<(), StoreError> {
        self.store.delete_session(&hash(secret)).await.map(|_| ())
    }

    async fn begin_session(&self, grant: Grant, by_link: bool) -> Result<SignedIn, SignInError> {
        if grant.role == Role::Publisher {
            return Err(SignInError::Publisher);
        }
        let (secret, now) = (new_secret(self.rng.as_ref()), self.now());
        // Revoked this very moment, perhaps.
        let proof = self.proof(&grant.maker, secret.expose()).map_err(|_| SignInError::Unknown)?;
        let expires_at = now.plus(SESSION_LASTS);
        let grant = Grant { proof, ..grant };
        let session = Session { hash: hash(secret.expose()), grant, by_link, created_at: now, expires_at };
        self.store.save_session(&session).await?;
        let origin = session.grant.origin.clone();
        let Visitor { caller, .. } = visitor_of(session, secret.expose());
        let detail = if by_link { "with a link" } else { "with a token" }.to_owned();
        let done = Done {
            tenant: caller.tenant.as_ref(),
            action: "portal.sign-in",
            target: caller.role.as_str().to_owned(),
            detail,
        };
        self.audit(&caller, done).await?;
        Ok(SignedIn { secret, lasts: SESSION_LASTS, origin })
    }

    /// Whether the token behind it is the one that it was, and opens things still.
    fn stands(&self, grant: &Grant, secret: &str) -> bool {
        match (grant.proof, self.proof(&grant.maker, secret)) {
            (Some(known), Ok(Some(proof))) => bool::from(proof.ct_eq(&known)),
            (None, Ok(None)) => true,
            _ => false,
        }
    }

    /// What tells the maker's token again, to whoever has the secret. `None`: the server itself is the maker, and stays.
    pub(super) fn proof(&self, maker: &str, secret: &str) -> Result<Option<[u8; 32]>, ServiceError> {
        let gone = || ServiceError::not_found("token", maker);
        let token = match maker.parse::<TokenId>() {
            Ok(id) => self.hash_of(id).ok_or_else(gone)?,
            Err(_) if maker == ENVIRONMENT_ACTOR => self.rules.admin_token.ok_or_else(gone)?,
            Err(_) => return Ok(None),
        };
        Ok(Some(Sha256::new().chain_update(secret.as_bytes()).chain_update(token).finalize().into()))
    }

    fn hash_of(&self, id: TokenId) -> Option<[u8; 32]> {
        let now = self.now();
        let opens = |token: &&AccessToken| token.id == id && token.expires_at.is_none_or(|end| now < end);
        self.accounts.tokens().iter().find(opens).map(|token| token.hash)
    }
}

/// The token that somebody's word comes from, whether he brought it or was let in by a link of its maker's.
pub(super) fn maker_of(caller: &Caller) -> &str {
    caller.actor.strip_suffix(BY_LINK).unwrap_or(&caller.actor)
}

fn visitor_of(session: Session, secret: &str) -> Visitor {
    let Session { grant, by_link, expires_at, .. } = session;
    let Grant { maker, role, tenant, origin, .. } = grant;
    let actor = if by_link { format!("{maker}{BY_LINK}") } else { maker };
    Visitor { caller: Caller { actor, role, tenant }, csrf: csrf_of(secret), origin, expires_at }
}

/// Follows from the cookie's secret, which no other site can read.
fn csrf_of(secret: &str) -> String {
    hex::encode(derived(secret, b"waxwing portal form"))
}

/// Known to whoever has the cookie's secret, and different for each use.
pub(super) fn derived(secret: &str, purpose: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length (RFC 2104).
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(purpose));
    mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    token_hash(secret)
}

/// 256 random bits.
pub(super) fn new_secret(rng: &dyn Rng) -> Secret {
    let mut bits = [0; 32];
    rng.fill(&mut bits);
    Secret::new(hex::encode(bits))
}
