//! `stripe`: Stripe's event object, signed as Stripe signs, <https://docs.stripe.com/webhooks#verify-manually> and
//! <https://docs.stripe.com/api/events/object>. `Stripe-Signature` carries one `v1` for each current secret, newest first.

use std::fmt::Write;

use bytes::Bytes;

use super::key;
use super::names::{self, header};
use super::{BadSecret, FormatError, Signing, Wrapped, Wrapping};
use crate::model::event::ContentType;
use crate::model::request::{Body, Header};
use crate::model::secret::SIGNING_SECRETS_MAX;

/// What Stripe calls live mode.
const LIVE: &str = "production";

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Result<Wrapped, FormatError> {
    let data = wrapping.json()?;
    let event = wrapping.event;
    let created = event.occurred_at.seconds();
    let head =
        format!(r#"{{"id":"{}","object":"event","api_version":null,"created":{created},"data":{{"object":"#, event.id);
    let tail = format!(
        r#"}},"livemode":{},"pending_webhooks":1,"request":{{"id":null,"idempotency_key":null}},"type":"{}"}}"#,
        event.environment.as_str() == LIVE,
        event.event_type
    );
    Ok(Wrapped { body: Body([head.into(), data, Bytes::from(tail)]), content_type: ContentType::Json })
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    if signing.secrets.is_empty() {
        return Err(FormatError::BadSecret(BadSecret::Missing));
    }
    let time = signing.now.seconds();
    let prefix = format!("{time}.");
    let mut value = String::with_capacity(96);
    // Writing to a string can't fail.
    let _ = write!(value, "t={time}");
    for secret in signing.secrets.iter().take(SIGNING_SECRETS_MAX) {
        value.push_str(",v1=");
        key::push_hex(&mut value, &key::hmac_body(secret.secret.expose().as_bytes(), &prefix, signing.body));
    }
    Ok(vec![header(&names::STRIPE_SIGNATURE, value)])
}
