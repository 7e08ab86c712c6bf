//! Values that must not be seen: they redact themselves in `Debug` and are wiped from memory.

use std::fmt;

use zeroize::Zeroizing;

use super::time::Timestamp;

/// Text that no log, error or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The value itself; the caller takes care where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A signing secret of a webhook, newest first in its list. One that was rotated out signs along until `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecret {
    pub secret: Secret,
    /// `None`: the current one.
    pub until: Option<Timestamp>,
}

impl SigningSecret {
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The most secrets that sign one request.
pub const SIGNING_SECRETS_MAX: usize = 3;
