//! The other side: what a receiver checks, and a name for what is wrong. `waxwing verify` and `waxwing listen` print it.
//!
//! A request that fails is looked at again under the usual suspicions (a body that a framework parsed and wrote anew, a
//! signature in another alphabet, a secret read another way), since "invalid signature" alone helps nobody. Guesses name a
//! fault; they never let a request pass.

mod claims;
mod keygen;
mod reserialise;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use self::claims::{Claims, Encoding};
use super::BadSecret;
use super::key;
use crate::model::request::Header;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::webhook::FormatName;

/// How old a signature may be, and how far ahead: five minutes, as in the libraries of Standard Webhooks and Stripe.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Names in lower case.
    pub headers: &'a [Header],
    pub body: &'a [u8],
}

/// What it is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub format: FormatName,
    /// Any of them may have signed. For Ed25519 the private (`whsk_`) or the public key (`whpk_`, or hex for `keygen`).
    pub secrets: &'a [Secret],
    /// `None`: however old it is.
    pub now: Option<Timestamp>,
    pub tolerance: Duration,
}

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What the format gives for recognising a repeat.
    pub id: Option<String>,
    pub signed_at: Option<Timestamp>,
    /// Which of the secrets signed.
    pub secret: usize,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("there is no {0} header")]
    MissingHeader(&'static str),
    #[error("the {name} header isn't what it should be: {expected}")]
    MalformedHeader { name: &'static str, expected: &'static str },
    #[error("the secret can't be used with this format: {0}")]
    BadSecret(#[from] BadSecret),
    #[error("it was signed {seconds} s ago: too old, or the clock here is ahead")]
    TooOld { seconds: u64 },
    #[error("it was signed {seconds} s from now: the clock here is behind")]
    TooNew { seconds: u64 },
    #[error("the signature is right but written as {found}, where this format has {expected}")]
    WrongEncoding { found: &'static str, expected: &'static str },
    #[error("the body was re-serialised on its way: what was signed is {signed}. Verify the raw bytes, before parsing")]
    BodyReserialised { signed: &'static str },
    #[error("the body isn't the one that was signed: its digest is another")]
    OtherBody,
    #[error("the signature is right for the secret {read}: sender and receiver must read it the same way")]
    SecretMisread { read: &'static str },
    #[error("the body is the signed one, but the signature isn't of this key, host and path")]
    WrongKey,
    #[error(
        "no reading of this body matches the signature: the secret is another one, or it is the signature of another body"
    )]
    WrongSecret,
}

impl Fault {
    /// Stable, for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing-header",
            Self::MalformedHeader { .. } => "malformed-header",
            Self::BadSecret(_) => "bad-secret",
            Self::TooOld { .. } => "too-old",
            Self::TooNew { .. } => "too-new",
            Self::WrongEncoding { .. } => "wrong-encoding",
            Self::BodyReserialised { .. } => "body-reserialised",
            Self::OtherBody => "other-body",
            Self::SecretMisread { .. } => "secret-misread",
            Self::WrongKey => "wrong-key",
            Self::WrongSecret => "wrong-secret",
        }
    }
}

pub fn verify(received: Received<'_>, terms: &Terms<'_>) -> Result<Verified, Fault> {
    let verified = if terms.format == FormatName::Keygen {
        keygen::verify(received, terms.secrets)?
    } else {
        let claims = Claims::of(received, terms.format)?;
        let secret = find_secret(&claims, received, terms)?;
        Verified { id: claims.id, signed_at: claims.signed_at, secret }
    };
    match (terms.now, verified.signed_at) {
        (Some(now), Some(signed)) if now.since(signed) > terms.tolerance => {
            Err(Fault::TooOld { seconds: now.since(signed).as_secs() })
        }
        (Some(now), Some(signed)) if signed.since(now) > terms.tolerance => {
            Err(Fault::TooNew { seconds: signed.since(now).as_secs() })
        }
        _ => Ok(verified),
    }
}

