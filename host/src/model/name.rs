//! Names that people choose: slugs of tenants and environments, event types, subscriptions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

const SLUG_MAX: usize = 64;
const EVENT_TYPE_MAX: usize = 256;

/// Why a name was refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadName {
    #[error("must be 1 to {SLUG_MAX} characters of a-z, 0-9, '-' and '_', starting with a letter or digit")]
    Slug,
    #[error(
        "must be 1 to {EVENT_TYPE_MAX} characters of A-Z, a-z, 0-9, '_', '.' and '-', with no empty group between dots"
    )]
    EventType,
    #[error("must be '*', an event type, or an event type followed by '.*'; no other wildcard exists")]
    Pattern,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:ident, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, shared.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                if $check(text) { Ok(Self(Arc::from(text))) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The name of a tenant: `default` where only one exists.
    Tenant, is_slug, BadName::Slug
);
name!(
    /// The name of an environment: `production`, `staging`, `development` or any other slug.
    Environment, is_slug, BadName::Slug
);
name!(
    /// What kind of thing happened: `license.activated`. Case-sensitive.
    EventType, is_event_type, BadName::EventType
);
name!(
    /// One line of a subscription: `*`, `license.*` (every type below, at any depth) or a type.
    Pattern, is_pattern, BadName::Pattern
);

impl Tenant {
    pub fn default_tenant() -> Self {
        Self(Arc::from("default"))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self(Arc::from("production"))
    }
}

impl Pattern {
    pub fn matches(&self, event_type: &EventType) -> bool {
        let (pattern, name) = (self.as_str(), event_type.as_str());
        match pattern.strip_suffix('*') {
            Some("") => true,
            Some(group_and_dot) => name.len() > group_and_dot.len() && name.starts_with(group_and_dot),
            None => pattern == name,
        }
    }
}

/// The event types that a webhook wants: at least one pattern, at most 256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subscription(Vec<Pattern>);

impl Subscription {
    pub const MAX: usize = 256;

    /// `None` for an empty or too long list.
    pub fn new(patterns: Vec<Pattern>) -> Option<Self> {
        (1..=Self::MAX).contains(&patterns.len()).then_some(Self(patterns))
    }

    pub fn wants(&self, event_type: &EventType) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event_type))
    }

    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }
}

fn is_slug(text: &str) -> bool {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= SLUG_MAX
        && text.bytes().next().is_some_and(letter_or_digit)
        && text.bytes().all(|byte| letter_or_digit(byte) || byte == b'-' || byte == b'_')
}

fn is_event_type(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.len() <= EVENT_TYPE_MAX && text.split('.').all(|group| !group.is_empty() && group.bytes().all(allowed))
}

fn is_pattern(text: &str) -> bool {
    text == "*" || is_event_type(text.strip_suffix(".*").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&name.parse().unwrap())
    }

    #[test]
    fn a_group_wildcard_matches_below_the_group_at_any_depth_and_nothing_else() {
        assert!(wants("*", "license.created"));
        assert!(wants("license.*", "license.created"));
        assert!(wants("license.*", "license.key.rotated"));
        assert!(!wants("license.*", "license"));
        assert!(!wants("license.*", "licenses.created"));
        assert!(!wants("license.created", "License.created"));
    }

    #[test]
    fn other_wildcards_and_empty_groups_are_refused() {
        for text in ["", "**", "a*", "*.created", "a.*.b", "a..b", ".a", "a.", "a b", "ä.b"] {
            assert_eq!(text.parse::<Pattern>(), Err(BadName::Pattern), "{text}");
        }
    }
}
