//! Public keys for receivers, by a name that only they can know who have seen the key.

use serde_json::Value;

use crate::format;

use super::Services;
use super::caller::Caller;
use super::error::Result;

impl Services {
    /// As a JSON Web Key. Asks nobody for a token: the name is the key's own hash, and nothing else is told.
    pub fn public_key(&self, kid: &str) -> Option<Value> {
        let now = self.now();
        self.directory.all().iter().find_map(|webhook| {
            let current = webhook.current.secrets.iter().filter(|signing| signing.is_current(now));
            let mut keys = current.filter_map(|signing| format::public_key(signing.secret.expose()));
            keys.find(|key| key.kid() == kid).map(|key| key.jwk())
        })
    }

    pub fn may_see_metrics(&self, caller: &Caller) -> Result<()> {
        caller.must_read()?;
        caller.must_be_unbound()
    }
}
