//! What Slack's answers mean. Errors are plain-text bodies. Next: `README.md`, which has this as a table.
//!
//! Sources: Slack's changelog "changes to errors for incoming webhooks" and its page on rate limits.

use waxwing_chat::clean;
use waxwing_guest::{Judgement, Reply};

/// When Slack says "slow down" without saying for how long.
const PAUSE_MS: u64 = 30_000;
/// No pause is longer, whatever the header says.
const LONGEST_PAUSE_S: u64 = 24 * 3600;

/// Decides by the status; the body is told to the owner.
pub(crate) fn judge(reply: &Reply) -> Judgement {
    let said = || {
        let text = reply.text();
        let text = clean(&text, 200);
        if text.is_empty() {
            format!("Slack answered {}", reply.status)
        } else {
            format!("Slack answered {}: {text}", reply.status)
        }
    };
    match reply.status {
        200..300 => Judgement::Success,
        // The channel is archived: nothing sent here will ever arrive.
        410 => Judgement::disable_webhook(said()),
        429 => Judgement::retry_after(pause(reply)),
        408 | 425 | 500.. => Judgement::Retry(None),
        _ => Judgement::fail(said()),
    }
}

fn pause(reply: &Reply) -> u64 {
    let seconds = reply.header("retry-after").and_then(|value| value.trim().parse::<u64>().ok());
    seconds.map_or(PAUSE_MS, |seconds| seconds.min(LONGEST_PAUSE_S) * 1000)
}

#[cfg(test)]
mod tests {
    use waxwing_guest::Header;

    use super::*;

    fn reply(status: u16, body: &str, headers: &[(&str, &str)]) -> Reply {
        let headers = headers.iter().map(|&(name, value)| Header { name: name.to_owned(), value: value.to_owned() });
        Reply { status, headers: headers.collect(), body: body.as_bytes().to_vec(), attributes: Vec::new() }
    }

    #[test]
    fn ok_is_a_success() {
        assert_eq!(judge(&reply(200, "ok", &[])), Judgement::Success);
    }

    #[test]
    fn an_archived_channel_disables_the_webhook() {
        let judgement = judge(&reply(410, "channel_is_archived", &[]));
        assert_eq!(judgement, Judgement::DisableWebhook("Slack answered 410: channel_is_archived".to_owned()));
    }

    #[test]
    fn a_message_that_slack_refuses_is_not_sent_again() {
        for (status, body) in [
            (302, ""),
            (400, "invalid_payload"),
            (400, "user_not_found"),
            (403, "action_prohibited"),
            (403, "invalid_token"),
            (404, "channel_not_found"),
            (413, ""),
        ] {
            assert!(
                matches!(judge(&reply(status, body, &[])), Judgement::Fail(reason) if reason.contains(body)),
                "{status}"
            );
        }
    }

    #[test]
    fn slack_says_when_to_come_back() {
        assert_eq!(judge(&reply(429, "", &[("Retry-After", "7")])), Judgement::Retry(Some(7_000)));
        assert_eq!(judge(&reply(429, "", &[])), Judgement::Retry(Some(PAUSE_MS)));
        assert_eq!(judge(&reply(429, "", &[("retry-after", "-1")])), Judgement::Retry(Some(PAUSE_MS)));
        assert_eq!(
            judge(&reply(429, "", &[("retry-after", "18446744073709551615")])),
            Judgement::Retry(Some(86_400_000))
        );
    }

    #[test]
    fn trouble_at_slack_is_retried_by_the_policy() {
        for (status, body) in [(500, "rollup_error"), (502, ""), (503, ""), (504, ""), (408, "")] {
            assert_eq!(judge(&reply(status, body, &[])), Judgement::Retry(None), "{status}");
        }
    }
}
