//! How a webhook is spoken to: envelope, headers, signature. Pure, one file a format.

use crate::model::event::{ContentType, Event, Payload};
use crate::model::ids::DeliveryId;
use crate::model::request::{Body, Header, Method};
use crate::model::secret::SigningSecret;
use crate::model::time::Timestamp;
use crate::model::webhook::Format;

/// Why a format can't carry an event, or can't sign it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// `data-not-json`
    #[error("the data is {0}, and this format's envelope carries JSON only: use `svix` or `github`, or a plugin")]
    DataNotJson(String),
    /// `secret-unusable`
    #[error("the webhook's secret doesn't fit its format: {0}")]
    BadSecret(BadSecret),
}

impl FormatError {
    /// The stable code of the attempt's outcome.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DataNotJson(_) => "data-not-json",
            Self::BadSecret(_) => "secret-unusable",
        }
    }
}

/// Why a secret doesn't fit a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSecret(pub String);

/// What is to be wrapped in an envelope: the event, with its data as the chain left it.
#[derive(Clone, Copy, Debug)]
pub struct Wrapping<'a> {
    pub event: &'a Event,
    pub data: &'a Payload,
    pub delivery: DeliveryId,
    pub test: bool,
    /// `keygen`'s `attributes.endpoint`.
    pub url: &'a url::Url,
}

/// A body ready to be signed, with its content type.
#[derive(Clone, Debug)]
pub struct Wrapped {
    pub body: Body,
    pub content_type: ContentType,
}

/// What a signature may cover.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    pub event: &'a Event,
    pub delivery: DeliveryId,
    pub test: bool,
    /// Newest first; expired ones were left out.
    pub secrets: &'a [SigningSecret],
    /// The attempt's own time.
    pub now: Timestamp,
    pub method: Method,
    pub url: &'a url::Url,
    pub body: &'a Body,
}

/// What a format does. The functions that dispatch to it are the module's face: `wrap`, `sign`, `reserved_headers`, `check_secret`, `generate_secret`.
pub type Signed = Result<Vec<Header>, FormatError>;

/// The format of a webhook decides; kept here so that the signature of the face is written once.
pub type Wrapper = fn(&Format, Wrapping<'_>) -> Result<Wrapped, FormatError>;
