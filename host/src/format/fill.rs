//! Puts secret settings in the place of their placeholders, just before a plugin's request is signed.
//!
//! A guest never saw the secret, so it can't have meant anything by it: a placeholder is filled only where it stands for a
//! whole thing (a header's value, one JSON string, one path segment, one query value), and only towards the webhook's own
//! origin. A placeholder elsewhere, or one that isn't this stage's, fails the delivery. What is filled is never logged or
//! stored; [`super::mask`] hides it in what comes back.

use std::borrow::Cow;

use bytes::Bytes;
use url::Url;

use super::target::{BadTarget, leaves_origin, target};
use crate::model::placeholder::{Filling, found, is_one};
use crate::model::request::{Body, Header, RequestDraft};

/// A draft with its secrets in place. Only for signing and sending.
#[derive(Clone)]
pub struct Filled {
    pub url: Url,
    /// The URL with its placeholders still in it: what may be shown, masked as URLs are.
    pub shown_url: Url,
    pub headers: Vec<Header>,
    pub body: Body,
}

/// Why a draft can't be filled. Final: it is the plugin's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    #[error("it holds a placeholder that isn't one of this stage's secrets")]
    Foreign,
    #[error("a secret goes only to the webhook's own origin")]
    OtherOrigin,
    #[error(
        "a secret can't stand {0}: only as a whole header value (or after 'Bearer '), a JSON string, a path segment or a query value"
    )]
    Misplaced(&'static str),
    #[error("the secret's text can't stand {0}")]
    Unusable(&'static str),
    #[error(transparent)]
    Target(#[from] BadTarget),
}

/// Fills a draft for a webhook at `webhook`. Without placeholders nothing is copied.
pub fn fill(draft: &RequestDraft, webhook: &Url, fillings: &[Filling]) -> Result<Filled, FillError> {
    let secrets = Secrets(fillings);
    if holds_placeholder(draft.content_type.as_bytes()) {
        return Err(FillError::Misplaced("in a content type"));
    }
    let shown_url = target(webhook, draft)?;
    let headers = draft.headers.iter().map(|header| secrets.header(header)).collect::<Result<Vec<_>, _>>()?;
    let body = secrets.body(&draft.body, &draft.content_type)?;
    let filled_draft = secrets.address(draft)?;
    let url = match &filled_draft {
        None => shown_url.clone(),
        Some(address) => target(webhook, address)?,
    };
    let changed = filled_draft.is_some() || headers != draft.headers || body != draft.body;
    if changed && leaves_origin(webhook, draft)? {
        return Err(FillError::OtherOrigin);
    }
    Ok(Filled { url, shown_url, headers, body: Body::whole(body) })
}

/// Whether text that isn't a plugin's `send` holds what looks like a placeholder: an event or a replaced body must not.
pub fn holds_placeholder(bytes: &[u8]) -> bool {
    found(bytes).next().is_some()
}

struct Secrets<'a>(&'a [Filling]);

impl<'a> Secrets<'a> {
    /// The value behind `text`, if it is nothing but a placeholder.
    fn value(&self, text: &str, place: &'static str) -> Result<Option<&'a str>, FillError> {
        if !holds_placeholder(text.as_bytes()) {
            return Ok(None);
        }
        if !is_one(text.as_bytes()) {
            return Err(FillError::Misplaced(place));
        }
        let filling = self.0.iter().find(|filling| filling.placeholder == text);
        filling.map(|filling| Some(filling.value.expose())).ok_or(FillError::Foreign)
    }

    fn header(&self, header: &Header) -> Result<Header, FillError> {
        const BEARER: &str = "Bearer ";
        let (scheme, text) = header.value.strip_prefix(BEARER).map_or(("", &*header.value), |rest| (BEARER, rest));
        let Some(value) = self.value(text, "beside other text in a header")? else { return Ok(header.clone()) };
        if value.is_empty() || !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(FillError::Unusable("in a header"));
        }
        Ok(Header { name: header.name.clone(), value: format!("{scheme}{value}").into() })
    }

    /// Path and query, if there is something to fill in them.
    fn address(&self, draft: &RequestDraft) -> Result<Option<RequestDraft>, FillError> {
        let path = draft.path.as_deref().map(|path| self.path(path)).transpose()?.flatten();
        let mut query = Vec::with_capacity(draft.query.len());
        for (name, text) in &draft.query {
            if holds_placeholder(name.as_bytes()) {
                return Err(FillError::Misplaced("as the name of a query parameter"));
            }
            query.push((
                name.clone(),
                self.value(text, "beside other text in a query value")?.unwrap_or(text).to_owned(),
            ));
        }
        if path.is_none() && query == draft.query {
            return Ok(None);
        }
        let path = path.or_else(|| draft.path.clone());
        Ok(Some(RequestDraft { path, query, headers: Vec::new(), body: Bytes::new(), ..draft.clone() }))
    }

    fn path(&self, path: &str) -> Result<Option<String>, FillError> {
        if !holds_placeholder(path.as_bytes()) {
            return Ok(None);
        }
        let (path, rest) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
        if holds_placeholder(rest.as_bytes()) {
            return Err(FillError::Misplaced("in a query that is written into the path"));
        }
        let segments = path.split('/').map(|segment| match self.value(segment, "beside other text in a path")? {
            None => Ok(Cow::Borrowed(segment)),
            // Resolved as steps in the path, or lost: then the secret would no longer be one segment.
            Some("" | "." | "..") => Err(FillError::Unusable("in a path")),
            Some(value) => Ok(Cow::Owned(encode_segment(value))),
        });
        Ok(Some(segments.collect::<Result<Vec<_>, _>>()?.join("/") + rest))
    }

    fn body(&self, body: &Bytes, content_type: &str) -> Result<Bytes, FillError> {
        let there = found(body).count();
        if there == 0 {
            return Ok(body.clone());
        }
        if !is_json(content_type) {
            return Err(FillError::Misplaced("in a body that isn't JSON"));
        }
        let (mut filled, mut rest, mut done) = (Vec::with_capacity(body.len() + 64), &**body, 0);
        while let Some(string) = next_string(rest) {
            let text = rest.get(string.clone()).unwrap_or_default();
            let after = rest.get(string.end + 1..).unwrap_or_default();
            if is_one(text) && !after.trim_ascii_start().starts_with(b":") {
                let text = std::str::from_utf8(text).unwrap_or_default();
                let value = self.value(text, "in a body")?.unwrap_or_default();
                filled.extend_from_slice(rest.get(..string.start - 1).unwrap_or_default());
                // Text always has a JSON form.
                filled.extend_from_slice(serde_json::to_string(value).unwrap_or_default().as_bytes());
                done += 1;
            } else {
                filled.extend_from_slice(rest.get(..=string.end).unwrap_or_default());
            }
            rest = after;
        }
        filled.extend_from_slice(rest);
        if done == there {
            Ok(filled.into())
        } else {
            Err(FillError::Misplaced("in part of a JSON string, or as a key"))
        }
    }
}

/// The inside of the first JSON string; both its quotation marks are there.
fn next_string(json: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = json.iter().position(|byte| *byte == b'"')? + 1;
    let mut escaped = false;
    let end = json.get(start..)?.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some(start..start + end)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// RFC 3986: a segment keeps unreserved characters, sub-delimiters, ':' and '@'.
fn encode_segment(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