fn find_secret(claims: &Claims, received: Received<'_>, terms: &Terms<'_>) -> Result<usize, Fault> {
    let mut fault = Fault::BadSecret(BadSecret::Missing);
    for (at, secret) in terms.secrets.iter().enumerate() {
        match check(claims, received.body, terms.format, secret.expose()) {
            Ok(()) => return Ok(at),
            // The first secret's fault, unless another's says more.
            Err(found) if at == 0 || matches!(fault, Fault::WrongSecret | Fault::BadSecret(_)) => fault = found,
            Err(_) => {}
        }
    }
    Err(fault)
}

fn check(claims: &Claims, body: &[u8], format: FormatName, secret: &str) -> Result<(), Fault> {
    let standard = matches!(format, FormatName::Standard | FormatName::Svix);
    if standard && (secret.starts_with(key::PRIVATE_PREFIX) || secret.starts_with(keygen::PUBLIC_PREFIX)) {
        return check_asymmetric(claims, body, secret);
    }
    let key = if standard { key::shared(secret)?.to_vec() } else { secret.as_bytes().to_vec() };
    let tag = |key: &[u8], body: &[u8]| key::hmac(key, [claims.prefix.as_bytes(), body]);
    let expected = tag(&key, body);
    if claims.hold(&expected) {
        return Ok(());
    }
    if let Some(found) = claims.hold_otherwise(&expected) {
        return Err(Fault::WrongEncoding { found, expected: claims.encoding.name() });
    }
    if let Some(signed) = reserialise::find(body, |other| claims.hold(&tag(&key, other))) {
        return Err(Fault::BodyReserialised { signed });
    }
    let misread = readings(secret).into_iter().find(|(_, key)| claims.hold(&tag(key, body)));
    Err(misread.map_or(Fault::WrongSecret, |(read, _)| Fault::SecretMisread { read }))
}

fn check_asymmetric(claims: &Claims, body: &[u8], secret: &str) -> Result<(), Fault> {
    let public = keygen::verifying_key(secret)?;
    let genuine = |body: &[u8]| {
        let message = [claims.prefix.as_bytes(), body].concat();
        claims.asymmetric.iter().any(|signature| {
            let bytes = STANDARD.decode(signature).unwrap_or_default();
            let signature = ed25519_dalek::Signature::from_slice(&bytes);
            signature.is_ok_and(|signature| public.verify_strict(&message, &signature).is_ok())
        })
    };
    if genuine(body) {
        return Ok(());
    }
    Err(reserialise::find(body, genuine).map_or(Fault::WrongSecret, |signed| Fault::BodyReserialised { signed }))
}

/// The ways in which a secret's text is read where it should be read in another.
fn readings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bare = secret.strip_prefix(key::SHARED_PREFIX).unwrap_or(secret);
    let mut readings = vec![
        ("as plain text, prefix and all", secret.as_bytes().to_vec()),
        ("as plain text without its prefix", bare.as_bytes().to_vec()),
        ("without the white space around it", secret.trim().as_bytes().to_vec()),
    ];
    readings.extend(STANDARD.decode(bare).ok().map(|key| ("as base64 after its prefix", key)));
    readings.extend(hex::decode(bare).ok().map(|key| ("as hexadecimal after its prefix", key)));
    readings
}

impl Claims {
    fn hold(&self, expected: &[u8; 32]) -> bool {
        self.signatures.iter().any(|text| self.encoding.decode(text).is_some_and(|tag| tag.ct_eq(expected).into()))
    }

    fn hold_otherwise(&self, expected: &[u8; 32]) -> Option<&'static str> {
        let others = Encoding::ALL.into_iter().filter(|encoding| *encoding != self.encoding);
        others.into_iter().find_map(|encoding| {
            let same = |text: &String| encoding.decode(text).is_some_and(|tag| tag.ct_eq(expected).into());
            self.signatures.iter().any(same).then_some(encoding.name())
        })
    }
}

/// The value of a header that the format needs.
fn header<'a>(received: &Received<'a>, name: &'static str) -> Result<&'a str, Fault> {
    let found = received.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value.trim()).ok_or(Fault::MissingHeader(name))
}
