//! How a secret setting's placeholder looks: `wxs_` and 32 hex digits. `vault` makes them, `transform` looks whose they are,
//! `format` fills them.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::ids::{EventId, WebhookId};
use super::secret::Secret;

/// What begins every placeholder; 32 lower-case hex digits follow.
pub const PREFIX: &str = "wxs_";
/// Bytes of a placeholder.
pub const LENGTH: usize = PREFIX.len() + 32;

/// The event and webhook that a placeholder belongs to: it is worth nothing anywhere else.
#[derive(Clone, Copy, Debug)]
pub struct PlaceholderScope {
    pub event: EventId,
    pub webhook: WebhookId,
}

/// What is given for a secret setting's placeholder just before signing.
#[derive(Clone, Debug)]
pub struct Filling {
    pub placeholder: String,
    pub value: Secret,
}

/// Every placeholder in `text`. Asked of all that goes into a plugin and comes out of it.
pub fn found(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    static PREFIXES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PREFIX));
    let at = |start: usize| text.get(start..start + LENGTH).filter(|part| is_one(part));
    PREFIXES.find_iter(text).filter_map(at)
}

/// Whether this is a placeholder and nothing else.
pub fn is_one(text: &[u8]) -> bool {
    let digits = text.strip_prefix(PREFIX.as_bytes()).filter(|digits| digits.len() == LENGTH - PREFIX.len());
    digits.is_some_and(|digits| digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}
