//! What "execute webhook" of Discord takes.
//!
//! Source: discord/discord-api-docs, resources/webhook.mdx and resources/message.mdx (embed limits, counted after trimming; 6,000 over
//! all embeds; allowed mentions; `wait`), and Discord's markdown, in which a backslash takes the meaning of the punctuation after
//! it.

use serde_json::Value;

use super::{Problems, calls_a_crowd};

const TOTAL: usize = 6_000;

/// Every problem of a request: its body and its query.
pub(crate) fn problems(body: &[u8], query: &[(String, String)]) -> Vec<String> {
    let mut found = Problems::default();
    if !query.iter().any(|(name, value)| name == "wait" && value == "true") {
        found.add("query", "wait isn't true: a lost message would look delivered");
    }
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        found.add("message", "is no JSON");
        return found.0;
    };
    found.members("message", &message, &["username", "thread_name", "embeds", "allowed_mentions"]);
    if message.get("allowed_mentions") != Some(&serde_json::json!({ "parse": [] })) {
        found.add("message", "allows mentions");
    }
    for (member, limit) in [("username", 80), ("thread_name", 100)] {
        if message.get(member).is_some() {
            found.text(member, message.get(member), limit);
        }
    }
    if message.get("thread_name").is_some() && query.iter().any(|(name, _)| name == "thread_id") {
        found.add("message", "names a thread and has the id of one (code 220002)");
    }
    let mut total = 0;
    for (index, embed) in found.list("embeds", message.get("embeds"), 10).iter().enumerate() {
        total += check_embed(&mut found, &format!("embeds[{index}]"), embed);
    }
    if total > TOTAL {
        found.add("embeds", format!("have {total} characters in all, {TOTAL} are allowed"));
    }
    found.0
}

fn check_embed(found: &mut Problems, place: &str, embed: &Value) -> usize {
    found.members(place, embed, &["title", "url", "description", "color", "fields", "footer", "timestamp"]);
    let mut total = check_marked(found, &format!("{place}.title"), embed.get("title"), 256);
    if embed.get("description").is_some() {
        total += check_marked(found, &format!("{place}.description"), embed.get("description"), 4_096);
    }
    if embed.get("fields").is_some() {
        for (index, field) in found.list(&format!("{place}.fields"), embed.get("fields"), 25).iter().enumerate() {
            let place = format!("{place}.fields[{index}]");
            found.members(&place, field, &["name", "value", "inline"]);
            total += check_marked(found, &format!("{place}.name"), field.get("name"), 256);
            total += check_marked(found, &format!("{place}.value"), field.get("value"), 1_024);
        }
    }
    if let Some(footer) = embed.get("footer") {
        found.members(&format!("{place}.footer"), footer, &["text"]);
        total += found.text(&format!("{place}.footer.text"), footer.get("text"), 2_048).trim().encode_utf16().count();
    }
    if embed.get("color").and_then(Value::as_u64).is_none_or(|color| color > 0xFF_FF_FF) {
        found.add(place, "has no colour");
    }
    let time = embed.get("timestamp").and_then(Value::as_str).unwrap_or_default();
    if time.len() != 24 || !time.ends_with('Z') || time.as_bytes()[10] != b'T' {
        found.add(place, format!("has the timestamp {time:?}"));
    }
    total
}

/// A text in which Discord reads markdown.
fn check_marked(found: &mut Problems, place: &str, value: Option<&Value>, limit: usize) -> usize {
    let text = found.text(place, value, limit);
    if text.trim() != text {
        found.add(place, "has white space at an end, which Discord cuts off");
    }
    let live = live_part(found, place, text);
    for (mark, name) in [
        ("*", "emphasis"),
        ("_", "emphasis"),
        ("~~", "a strike"),
        ("||", "a spoiler"),
        ("`", "code"),
        ("<", "a mention"),
    ] {
        if live.contains(mark) {
            found.add(place, format!("has {name}: {text:?}"));
        }
    }
    for (mark, name) in [("](", "a masked link"), ("://", "a link"), ("discord.gg/", "an invitation")] {
        if live.contains(mark) {
            found.add(place, format!("has {name}: {text:?}"));
        }
    }
    if live.lines().any(|line| ["#", ">", "-#", "- ", "+ "].iter().any(|mark| line.trim_start().starts_with(mark))) {
        found.add(place, format!("begins a line as a heading, a quote or a list: {text:?}"));
    }
    if calls_a_crowd(&live) {
        found.add(place, "calls a crowd");
    }
    text.trim().encode_utf16().count()
}

/// The text without what a backslash makes harmless, and without the inside of a code block.
fn live_part(found: &mut Problems, place: &str, text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(inside) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) {
        if inside.contains("```") {
            found.add(place, "ends its code block early");
        }
        text = String::new();
    }
    let mut live = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                // In place of what was escaped stands something that means nothing.
                Some(escaped) if escaped.is_ascii_punctuation() => live.push('\u{1}'),
                other => live.extend(other),
            }
        } else {
            live.push(character);
        }
    }
    live
}
