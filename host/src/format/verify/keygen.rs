//! Keygen's scheme, from the receiver's side: the digest first, then the signature over target, host, date and digest.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

use super::super::{BadSecret, key, keygen};
use super::{Fault, Received, Verified, header, reserialise};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;

/// Begins a public Ed25519 key (Standard Webhooks).
pub(super) const PUBLIC_PREFIX: &str = "whpk_";
const SIGNATURE: &str = "keygen-signature";

pub(super) fn verify(received: Received<'_>, secrets: &[Secret]) -> Result<Verified, Fault> {
    let signature = parameter(header(&received, SIGNATURE)?, "signature");
    let signature =
        signature.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| Signature::from_slice(&bytes).ok());
    let expected = r#"keyid="…", algorithm="ed25519", signature="<base64>", headers="…""#;
    let signature = signature.ok_or(Fault::MalformedHeader { name: SIGNATURE, expected })?;
    // Proxies may write a `Date` of their own; the other one is there for that.
    let date = header(&received, "keygen-date").or_else(|_| header(&received, "date"))?;
    let digest = header(&received, "keygen-digest").or_else(|_| header(&received, "digest"))?;
    let fits = |body: &[u8]| digest.strip_prefix("sha-256=") == Some(&STANDARD.encode(key::sha256([body])));
    if !fits(received.body) {
        let signed = reserialise::find(received.body, fits);
        return Err(signed.map_or(Fault::OtherBody, |signed| Fault::BodyReserialised { signed }));
    }
    let host = header(&received, "host")?;
    let message = keygen::message(received.method, received.target, host, date, digest);
    let keys = secrets.iter().map(|secret| verifying_key(secret.expose())).collect::<Result<Vec<_>, _>>()?;
    let secret = keys.iter().position(|key| key.verify_strict(message.as_bytes(), &signature).is_ok());
    let id = serde_json::from_slice::<serde_json::Value>(received.body)
        .ok()
        .and_then(|body| body.pointer("/data/meta/idempotencyToken")?.as_str().map(str::to_owned));
    let signed_at = Some(moment(date)?);
    secret.map(|secret| Verified { id, signed_at, secret }).ok_or(Fault::WrongKey)
}

/// From the private key, or the public one in either spelling.
pub(super) fn verifying_key(text: &str) -> Result<VerifyingKey, BadSecret> {
    if text.starts_with(key::PRIVATE_PREFIX) {
        return key::private(text).map(|key| key.verifying_key());
    }
    let bytes = match text.strip_prefix(PUBLIC_PREFIX) {
        Some(text) => STANDARD.decode(text).map_err(|_| BadSecret::Base64)?,
        None => hex::decode(text).map_err(|_| BadSecret::Prefix("whsk_ or whpk_, or be 64 hexadecimal digits"))?,
    };
    let bytes = bytes.as_slice().try_into().map_err(|_| BadSecret::KeyLength("32"))?;
    VerifyingKey::from_bytes(bytes).map_err(|_| BadSecret::KeyLength("32 valid"))
}

fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

fn moment(date: &str) -> Result<Timestamp, Fault> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok();
    let millis = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.map(Timestamp::from_millis).ok_or(Fault::MalformedHeader { name: "date", expected: "an HTTP date" })
}
