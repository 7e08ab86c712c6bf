//! What HubSpot's answers mean. A batch can succeed in part, and the status alone doesn't say so. Next: `README.md`, which has
//! this as a table.
//!
//! Sources: developers.hubspot.com, error handling (207, 401, 403, 423, 429, 477) and API usage guidelines (rate limits).

use serde::Deserialize;
use serde_json::Value;
use waxwing_guest::{Judgement, Reply};

/// The rolling limit counts ten seconds.
const ROLLING_MS: u64 = 10_000;
/// The daily limit ends at midnight in the account's own time zone, which we don't know: so ask again every hour.
const DAILY_MS: u64 = 3_600_000;
/// A record that is locked is free again after two seconds.
const LOCKED_MS: u64 = 2_000;
/// No pause is longer, whatever the header says.
const LONGEST_PAUSE_S: u64 = 24 * 3600;

/// The members of an answer that are read; all may be missing, and a wrong one is no reason to lose the others.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    category: Value,
    message: Value,
    policy_name: Value,
    num_errors: Value,
    errors: Value,
    status: Value,
}

/// Decides by status and body; what HubSpot says is told to the owner.
pub(crate) fn judge(reply: &Reply) -> Judgement {
    let answer = || reply.json::<Answer>();
    match reply.status {
        200..300 => written(reply, answer()),
        429 => throttled(reply, &answer().unwrap_or_default()),
        // A conflict with another writer; a record that is locked; an account that is being moved.
        423 => Judgement::retry_after(pause(reply).unwrap_or(LOCKED_MS)),
        409 | 477 | 408 | 425 | 500.. => pause(reply).map_or(Judgement::Retry(None), Judgement::retry_after),
        _ => Judgement::fail(told(reply, &answer().unwrap_or_default())),
    }
}

/// Contacts that were refused stay refused: the same data would be refused again. Only those that met a limit are tried again,
/// with all others, which an upsert doesn't mind.
fn written(reply: &Reply, answer: Option<Answer>) -> Judgement {
    let Some(answer) = answer else {
        // Only a batch that met trouble answers 207; one that can't be read doesn't say which.
        return if reply.status == 207 {
            Judgement::fail("HubSpot answered 207 with a body that can't be read")
        } else {
            Judgement::Success
        };
    };
    let errors = answer.errors.as_array().map_or(&[][..], Vec::as_slice);
    let count = answer.num_errors.as_u64().unwrap_or(0).max(errors.len() as u64);
    if count == 0 && answer.status.as_str() != Some("CANCELED") {
        return Judgement::Success;
    }
    let category = |error: &Value| error.get("category").and_then(Value::as_str).map(str::to_owned);
    if !errors.is_empty()
        && errors.iter().all(|error| category(error).is_some_and(|category| category.starts_with("RATE_LIMIT")))
    {
        return Judgement::retry_after(ROLLING_MS);
    }
    let first = errors.first().and_then(|error| error.get("message")).and_then(Value::as_str).unwrap_or_default();
    Judgement::fail(short(&format!("HubSpot answered {}: {count} contact(s) not written: {first}", reply.status)))
}

fn throttled(reply: &Reply, answer: &Answer) -> Judgement {
    let daily = answer.policy_name.as_str().is_some_and(|policy| policy.eq_ignore_ascii_case("DAILY"));
    let otherwise = if daily { DAILY_MS } else { ROLLING_MS };
    Judgement::retry_after(pause(reply).unwrap_or(otherwise))
}

fn pause(reply: &Reply) -> Option<u64> {
    let seconds = reply.header("retry-after")?.trim().parse::<u64>().ok()?;
    Some(seconds.min(LONGEST_PAUSE_S) * 1000)
}

fn told(reply: &Reply, answer: &Answer) -> String {
    let category = answer.category.as_str().map(|category| format!(" {category}")).unwrap_or_default();
    let message = answer.message.as_str().map(|message| format!(": {message}")).unwrap_or_default();
    let hint = match reply.status {
        401 => " (is the access token right?)",
        403 => " (has the token the scope crm.objects.contacts.write?)",
        _ => "",
    };
    short(&format!("HubSpot answered {}{category}{hint}{message}", reply.status))
}

fn short(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use waxwing_guest::testing::reply;

    use super::*;

    #[test]
    fn a_batch_that_was_written_is_a_success() {
        for (status, body) in [
            (200, r#"{"status":"COMPLETE","results":[{"id":"1","new":true}]}"#),
            (201, "{}"),
            (200, ""),
            (207, r#"{"status":"COMPLETE","numErrors":0,"errors":[]}"#),
        ] {
            assert_eq!(judge(&reply(status, &[], body)), Judgement::Success, "{status} {body}");
        }
    }

    #[test]
    fn a_207_with_errors_is_no_success() {
        let body = r#"{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"VALIDATION_ERROR","message":"Email is invalid"}]}"#;
        for status in [200, 207] {
            let reason = format!("HubSpot answered {status}: 1 contact(s) not written: Email is invalid");
            assert_eq!(judge(&reply(status, &[], body)), Judgement::Fail(reason));
        }
        assert!(matches!(judge(&reply(207, &[], "<html>")), Judgement::Fail(_)));
        assert!(matches!(judge(&reply(207, &[], r#"{"numErrors":2}"#)), Judgement::Fail(_)));
        assert!(matches!(judge(&reply(200, &[], r#"{"status":"CANCELED"}"#)), Judgement::Fail(_)));
    }

    #[test]
    fn a_207_whose_errors_are_limits_is_tried_again() {
        let body = r#"{"numErrors":1,"errors":[{"category":"RATE_LIMITS","message":"slow down"}]}"#;
        assert_eq!(judge(&reply(207, &[], body)), Judgement::Retry(Some(ROLLING_MS)));
    }

    #[test]
    fn each_limit_has_its_own_pause() {
        for (body, headers, millis) in [
            (r#"{"status":"error","policyName":"TEN_SECONDLY_ROLLING"}"#, &[][..], ROLLING_MS),
            (r#"{"status":"error","policyName":"DAILY"}"#, &[], DAILY_MS),
            (r#"{"policyName":"DAILY"}"#, &[("Retry-After", "600")], 600_000),
            ("", &[("retry-after", "soon")], ROLLING_MS),
            ("", &[("retry-after", "999999999")], 86_400_000),
        ] {
            assert_eq!(judge(&reply(429, headers, body)), Judgement::Retry(Some(millis)), "{body}");
        }
    }

    #[test]
    fn what_hubspot_refuses_is_not_sent_again_and_the_reason_is_told() {
        let body = r#"{"status":"error","message":"Property \"naem\" does not exist","category":"VALIDATION_ERROR"}"#;
        let reason = "HubSpot answered 400 VALIDATION_ERROR: Property \"naem\" does not exist";
        assert_eq!(judge(&reply(400, &[], body)), Judgement::Fail(reason.to_owned()));
        for status in [302, 401, 403, 404, 413, 414] {
            assert!(
                matches!(judge(&reply(status, &[], "")), Judgement::Fail(reason) if reason.len() <= 300),
                "{status}"
            );
        }
    }

    #[test]
    fn trouble_at_hubspot_is_tried_again() {
        for status in [408, 409, 500, 502, 503, 504] {
            assert_eq!(judge(&reply(status, &[], "")), Judgement::Retry(None), "{status}");
        }
        assert_eq!(judge(&reply(423, &[], "")), Judgement::Retry(Some(LOCKED_MS)));
        assert_eq!(judge(&reply(477, &[("Retry-After", "3600")], "")), Judgement::Retry(Some(3_600_000)));
    }
}
