//! Who is signed in to the portal. Not among what nodes keep in memory: what one of them ends is over on all at once.

use async_trait::async_trait;

use super::Result;
use crate::model::session::{Session, SignInLink};
use crate::model::time::Timestamp;

#[async_trait]
pub trait Sessions {
    /// Also forgets those that have expired by the time it was made.
    async fn save_session(&self, session: &Session) -> Result<()>;

    /// Whether or not it has expired.
    async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>>;

    /// `Ok(false)`: there was none.
    async fn delete_session(&self, hash: &[u8; 32]) -> Result<bool>;

    /// Also forgets those that have expired by the time it was made.
    async fn save_link(&self, link: &SignInLink) -> Result<()>;

    /// As [`Sessions::take_link`] would give it, and it stays.
    async fn link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>>;

    /// Takes a link that hasn't expired: of several callers, however close, one gets it.
    async fn take_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<SignInLink>>;
}
