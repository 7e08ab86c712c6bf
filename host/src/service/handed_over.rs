//! What a form's answer is to show once, on its way to the page that shows it: sealed for the session that posted the form, for that page,
//! and for a minute. Whoever loads the page again posts nothing again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::vault::Vault;

use super::Services;
use super::sessions::derived;

/// How long the page may take to ask for it.
pub const HANDED_OVER_FOR: Duration = Duration::from_secs(60);

impl Services {
    /// `session`: the secret of the cookie that tells the session.
    pub fn hand_over(&self, session: &str, page: &str, what: &Secret) -> String {
        let plain = Secret::new(format!("{} {}", self.now().plus(HANDED_OVER_FOR).millis(), what.expose()));
        URL_SAFE_NO_PAD.encode(vault_of(session).seal(page, plain.expose().as_bytes(), self.rng.as_ref()))
    }

    /// `None`: it is another session's, another page's, too old, or nothing of ours.
    pub fn handed_over(&self, session: &str, page: &str, sealed: &str) -> Option<Secret> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = vault_of(session).open(page, &sealed).ok()?;
        let (until, what) = std::str::from_utf8(&plain).ok()?.split_once(' ')?;
        let until = Timestamp::from_millis(until.parse().ok()?);
        (self.now() < until).then(|| Secret::new(what.to_owned()))
    }
}

/// Every node opens it that knows the session, and nobody who hasn't its secret.
fn vault_of(session: &str) -> Vault {
    Vault::new(derived(session, b"waxwing handed over"))
}
