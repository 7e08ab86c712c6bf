//! Applies what a request says to a webhook, field by field, and gathers every fault with its place.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::format;
use crate::model::name::{Environment, Pattern, Subscription};
use crate::model::policy::RetryPolicy;
use crate::model::request::Header;
use crate::model::tenant::TenantProfile;
use crate::model::webhook::{FormatName, FormatOptions, Revision, SecretUrl, Status, Webhook};
use crate::service::Rules;
use crate::service::error::{Issues, step};
use crate::service::patch::Patch;

use super::input::WebhookInput;
use super::url::{BadUrl, parse_url};

const NAME_MAX: usize = 128;
const DESCRIPTION_MAX: usize = 2048;
const HEADERS_MAX: usize = 64;
const HEADERS_BYTES_MAX: usize = 16 * 1024;
const HEADER_VALUE_MAX: usize = 8 * 1024;
const ORIGINS_MAX: usize = 16;
const RATE_MAX: u32 = 10_000;
const TIMEOUT: std::ops::RangeInclusive<u32> = 1..=60;
pub(super) const TIMEOUT_DEFAULT: u32 = 10;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a field falls back to: the tenant's own defaults, then the server's.
#[derive(Clone, Debug, Default)]
pub(in crate::service) struct Fallback {
    pub(in crate::service) format: FormatName,
    pub(in crate::service) environment: Environment,
    pub(in crate::service) retry: RetryPolicy,
}

/// A webhook under change, with all that its fields are judged by.
pub(super) struct Change<'a> {
    pub(super) rules: &'a Rules,
    pub(super) fallback: &'a Fallback,
    pub(super) profile: &'a TenantProfile,
    pub(super) issues: &'a mut Issues,
}

impl Change<'_> {
    /// All fields but tenant, secret, chain, status and template, which need more than the field itself.
    pub(super) fn apply(&mut self, input: &mut WebhookInput, webhook: &mut Webhook, revision: &mut Revision) {
        let current = &mut webhook.current;
        if let Patch::Set(text) = std::mem::take(&mut input.url) {
            let url = parse_url(&text, self.rules);
            current.url = self.issues.take("/url", "invalid-url", url).map_or(current.url.clone(), SecretUrl::new);
        }
        self.text("/name", NAME_MAX, &mut input.name, &mut webhook.name);
        self.text("/description", DESCRIPTION_MAX, &mut input.description, &mut webhook.description);
        if let Some(headers) = replaced(&mut input.headers) {
            current.headers = self.headers(headers);
        }
        if let Some(retry) = replaced_or(&mut input.retry, &self.fallback.retry) {
            current.retry = self.retry(retry);
        }
        if let Some(seconds) = replaced_or(&mut input.timeout_seconds, &TIMEOUT_DEFAULT) {
            if TIMEOUT.contains(&seconds) {
                current.timeout = Duration::from_secs(u64::from(seconds));
            } else {
                self.issues.add("/timeoutSeconds", "out-of-bounds", "must be 1 to 60");
            }
        }
        match std::mem::take(&mut input.rate_limit) {
            Patch::Keep => {}
            Patch::Reset => current.rate_limit = None,
            Patch::Set(rate @ 1..=RATE_MAX) => current.rate_limit = Some(rate),
            Patch::Set(_) => self.issues.add("/rateLimit", "out-of-bounds", format!("must be 1 to {RATE_MAX}")),
        }
        std::mem::take(&mut input.ordering).apply(&mut current.ordering);
        if let Some(origins) = replaced(&mut input.allow_origins) {
            current.allow_origins = self.origins(&origins);
        }
        self.subscription(input, revision);
        self.format(input, revision);
        if let Some(environment) = replaced_or(&mut input.environment, &self.fallback.environment.to_string()) {
            let parsed = self.issues.take("/environment", "invalid-name", environment.parse());
            revision.environment = parsed.unwrap_or_else(|| revision.environment.clone());
        }
    }

    fn text(&mut self, at: &str, max: usize, patch: &mut Patch<String>, field: &mut String) {
        let Some(text) = replaced(patch) else { return };
        if text.len() > max {
            self.issues.add(at, "too-long", format!("at most {max} bytes"));
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.issues.add(at, "invalid-text", "control characters can't stand here");
        } else {
            *field = text;
        }
    }

    fn subscription(&mut self, input: &mut WebhookInput, revision: &mut Revision) {
        let patterns = match std::mem::take(&mut input.events) {
            Patch::Keep => return,
            Patch::Reset => Vec::new(),
            Patch::Set(patterns) => patterns,
        };
        if patterns.is_empty() || patterns.len() > Subscription::MAX {
            self.issues.add("/events", "out-of-bounds", format!("must name 1 to {} event types", Subscription::MAX));
            return;
        }
        let mut parsed: Vec<Pattern> = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let pattern = self.issues.take(&format!("/events/{index}"), "invalid-event-type", pattern.parse());
            parsed.extend(pattern.filter(|pattern: &Pattern| !parsed.contains(pattern)));
        }
        if let Some(subscription) = Subscription::new(parsed) {
            revision.subscription = subscription;
        }
    }

    fn format(&mut self, input: &mut WebhookInput, revision: &mut Revision) {
        if let Some(name) = replaced_or(&mut input.format, &self.fallback.format) {
            if name != revision.format.name && input.format_options.is_keep() {
                revision.format.options = FormatOptions::default();
            }
            revision.format.name = name;
        }
        std::mem::take(&mut input.format_options).apply(&mut revision.format.options);
        if let Err(bad) = format::check_options(revision.format.name, &revision.format.options) {
            self.issues.add("/formatOptions/account", "invalid-option", bad);
        }
    }

    fn headers(&mut self, headers: BTreeMap<String, String>) -> Vec<Header> {
        if headers.len() > HEADERS_MAX
            || headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > HEADERS_BYTES_MAX
        {
            self.issues.add("/headers", "too-long", "at most 64 headers and 16 KiB in all");
            return Vec::new();
        }
        let mut list: Vec<Header> = Vec::new();
        for (name, value) in headers {
            let lower = name.to_ascii_lowercase();
            match header_fault(&lower, &value, &list) {
                Some((code, detail)) => self.issues.add(format!("/headers{}", step(&name)), code, detail),
                None => list.push(Header { name: lower.into(), value: value.into() }),
            }
        }
        list
    }

    /// What is pending must not outlive its event.
    fn retry(&mut self, policy: RetryPolicy) -> RetryPolicy {
        let kept = DAY * u32::from(self.profile.retention.days());
        if policy.span() + DAY > kept {
            let detail = format!(
                "the last retry comes after {} hours, and the tenant keeps events for {} days: one day more than the retries is needed",
                policy.span().as_secs().div_ceil(3600),
                self.profile.retention.days(),
            );
            self.issues.add("/retry", "retention-too-short", detail);
        }
        policy
    }

    fn origins(&mut self, origins: &[String]) -> Vec<String> {
        if origins.len() > ORIGINS_MAX {
            self.issues.add("/allowOrigins", "too-long", format!("at most {ORIGINS_MAX} origins"));
            return Vec::new();
        }
        let mut list = Vec::new();
        for (index, origin) in origins.iter().enumerate() {
            let parsed = parse_url(origin, self.rules).and_then(|url| match url.path() {
                "/" if url.query().is_none() => Ok(url.origin().ascii_serialization()),
                _ => Err(BadUrl::NotAnOrigin),
            });
            list.extend(self.issues.take(&format!("/allowOrigins/{index}"), "invalid-url", parsed));
        }
        list
    }
}

