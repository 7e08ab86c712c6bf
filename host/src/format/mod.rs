//! How a webhook is spoken to: envelope, headers, signature. Pure; one file a format, and `docs/formats.md` for its users.
//!
//! [`wrap`] makes the body around the poster's own bytes, which are never copied or re-serialised; [`sign`] makes the headers
//! of one attempt over the finished body. Nothing here sends, stores or asks for the time.

mod cryptlex;
pub mod fill;
#[cfg(test)]
mod fill_tests;
mod github;
mod key;
mod keygen;
mod license_validator;
pub mod mask;
mod names;
mod secret;
mod standard;
mod stripe;
mod svix;
pub mod target;
pub mod verify;

use bytes::Bytes;

pub use self::secret::{PublicKey, check_secret, generate_private_key, generate_secret, public_key};
use crate::model::event::{ContentType, Event, Payload};
use crate::model::ids::DeliveryId;
use crate::model::request::{Body, Header, Method};
use crate::model::secret::SigningSecret;
use crate::model::time::Timestamp;
use crate::model::webhook::{Format, FormatName, FormatOptions};

/// The body of an event in this format.
pub fn wrap(format: &Format, wrapping: Wrapping<'_>) -> Result<Wrapped, FormatError> {
    match format.name {
        FormatName::Standard => standard::wrap(wrapping),
        FormatName::Svix => Ok(svix::wrap(wrapping)),
        FormatName::Cryptlex => cryptlex::wrap(wrapping),
        FormatName::LicenseValidator => license_validator::wrap(wrapping),
        FormatName::Keygen => keygen::wrap(wrapping, account(format)?),
        FormatName::Github => Ok(github::wrap(wrapping)),
        FormatName::Stripe => stripe::wrap(wrapping),
    }
}

/// The headers of one attempt in this format. `content-type` isn't among them: it comes with the body ([`content_type`]).
pub fn sign(format: &Format, signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    match format.name {
        FormatName::Standard => standard::sign(signing),
        FormatName::Svix => svix::sign(signing),
        FormatName::Cryptlex => cryptlex::sign(signing),
        FormatName::LicenseValidator => license_validator::sign(signing),
        FormatName::Keygen => keygen::sign(signing, account(format)?),
        FormatName::Github => github::sign(signing),
        FormatName::Stripe => stripe::sign(signing),
    }
}

/// The header that goes with a body.
pub fn content_type(content_type: &ContentType) -> Header {
    match content_type {
        ContentType::Json => names::header(&names::CONTENT_TYPE, ContentType::JSON),
        ContentType::Other(name) => names::header(&names::CONTENT_TYPE, std::sync::Arc::clone(name)),
    }
}

/// Every header that any format writes, in lower case. No plugin and no webhook may set one of them.
pub const fn reserved_headers() -> &'static [&'static str] {
    names::ALL
}

/// Whether a format can sign with several secrets at once, so that a rotation may overlap.
pub const fn supports_overlap(format: FormatName) -> bool {
    matches!(format, FormatName::Standard | FormatName::Svix | FormatName::Stripe)
}

/// Fails if the options aren't those that the format wants.
pub fn check_options(format: FormatName, options: &FormatOptions) -> Result<(), BadOptions> {
    match (format, options.account.as_deref()) {
        (FormatName::Keygen, None) => Err(BadOptions::AccountMissing),
        (FormatName::Keygen, Some(account)) if !keygen::check_account(account) => Err(BadOptions::Account),
        (FormatName::Keygen, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(BadOptions::AccountUnknown(format.as_str())),
    }
}

fn account(format: &Format) -> Result<&str, FormatError> {
    check_options(format.name, &format.options).map_err(FormatError::BadOptions)?;
    Ok(format.options.account.as_deref().unwrap_or_default())
}

/// Why a format can't carry an event, or can't sign it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// `data-not-json`
    #[error("the data is {0}, and this format's envelope carries JSON only: use `svix` or `github`, or a plugin")]
    DataNotJson(String),
    /// `secret-unusable`
    #[error("the webhook's secret doesn't fit its format: {0}")]
    BadSecret(#[from] BadSecret),
    /// `options-unusable`
    #[error("the webhook's format options don't fit its format: {0}")]
    BadOptions(BadOptions),
}

impl FormatError {
    /// The stable code of the attempt's outcome.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DataNotJson(_) => "data-not-json",
            Self::BadSecret(_) => "secret-unusable",
            Self::BadOptions(_) => "options-unusable",
        }
    }
}

/// Why a secret doesn't fit a format. Never tells the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("there is none")]
    Missing,
    #[error("it must begin with {0}")]
    Prefix(&'static str),
    #[error("what follows its prefix isn't base64 with padding")]
    Base64,
    #[error("its key must have {0} bytes")]
    KeyLength(&'static str),
    #[error("the second half of its key isn't the public key of the first")]
    KeyPair,
    #[error("it must have 1 to {max} bytes")]
    Length { max: usize },
}

/// Why format options were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOptions {
    #[error("keygen needs `account`")]
    AccountMissing,
    #[error("`account` must be 1 to 64 characters of A-Z, a-z, 0-9, '-', '_' and '.'")]
    Account,
    #[error("`account` is an option of keygen, not of {0}")]
    AccountUnknown(&'static str),
}

/// What is to be wrapped in an envelope: the event, with its data as the chain left it.
#[derive(Clone, Copy, Debug)]
pub struct Wrapping<'a> {
    pub event: &'a Event,
    pub data: &'a Payload,
    pub delivery: DeliveryId,
    pub test: bool,
    /// `keygen`'s `attributes.endpoint`: the URL as it was when the body was fixed.
    pub endpoint: &'a url::Url,
}

impl Wrapping<'_> {
    /// The data, for an envelope.
    fn json(&self) -> Result<Bytes, FormatError> {
        match &self.data.content_type {
            ContentType::Json => Ok(self.data.bytes.clone()),
            ContentType::Other(name) => Err(FormatError::DataNotJson(name.to_string())),
        }
    }

    /// The data as the whole body, whatever it is.
    fn bare(&self) -> Wrapped {
        let body = Body::whole(self.data.bytes.clone());
        Wrapped { body, content_type: self.data.content_type.clone() }
    }
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
    /// Where it goes in the end, placeholders filled.
    pub url: &'a url::Url,
    pub body: &'a Body,
}

impl<'a> Signing<'a> {
    /// The one secret of a format that signs with one.
    fn newest_secret(&self) -> Result<&'a str, BadSecret> {
        self.secrets.first().map(|newest| newest.secret.expose()).ok_or(BadSecret::Missing)
    }
}
