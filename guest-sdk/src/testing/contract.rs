//! The contract's limits on a verdict, as the host checks them: counts, lengths, syntax.
//!
//! The host refuses more than this, among it every header that one of its formats writes; that list is its own. Next:
//! `golden.rs`.

use std::collections::HashSet;

use crate::{Header, Request, Verdict};

const MAX_BODY: usize = 1 << 20;
const MAX_REASON: usize = 1 << 10;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_VALUE: usize = 8 << 10;
const MAX_HEADER_BYTES: usize = 16 << 10;
const MAX_QUERY: usize = 64;

/// Framing, hop-by-hop (RFC 9110, section 7.6.1) and what would speak for the host.
const RESERVED: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
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
    let bytes = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    found.extend(too_long("headers in all", bytes, MAX_HEADER_BYTES));
    if !is_field_value(&request.content_type) || request.content_type.is_empty() {
        found.push(format!("content type {:?} can't stand in a header", request.content_type));
    }
    if let Some(path) = request.path.as_deref().filter(|path| !path.starts_with('/') || path.starts_with("//")) {
        found.push(format!("path {path:?} doesn't begin with a single /"));
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
        found.push(format!("header {:?} has a character that isn't visible ASCII, space or tab", header.name));
    }
    found
}

fn is_lower_token(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_field_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic())
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
            ["header \"a\" has a character that isn't visible ASCII, space or tab"]
        );
        assert_eq!(sending(|request| request.header("a", "b").header("a", "c")), ["header \"a\" is there twice"]);
        assert_eq!(sending(|request| request.path("//evil")), ["path \"//evil\" doesn't begin with a single /"]);
        assert_eq!(violations(&Verdict::drop("x".repeat(1025))), ["reason: 1025 bytes, 1024 allowed"]);
        let many = sending(|request| (0..65).fold(request, |request, n| request.header(format!("h{n}"), "")));
        assert_eq!(many, ["65 headers, 64 allowed"]);
    }
}
