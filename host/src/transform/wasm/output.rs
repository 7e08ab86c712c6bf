//! Checks what a plugin answered, before anybody acts on it: syntax, counts, lengths, names that aren't its to write.
//!
//! A plugin may be hostile or only wrong; either way what leaves here can be sent without smuggling a header, a line or another
//! host. Whether the address may be called is the connector's to say, later.

use std::collections::HashSet;

use super::contract::types;
use bytes::Bytes;

use super::log::shown;
use crate::model::fault::{FaultKind, Limit};
use crate::model::request::{Header, Method, RequestDraft};
use crate::transform::{Verdict, WebhookView};

/// Bytes of a drop's reason.
const REASON_MAX: usize = 1024;
const HEADERS_MAX: usize = 64;
const HEADERS_TOTAL: usize = 16 * 1024;
const VALUE_MAX: usize = 8 * 1024;
const QUERY_MAX: usize = 64;
const ATTRIBUTES_MAX: usize = 64;
const QUERY_TOTAL: usize = 8 * 1024;
const PATH_MAX: usize = 4 * 1024;
const CONTENT_TYPE_MAX: usize = 256;

/// Names no plugin may write, besides those of the formats: framing, hops, identity of the connection, and cookies.
const RESERVED: [&str; 21] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
];

/// What the checks go by.
#[derive(Debug)]
pub(super) struct OutputRules {
    /// Lower case.
    reserved: HashSet<String>,
    /// Bytes of a body.
    most: usize,
}

impl OutputRules {
    /// `of_formats`: every header that any format writes.
    pub(super) fn new(of_formats: &[&str], most: usize) -> Self {
        let names = RESERVED.iter().chain(of_formats);
        Self { reserved: names.map(|name| name.to_ascii_lowercase()).collect(), most }
    }

    /// A verdict that is safe to act on. `json`: the event's data is JSON, so what replaces it must be.
    pub(super) fn verdict(
        &self,
        verdict: types::Verdict,
        webhook: &WebhookView<'_>,
        json: bool,
    ) -> Result<Verdict, FaultKind> {
        match verdict {
            types::Verdict::Pass => Ok(Verdict::Pass),
            types::Verdict::Drop(reason) => Ok(Verdict::Drop(shown(&reason, REASON_MAX))),
            types::Verdict::Replace(data) => {
                within(Limit::Output, data.len(), self.most)?;
                if json {
                    serde_json::from_slice::<serde::de::IgnoredAny>(&data)
                        .map_err(|error| bad(format!("the event's data is JSON, what replaces it isn't: {error}")))?;
                }
                Ok(Verdict::Replace(Bytes::from(data)))
            }
            types::Verdict::Send(request) => self.request(request, webhook).map(Verdict::Send),
        }
    }

    fn request(&self, request: types::Request, webhook: &WebhookView<'_>) -> Result<RequestDraft, FaultKind> {
        within(Limit::Output, request.body.len(), self.most)?;
        within(Limit::Count, request.query.len(), QUERY_MAX)?;
        let query_bytes = request.query.iter().map(|(name, value)| name.len() + value.len()).sum();
        within(Limit::Output, query_bytes, QUERY_TOTAL)?;
        within(Limit::Count, request.attributes.len(), ATTRIBUTES_MAX)?;
        content_type(&request.content_type)?;
        request.path.as_deref().map_or(Ok(()), path)?;
        Ok(RequestDraft {
            method: match request.method {
                types::Method::Post => Method::Post,
                types::Method::Put => Method::Put,
                types::Method::Patch => Method::Patch,
            },
            path: request.path,
            origin: origin(request.origin, webhook)?,
            query: request.query,
            headers: self.headers(&request.headers)?,
            content_type: request.content_type,
            body: Bytes::from(request.body),
            stage: 0,
        })
    }

    fn headers(&self, headers: &[types::Header]) -> Result<Vec<Header>, FaultKind> {
        within(Limit::Count, headers.len(), HEADERS_MAX)?;
        within(
            Limit::Output,
            headers.iter().map(|header| header.name.len() + header.value.len()).sum(),
            HEADERS_TOTAL,
        )?;
        let mut seen = HashSet::new();
        for header in headers {
            let (name, value) = (header.name.as_str(), header.value.as_str());
            if name.is_empty() || !name.bytes().all(is_lower_token) {
                return Err(bad(format!("'{name}' is no lower-case header name")));
            }
            if self.reserved.contains(name) {
                return Err(bad(format!("the header '{name}' isn't a plugin's to set")));
            }
            if !seen.insert(name) {
                return Err(bad(format!("the header '{name}' stands twice")));
            }
            within(Limit::Output, value.len(), VALUE_MAX)?;
            if !value.bytes().all(is_value_byte) || value.trim_matches([' ', '\t']) != value {
                return Err(bad(format!("the value of '{name}' holds more than visible ASCII with spaces between")));
            }
        }
        Ok(headers
            .iter()
            .map(|header| Header { name: header.name.as_str().into(), value: header.value.as_str().into() })
            .collect())
    }
}

/// The webhook's own origin is no other one.
fn origin(origin: Option<String>, webhook: &WebhookView<'_>) -> Result<Option<String>, FaultKind> {
    match origin {
        Some(other) if other == webhook.origin => Ok(None),
        Some(other) if !webhook.allow_origins.contains(&other) => {
            Err(bad(format!("the origin '{other}' isn't one that the webhook allows")))
        }
        other => Ok(other),
    }
}

/// An absolute path (RFC 3986) without dot segments: it can neither become another host nor climb out.
fn path(path: &str) -> Result<(), FaultKind> {
    within(Limit::Output, path.len(), PATH_MAX)?;
    let refused =
        || bad(format!("'{path}' is no path that begins with one '/' and holds only what RFC 3986 allows there"));
    if !path.starts_with('/') || path.starts_with("//") || !path.bytes().all(is_path_byte) {
        return Err(refused());
    }
    let mut escapes = path.split('%').skip(1).map(|rest| rest.as_bytes().get(..2));
    if !escapes.all(|digits| digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))) {
        return Err(refused());
    }
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(dots) { Err(refused()) } else { Ok(()) }
}

fn content_type(text: &str) -> Result<(), FaultKind> {
    let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let typed = text.split_once('/').is_some_and(|(major, minor)| !major.is_empty() && !minor.is_empty());
    if text.len() <= CONTENT_TYPE_MAX && visible && typed && text.trim() == text {
        return Ok(());
    }
    Err(bad(format!("'{text}' is no content type")))
}

const fn is_lower_token(byte: u8) -> bool {
    byte.is_ascii_lowercase()
        || byte.is_ascii_digit()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

const fn is_value_byte(byte: u8) -> bool {
    byte == b' ' || byte == b'\t' || byte.is_ascii_graphic()
}

const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@')
}

fn within(limit: Limit, used: usize, allowed: usize) -> Result<(), FaultKind> {
    if used <= allowed {
        return Ok(());
    }
    let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    Err(FaultKind::Limit { limit, used: number(used), allowed: number(allowed) })
}

fn bad(message: String) -> FaultKind {
    FaultKind::BadOutput { message: shown(&message, REASON_MAX) }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "output_sdk_tests.rs"]
mod sdk_tests;
