//! A plugin: an uploaded component, and its place in a webhook's chain.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::time::Timestamp;

/// The SHA-256 of a component's bytes: what a plugin version is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a digest of the form sha256: and 64 hex digits")]
pub struct NotADigest;

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut digest = [0; 32];
        let digits = text.strip_prefix("sha256:").ok_or(NotADigest)?;
        hex::decode_to_slice(digits, &mut digest).map_err(|_| NotADigest)?;
        Ok(Self(digest))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a component said of itself at upload, and what we found in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// A slug, as tenants have.
    pub name: String,
    pub version: semver::Version,
    pub description: String,
    /// JSON Schema 2020-12.
    pub settings_schema: Arc<str>,
    pub event_types: Vec<String>,
    pub redacts: bool,
    /// It exports `response`, so it judges replies to what it sent.
    pub classifies: bool,
    pub samples: Vec<Sample>,
    /// Imported interfaces, with versions.
    pub imports: Vec<String>,
    pub attributes: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    pub name: String,
    pub event_type: String,
    pub data: String,
    pub settings: String,
}

/// One version of a plugin as it is kept; the component's bytes are stored beside it, by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    pub digest: Digest,
    pub manifest: Manifest,
    /// Bytes of the component.
    pub size: u64,
    pub uploaded_at: Timestamp,
    /// Came with the server.
    pub bundled: bool,
    /// Tenants may use it.
    pub shared: bool,
}

/// A plugin in a chain: exactly this digest, with these settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    pub digest: Digest,
    pub name: String,
    pub version: semver::Version,
    /// A JSON object; secret properties are absent from it.
    pub settings: Arc<str>,
    /// JSON Pointer of each secret property to its value. Encrypted at rest; the guest sees placeholders.
    pub secrets: BTreeMap<String, Secret>,
    pub on_error: OnError,
    /// From the manifest.
    pub classifies: Classifies,
}

/// Which replies to what it sent a plugin is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classifies {
    Nothing,
    /// Those that aren't 2xx: it said that every 2xx is a success.
    Failures,
    Everything,
}

impl Classifies {
    pub const fn asks_about(self, status: u16) -> bool {
        match self {
            Self::Nothing => false,
            Self::Failures => !matches!(status, 200..300),
            Self::Everything => true,
        }
    }
}

impl Manifest {
    /// The attribute by which a plugin that exports `response` says what it wants to be asked about.
    const CLASSIFIES: (&str, &str) = ("classifies", "failures");

    pub fn classifying(&self) -> Classifies {
        let (name, failures) = Self::CLASSIFIES;
        let only_failures = self.attributes.iter().any(|(known, value)| known == name && value == failures);
        match (self.classifies, only_failures) {
            (false, _) => Classifies::Nothing,
            (true, true) => Classifies::Failures,
            (true, false) => Classifies::Everything,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// A fault ends the delivery.
    #[default]
    Fail,
    /// A fault passes on what the stage was given. Refused for a plugin that redacts.
    Skip,
}