/// The status that `isActive` asks for. Paused stays paused: only `resume` ends that.
pub(super) fn status_for(active: &Patch<bool>, status: Status) -> Status {
    use crate::model::webhook::DisabledReason::User;
    match (active, status) {
        (Patch::Set(false), Status::Active | Status::Paused) => Status::Disabled(User),
        (Patch::Set(true) | Patch::Reset, Status::Disabled(_)) => Status::Active,
        (_, same) => same,
    }
}

/// Headers that the connection is ruled by (RFC 9110, section 7.6.1, and framing), and what would be a second identity.
const NEVER: [&str; 14] = [
    "host",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn is_reserved(lower: &str) -> bool {
    NEVER.contains(&lower) || format::reserved_headers().contains(&lower)
}

fn header_fault(lower: &str, value: &str, before: &[Header]) -> Option<(&'static str, &'static str)> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if lower.is_empty() || !lower.bytes().all(token) {
        return Some(("invalid-header", "not a header name (RFC 9110, section 5.1)"));
    }
    if is_reserved(lower) {
        return Some(("reserved-header", "this header is written by the server or by a format"));
    }
    if before.iter().any(|header| *header.name == *lower) {
        return Some(("duplicate-header", "the same name stands there in another case"));
    }
    let visible = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    let trimmed = value.trim_matches([' ', '\t']).len() == value.len();
    if value.len() > HEADER_VALUE_MAX || !trimmed || !value.bytes().all(visible) {
        return Some(("invalid-header", "a value is at most 8 KiB of visible ASCII, without space at its ends"));
    }
    None
}

/// The new value, the type's default after `null`, or nothing to do.
fn replaced<T: Default>(patch: &mut Patch<T>) -> Option<T> {
    match std::mem::take(patch) {
        Patch::Keep => None,
        Patch::Reset => Some(T::default()),
        Patch::Set(value) => Some(value),
    }
}

fn replaced_or<T: Clone>(patch: &mut Patch<T>, default: &T) -> Option<T> {
    match std::mem::take(patch) {
        Patch::Keep => None,
        Patch::Reset => Some(default.clone()),
        Patch::Set(value) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_the_server_or_a_format_writes_is_refused() {
        for name in ["host", "content-length", "webhook-signature", "x-hub-signature-256"] {
            assert_eq!(header_fault(name, "x", &[]).unwrap().0, "reserved-header", "{name}");
        }
        assert_eq!(header_fault("x-key", "a\r\nb: c", &[]).unwrap().0, "invalid-header");
        assert_eq!(header_fault("x key", "a", &[]).unwrap().0, "invalid-header");
        assert_eq!(header_fault("x-key", "a", &[]), None);
    }
}
