//! `cryptlex`: the webhooks of Cryptlex, as its documentation prints them (<https://docs.cryptlex.com>, "Webhooks").
//!
//! Three things follow that example to the byte: `triggeredAt` comes last and has seven digits, the signature is base64 of 32
//! bytes, and the content type names its charset.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use super::key;
use super::names::{self, header};
use super::{FormatError, Signing, Wrapped, Wrapping};
use crate::model::event::ContentType;
use crate::model::request::{Body, Header};

static CONTENT_TYPE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("application/json; charset=utf-8"));

pub(super) fn wrap(wrapping: Wrapping<'_>) -> Result<Wrapped, FormatError> {
    let data = wrapping.json()?;
    let event_type = &wrapping.event.event_type;
    let head = format!(r#"{{"event":"{event_type}","data":"#);
    // We keep milliseconds; the other four digits are what .NET's round-trip format prints for them.
    let tail = format!(r#","triggeredAt":"{:.7}"}}"#, wrapping.event.occurred_at.calendar());
    let body = Body([head.into(), data, Bytes::from(tail)]);
    Ok(Wrapped { body, content_type: ContentType::Other(Arc::clone(&CONTENT_TYPE)) })
}

pub(super) fn sign(signing: Signing<'_>) -> Result<Vec<Header>, FormatError> {
    let token = signing.newest_secret()?;
    let mut signature = String::with_capacity(44);
    key::push_base64(&mut signature, &key::hmac_body(token.as_bytes(), "", signing.body));
    Ok(vec![header(&names::WEBHOOK_SIGNATURE, signature)])
}
