//! What an incoming webhook of Slack takes.
//!
//! Sources: docs.slack.dev, reference/block-kit (blocks: 50 a message; header 150; section text 3,000, 10 fields of 2,000; context
//! 10 elements; text objects: `verbatim`), messaging/formatting-message-text (escaping, mentions, date tokens). The total of
//! 12,000 stays below an undocumented limit near 13,200 (slackapi/bolt-js#2509).

use serde_json::Value;

use super::{Problems, calls_a_crowd};

const TOTAL: usize = 12_000;

/// Markup that a test's own settings put into the message.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Trusted<'a> {
    /// Links may lead to addresses that begin so.
    pub(crate) link: Option<&'a str>,
    /// May stand in the message as it is, such as `<!here>`.
    pub(crate) words: Option<&'a str>,
}

/// Every problem of a message whose settings hold no markup.
pub(crate) fn problems(body: &[u8]) -> Vec<String> {
    problems_with(body, Trusted::default())
}

/// Every problem of a message, but for the markup that its settings put there.
pub(crate) fn problems_with(body: &[u8], trusted: Trusted<'_>) -> Vec<String> {
    let mut found = Problems::default();
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        found.add("message", "is no JSON");
        return found.0;
    };
    found.members("message", &message, &["text", "blocks", "link_names", "parse", "unfurl_links", "unfurl_media"]);
    for (setting, wanted) in [
        ("link_names", Value::Bool(false)),
        ("parse", "none".into()),
        ("unfurl_links", false.into()),
        ("unfurl_media", false.into()),
    ] {
        if message.get(setting) != Some(&wanted) {
            found.add("message", format!("{setting} isn't {wanted}"));
        }
    }
    let fallback = found.text("text", message.get("text"), 3_000);
    live_markup(&mut found, "text", fallback, trusted, false);

    let mut total = fallback.encode_utf16().count();
    for (index, block) in found.list("blocks", message.get("blocks"), 50).iter().enumerate() {
        let place = format!("blocks[{index}]");
        total += check_block(&mut found, &place, block, trusted);
    }
    if total >= TOTAL {
        found.add("message", format!("has {total} characters in all, {TOTAL} are too many"));
    }
    found.0
}

/// Checks one block and answers how many characters are in it.
fn check_block(found: &mut Problems, place: &str, block: &Value, trusted: Trusted<'_>) -> usize {
    match block.get("type").and_then(Value::as_str) {
        Some("header") => {
            found.members(place, block, &["type", "text"]);
            check_plain(found, &format!("{place}.text"), block.get("text"))
        }
        Some("section") => {
            found.members(place, block, &["type", "text", "fields"]);
            let mut total = 0;
            if block.get("text").is_some() {
                total += check_mrkdwn(found, &format!("{place}.text"), block.get("text"), 3_000, trusted);
            }
            if block.get("fields").is_some() || block.get("text").is_none() {
                for (index, field) in found.list(&format!("{place}.fields"), block.get("fields"), 10).iter().enumerate()
                {
                    total += check_mrkdwn(found, &format!("{place}.fields[{index}]"), Some(field), 2_000, trusted);
                }
            }
            total
        }
        Some("context") => {
            found.members(place, block, &["type", "elements"]);
            let elements = found.list(&format!("{place}.elements"), block.get("elements"), 10);
            let check = |(index, element)| {
                check_mrkdwn(found, &format!("{place}.elements[{index}]"), Some(element), 3_000, trusted)
            };
            elements.iter().enumerate().map(check).sum()
        }
        Some("divider") => 0,
        other => {
            found.add(place, format!("is of the unknown type {other:?}"));
            0
        }
    }
}

fn check_plain(found: &mut Problems, place: &str, object: Option<&Value>) -> usize {
    let object = object.unwrap_or(&Value::Null);
    found.members(place, object, &["type", "text", "emoji"]);
    if object.get("type").and_then(Value::as_str) != Some("plain_text") {
        found.add(place, "isn't plain_text");
    }
    let text = found.text(place, object.get("text"), 150);
    live_markup(found, place, text, Trusted::default(), false);
    text.encode_utf16().count()
}

fn check_mrkdwn(
    found: &mut Problems,
    place: &str,
    object: Option<&Value>,
    limit: usize,
    trusted: Trusted<'_>,
) -> usize {
    let object = object.unwrap_or(&Value::Null);
    found.members(place, object, &["type", "text", "verbatim"]);
    if object.get("type").and_then(Value::as_str) != Some("mrkdwn") {
        found.add(place, "isn't mrkdwn");
    }
    if object.get("verbatim") != Some(&Value::Bool(true)) {
        found.add(place, "isn't verbatim: Slack would look for names and addresses in it");
    }
    let text = found.text(place, object.get("text"), limit);
    live_markup(found, place, text, trusted, place.contains("elements"));
    text.encode_utf16().count()
}

/// Nothing may mention, link or escape what isn't the settings' own or a date token.
fn live_markup(found: &mut Problems, place: &str, text: &str, trusted: Trusted<'_>, dates: bool) {
    let mut rest = text.to_owned();
    if let Some(words) = trusted.words {
        rest = rest.replacen(words, "", 1);
    }
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').map_or(rest.len(), |length| start + length + 1);
        let token = rest[start..end].to_owned();
        let link = trusted.link.is_some_and(|prefix| token.starts_with(&format!("<{prefix}")) && token.ends_with('>'));
        if !(link || dates && is_date(&token)) {
            found.add(place, format!("has live markup: {token:?}"));
        }
        rest.replace_range(start..end, "");
    }
    if rest.contains('>') {
        found.add(place, "has a live `>`");
    }
    for (at, _) in rest.match_indices('&') {
        if !["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest[at..].starts_with(entity)) {
            found.add(place, "has an `&` that isn't escaped");
        }
    }
    if calls_a_crowd(&rest) {
        found.add(place, "calls a crowd");
    }
}

/// `<!date^digits^{token} text|fallback>` with nothing odd in it.
fn is_date(token: &str) -> bool {
    let Some(inner) = token.strip_prefix("<!date^").and_then(|inner| inner.strip_suffix('>')) else {
        return false;
    };
    let parts: Vec<_> = inner.splitn(2, '^').collect();
    let [seconds, rest] = parts[..] else { return false };
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let plain = rest.chars().all(|character| character.is_ascii_alphanumeric() || " {}_:,|".contains(character));
    digits && plain && rest.matches('|').count() == 1
}
