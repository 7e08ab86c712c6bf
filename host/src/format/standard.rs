//! `standard`: the Standard Webhooks specification, <https://github.com/standard-webhooks/standard-webhooks>.
//!
//! The id is the event's: the same in every attempt and for every webhook, as the specification wants it for deduplication.

use bytes::Bytes;

use super::key;
use super::names::{self, header};
use super::{BadSecret, FormatError, Signing, Wrapped, Wrapping};
use crate::model::event::ContentType;
use crate::model::request::{Body, Header};
use crate::model::secret::SIGNING_SECRETS_MAX;

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Result<Wrapped, FormatError> {
    let data = wrapping.json()?;
    let (event_type, time) = (&wrapping.event.event_type, wrapping.event.occurred_at);
    let head = format!(r#"{{"type":"{event_type}","timestamp":"{time}","data":"#);
    let body = Body([head.into(), data, Bytes::from_static(b"}")]);
    Ok(Wrapped { body, content_type: ContentType::Json })
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    let signed = Signed::new(signing)?;
    Ok(vec![
        header(&names::WEBHOOK_ID, signed.id),
        header(&names::WEBHOOK_TIMESTAMP, signed.timestamp),
        header(&names::WEBHOOK_SIGNATURE, signed.signatures),
    ])
}

/// The three values, which `svix` sends under names of its own.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) timestamp: String,
    /// `v1,…` or `v1a,…` for each secret, with a space between them.
    pub(super) signatures: String,
}

impl Signed {
    pub(super) fn new(signing: Signing<'_>) -> Result<Self, FormatError> {
        let id = signing.event.id.to_string();
        let timestamp = signing.now.seconds().to_string();
        let prefix = format!("{id}.{timestamp}.");
        let mut signatures = String::with_capacity(64);
        for secret in signing.secrets.iter().take(SIGNING_SECRETS_MAX) {
            if !signatures.is_empty() {
                signatures.push(' ');
            }
            push_signature(&mut signatures, secret.secret.expose(), &prefix, signing.body)?;
        }
        if signatures.is_empty() {
            return Err(FormatError::BadSecret(BadSecret::Missing));
        }
        Ok(Self { id, timestamp, signatures })
    }
}

fn push_signature(text: &mut String, secret: &str, prefix: &str, body: &Body) -> Result<(), BadSecret> {
    if secret.starts_with(key::PRIVATE_PREFIX) {
        let message = [prefix.as_bytes(), &body.to_bytes()].concat();
        text.push_str("v1a,");
        key::push_base64(text, &key::ed25519(&key::private(secret)?, &message));
    } else {
        text.push_str("v1,");
        key::push_base64(text, &key::hmac_body(&key::shared(secret)?, prefix, body));
    }
    Ok(())
}

/// What a secret must be here: `whsec_` and 24 to 64 bytes, or `whsk_` and an Ed25519 key.
pub(super) fn check_secret(secret: &str) -> Result<(), BadSecret> {
    if secret.starts_with(key::PRIVATE_PREFIX) {
        return key::private(secret).map(drop);
    }
    match key::shared(secret) {
        Err(BadSecret::Prefix(_)) => Err(BadSecret::Prefix("whsec_ or whsk_")),
        other => other.map(drop),
    }
}
