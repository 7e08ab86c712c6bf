//! What Discord's answers mean. Errors are JSON with a code. Next: `README.md`, which has this as a table.
//!
//! Source: discord-api-docs, topics/rate-limits and topics/opcodes-and-status-codes. Discord bans an address for a while after
//! 10,000 invalid requests (401, 403, 429) in ten minutes, and all webhooks of a server share its address: so the first 401 or
//! 404 disables the webhook instead of trying again.

use serde::Deserialize;
use serde_json::Value;
use waxwing_chat::clean;
use waxwing_guest::{Judgement, Reply};

/// When Discord says "slow down" without saying for how long.
const PAUSE_MS: u64 = 30_000;
/// No pause is longer, whatever the reply says.
const LONGEST_PAUSE_S: f64 = 24.0 * 3600.0;
/// How deep an error may stand in `errors`.
const DEEPEST: usize = 12;

/// The members of an error that are read; all may be missing, and a wrong one is no reason to lose the others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Value,
    message: Value,
    retry_after: Value,
    errors: Value,
}

/// Decides by the status; what Discord says is told to the owner.
pub(crate) fn judge(reply: &Reply) -> Judgement {
    let problem = || reply.json::<Problem>().unwrap_or_default();
    match reply.status {
        200..300 => Judgement::Success,
        // The webhook was deleted, or its token is wrong: no message will ever arrive.
        401 | 404 => Judgement::disable_webhook(told(reply, &problem())),
        429 => Judgement::retry_after(pause(reply, &problem())),
        408 | 425 | 500.. => Judgement::Retry(None),
        _ => Judgement::fail(told(reply, &problem())),
    }
}

fn told(reply: &Reply, problem: &Problem) -> String {
    let mut told = format!("Discord answered {}", reply.status);
    if let Some(code) = problem.code.as_i64() {
        told += &format!(" (code {code})");
    }
    if let Some(message) = problem.message.as_str() {
        told += &format!(": {}", clean(message, 200));
    }
    let mut path = String::new();
    if let Some(detail) = first_detail(&problem.errors, &mut path, DEEPEST) {
        told += &format!(" {}: {}", clean(&path, 100), clean(detail, 200));
    }
    told
}

/// The first message in `{"embeds":{"0":{"title":{"_errors":[{"message":…}]}}}}`; its place goes into `path`.
fn first_detail<'v>(errors: &'v Value, path: &mut String, deep: usize) -> Option<&'v str> {
    let members = errors.as_object().filter(|_| deep > 0)?;
    if let Some(found) = members.get("_errors") {
        return found.get(0)?.get("message")?.as_str();
    }
    members.iter().find_map(|(name, inner)| {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        let found = first_detail(inner, path, deep - 1);
        if found.is_none() {
            path.truncate(length);
        }
        found
    })
}

/// Seconds with a fraction in the body, else in a header; rounded up, so as not to come back early.
fn pause(reply: &Reply, problem: &Problem) -> u64 {
    let header = |name| reply.header(name).and_then(|value| serde_json::from_str::<f64>(value).ok());
    let seconds =
        problem.retry_after.as_f64().or_else(|| header("x-ratelimit-reset-after")).or_else(|| header("retry-after"));
    match seconds {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a day")]
        Some(seconds) if seconds >= 0.0 => (seconds.min(LONGEST_PAUSE_S) * 1000.0).ceil() as u64,
        _ => PAUSE_MS,
    }
}

#[cfg(test)]
mod tests {
    use waxwing_guest::testing::reply;

    use super::*;

    #[test]
    fn a_saved_message_is_a_success() {
        assert_eq!(judge(&reply(200, &[], r#"{"id":"1"}"#)), Judgement::Success);
        assert_eq!(judge(&reply(204, &[], "")), Judgement::Success);
    }

    #[test]
    fn the_first_401_or_404_disables_the_webhook() {
        let gone = judge(&reply(404, &[], r#"{"message":"Unknown Webhook","code":10015}"#));
        assert_eq!(gone, Judgement::DisableWebhook("Discord answered 404 (code 10015): Unknown Webhook".to_owned()));
        for (status, body) in [(401, r#"{"message":"Invalid Webhook Token","code":50027}"#), (404, "<html>"), (401, "")]
        {
            assert!(matches!(judge(&reply(status, &[], body)), Judgement::DisableWebhook(_)), "{status} {body}");
        }
    }

    #[test]
    fn a_message_that_discord_refuses_is_not_sent_again_and_the_place_is_told() {
        let body = r#"{"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"fields":{"6":{"value":{"_errors":[
            {"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 1024 or fewer in length."}]}}}}}}}"#;
        let reason = "Discord answered 400 (code 50035): Invalid Form Body /embeds/0/fields/6/value: Must be 1024 or fewer in length.";
        assert_eq!(judge(&reply(400, &[], body)), Judgement::Fail(reason.to_owned()));
        for status in [302, 400, 403, 405, 413] {
            assert!(matches!(judge(&reply(status, &[], "")), Judgement::Fail(_)), "{status}");
        }
    }

    #[test]
    fn discord_says_when_to_come_back() {
        for (body, headers, millis) in [
            (r#"{"retry_after":64.57,"global":false}"#, &[("retry-after", "65")][..], 64_570),
            (r#"{"retry_after":0.0001}"#, &[], 1),
            (r#"{"retry_after":2}"#, &[], 2_000),
            ("error code: 1015", &[("Retry-After", "12")], 12_000),
            ("", &[("X-RateLimit-Reset-After", "1.5"), ("Retry-After", "9")], 1_500),
            (r#"{"retry_after":-1}"#, &[], PAUSE_MS),
            (r#"{"retry_after":"soon"}"#, &[("retry-after", "NaN")], PAUSE_MS),
            (r#"{"retry_after":1e300}"#, &[], 86_400_000),
        ] {
            assert_eq!(judge(&reply(429, headers, body)), Judgement::Retry(Some(millis)), "{body}");
        }
    }

    #[test]
    fn trouble_at_discord_is_retried_by_the_policy() {
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(judge(&reply(status, &[], "")), Judgement::Retry(None), "{status}");
        }
    }
}
