//! What a sink may answer. It stands on the portal's own origin: nothing that a browser runs, keeps or obeys.

use std::collections::BTreeMap;

use crate::model::sink::SinkAnswer;
use crate::service::error::{Issues, step};

const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;
const HEADERS_MAX: usize = 20;
const VALUE_MAX: usize = 1024;
const BODY_MAX: usize = 64 * 1024;
const DELAY_MS_MAX: u32 = 10_000;

/// Besides those that begin with `x-`.
const HEADERS: [&str; 3] = ["content-type", "location", "retry-after"];
/// To web servers in front of us these are commands, to browsers some of these are.
const COMMANDS: [&str; 6] =
    ["x-accel-", "x-sendfile", "x-lighttpd-", "x-litespeed-", "x-content-type-options", "x-frame-options"];
/// No script or style is of these types, and a browser that is told not to guess takes none for one.
const CONTENT_TYPES: [&str; 4] = ["application/json", "application/problem+json", "application/xml", "text/plain"];
const CONTENT_TYPE: &str = "content-type";

/// Names in lower case; a body without a type is plain text.
pub(super) fn checked(answer: SinkAnswer, issues: &mut Issues) -> SinkAnswer {
    let SinkAnswer { status, headers, body, delay_ms } = answer;
    if !STATUSES.contains(&status) {
        issues.add("/status", "out-of-bounds", "must be 200 to 599");
    }
    if body.len() > BODY_MAX {
        issues.add("/body", "out-of-bounds", format!("at most {BODY_MAX} bytes"));
    }
    if delay_ms > DELAY_MS_MAX {
        issues.add("/delayMs", "out-of-bounds", format!("must be 0 to {DELAY_MS_MAX}"));
    }
    if headers.len() > HEADERS_MAX {
        issues.add("/headers", "out-of-bounds", format!("at most {HEADERS_MAX}"));
    }
    let headers: BTreeMap<String, String> =
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    for (name, value) in &headers {
        let place = format!("/headers{}", step(name));
        if let Some(detail) = fault_of(name, value) {
            issues.add(place, "invalid-header", detail);
        }
    }
    SinkAnswer { status, headers, body, delay_ms }
}

fn fault_of(name: &str, value: &str) -> Option<String> {
    let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_command = COMMANDS.iter().any(|command| name.starts_with(command));
    if !is_token || is_command || !(name.starts_with("x-") || HEADERS.contains(&name)) {
        return Some(format!("a sink may answer {}, and headers that begin with x-", HEADERS.join(", ")));
    }
    if value.len() > VALUE_MAX || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some(format!("at most {VALUE_MAX} visible characters of ASCII"));
    }
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if name == CONTENT_TYPE && !CONTENT_TYPES.contains(&essence.as_str()) {
        return Some(format!("must be one of {}", CONTENT_TYPES.join(", ")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_answers_nothing_that_a_browser_or_a_proxy_would_obey() {
        for (name, value) in [
            ("Retry-After", "7"),
            ("X-Test", "a b"),
            ("location", "/api"),
            ("content-type", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(fault_of(&name.to_ascii_lowercase(), value), None, "{name}");
        }
        for (name, value) in [
            ("set-cookie", "waxwing_session=a"),
            ("content-type", "text/html"),
            ("content-type", "text/javascript"),
            ("content-type", "image/svg+xml"),
            ("content-security-policy", "default-src *"),
            ("access-control-allow-origin", "*"),
            ("service-worker-allowed", "/"),
            ("refresh", "0; url=https://evil.example"),
            ("clear-site-data", "*"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
            ("x-accel-redirect", "/etc/passwd"),
            ("x-sendfile", "/etc/passwd"),
            ("x-test", "a\r\nset-cookie: b"),
            ("x test", "a"),
            ("", "a"),
        ] {
            assert!(fault_of(name, value).is_some(), "{name}: {value}");
        }
    }
}
