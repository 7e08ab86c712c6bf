//! The contract's limits on a verdict, as the host checks them: counts, lengths, syntax.
//!
//! The host refuses more than this: every header that one of its formats writes, origins that nobody allowed, and data that is no
//! JSON in place of some that was. A test of the host's compares the two. Next: `golden.rs`.

use std::collections::HashSet;

use crate::{Header, Request, Verdict};

const MAX_BODY: usize = 1 << 20;
const MAX_REASON: usize = 1 << 10;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_VALUE: usize = 8 << 10;
const MAX_HEADER_BYTES: usize = 16 << 10;
const MAX_QUERY: usize = 64;
const MAX_QUERY_BYTES: usize = 8 << 10;
const MAX_ATTRIBUTES: usize = 64;
const MAX_PATH: usize = 4 << 10;
const MAX_CONTENT_TYPE: usize = 256;

/// Framing, hop-by-hop (RFC 9110, section 7.6.1), cookies, and what would speak for the host.
const RESERVED: [&str; 21] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
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
    "x-forwarded-for",
    "x-forwarded-host",
];

/// What the host would refuse in a verdict, one line each. [`run`](super::run()) panics with them.
#[must_use]
pub fn violations(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Pass => Vec::new(),
        Verdict::Replace(data) => too_long("data", data.len(), MAX_BODY),
        Verdict::Drop(reason) => too_long("reason", reason.len(), MAX_REASON),
        Verdict::Send(request) => of_request(request),
    }
}

fn of_request(request: &Request) -> Vec<String> {
    let mut found = too_long("body", request.body.len(), MAX_BODY);
    found.extend(too_many("headers", request.headers.len(), MAX_HEADERS));
    found.extend(too_many("query parameters", request.query.len(), MAX_QUERY));
    found.extend(too_many("attributes", request.attributes.len(), MAX_ATTRIBUTES));
    let bytes = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    found.extend(too_long("headers in all", bytes, MAX_HEADER_BYTES));
    let bytes = request.query.iter().map(|(name, value)| name.len() + value.len()).sum();
    found.extend(too_long("query in all", bytes, MAX_QUERY_BYTES));
    found.extend(too_long("content type", request.content_type.len(), MAX_CONTENT_TYPE));
    if !is_content_type(&request.content_type) {
        found.push(format!("content type {:?} isn't one", request.content_type));
    }
    if let Some(path) = request.path.as_deref() {
        found.extend(too_long("path", path.len(), MAX_PATH));
        if !is_path(path) {
            found.push(format!("path {path:?} isn't one that begins with a single / and needs no further escape"));
        }
    }
    let mut seen = HashSet::new();
    for header in &request.headers {
        found.extend(of_header(header));
        if !seen.insert(&header.name) {
            found.push(format!("header {:?} is there twice", header.name));
        }
    }
    found
}

fn of_header(header: &Header) -> Vec<String> {
    let mut found = too_long(&format!("value of header {:?}", header.name), header.value.len(), MAX_HEADER_VALUE);
    if header.name.is_empty() || !header.name.bytes().all(is_lower_token) {
        found.push(format!("header name {:?} isn't a lower-case token", header.name));
    }
    if RESERVED.contains(&header.name.as_str()) {
        found.push(format!("header {:?} is the host's own", header.name));
    }
    if !is_field_value(&header.value) {
        found.push(format!("header {:?} holds more than visible ASCII with spaces and tabs between", header.name));
    }
    found
}

fn is_lower_token(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_field_value(value: &str) -> bool {
    let visible = value.bytes().all(|byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic());
    visible && value.trim_matches([' ', '\t']) == value
}

fn is_content_type(text: &str) -> bool {
    let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let both = text.split_once('/').is_some_and(|(kind, more)| !kind.is_empty() && !more.is_empty());
    visible && both && text.trim() == text
}

/// An absolute path (RFC 3986) that stays where it is: no second slash at its beginning, no dot segments, escapes of two digits.
fn is_path(path: &str) -> bool {
    let escaped = |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte))
        && path.split('%').skip(1).all(escaped)
        && !path.split('/').any(dots)
}

fn too_long(what: &str, length: usize, limit: usize) -> Vec<String> {
    over(length, limit, || format!("{what}: {length} bytes, {limit} allowed"))
}

fn too_many(what: &str, count: usize, limit: usize) -> Vec<String> {
    over(count, limit, || format!("{count} {what}, {limit} allowed"))
}

fn over(value: usize, limit: usize, text: impl FnOnce() -> String) -> Vec<String> {
    if value > limit { vec![text()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(change: impl FnOnce(Request) -> Request) -> Vec<String> {
        violations(&change(Request::new("text/plain", "x")).into())
    }

    #[test]
    fn an_ordinary_request_is_within_the_contract() {
        assert_eq!(sending(|request| request.header("x-token", "a b\tc").path("/v2").query("wait", "true")), [""; 0]);
    }

    #[test]
    fn what_the_host_refuses_is_named() {
        assert_eq!(
            sending(|request| request.header("X-Token", "a")),
            ["header name \"X-Token\" isn't a lower-case token"]
        );
        assert_eq!(sending(|request| request.header("host", "a")), ["header \"host\" is the host's own"]);
        assert_eq!(
            sending(|request| request.header("a", "b\r\nc")),
            ["header \"a\" holds more than visible ASCII with spaces and tabs between"]
        );
        assert_eq!(sending(|request| request.header("a", "b").header("a", "c")), ["header \"a\" is there twice"]);
        assert_eq!(
            sending(|request| request.path("//evil")),
            ["path \"//evil\" isn't one that begins with a single / and needs no further escape"]
        );
        assert_eq!(violations(&Verdict::drop("x".repeat(1025))), ["reason: 1025 bytes, 1024 allowed"]);
        let many = sending(|request| (0..65).fold(request, |request, n| request.header(format!("h{n}"), "")));
        assert_eq!(many, ["65 headers, 64 allowed"]);
    }
}
