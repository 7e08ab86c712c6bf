//! `license-validator`: the webhooks of the license validator, and of the License Management Platform, which names the same
//! header and the same secrets. The key is the whole secret with its `whsec_`, since that is what its receivers put into HMAC.

use bytes::Bytes;

use super::key;
use super::names::{self, header};
use super::{BadSecret, FormatError, Signing, Wrapped, Wrapping};
use crate::model::event::ContentType;
use crate::model::request::{Body, Header};

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Result<Wrapped, FormatError> {
    let data = wrapping.json()?;
    let (event_type, time) = (&wrapping.event.event_type, wrapping.event.occurred_at);
    let head = format!(r#"{{"event":"{event_type}","timestamp":"{time}","data":"#);
    let body = Body([head.into(), data, Bytes::from_static(b"}")]);
    Ok(Wrapped { body, content_type: ContentType::Json })
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    let secret = signing.newest_secret()?;
    let mut signature = String::with_capacity(64);
    key::push_hex(&mut signature, &key::hmac_body(secret.as_bytes(), "", signing.body));
    Ok(vec![
        header(&names::X_WEBHOOK_SIGNATURE, signature),
        header(&names::X_WEBHOOK_DELIVERY, signing.delivery.shown(signing.test)),
    ])
}

pub(super) fn check_secret(secret: &str) -> Result<(), BadSecret> {
    let rest = secret.strip_prefix(key::SHARED_PREFIX).ok_or(BadSecret::Prefix(key::SHARED_PREFIX))?;
    if rest.is_empty() { Err(BadSecret::KeyLength("1 or more")) } else { Ok(()) }
}
