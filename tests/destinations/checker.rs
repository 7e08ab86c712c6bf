//! What Slack and Discord would refuse, and what would wake people up: judges of the formatters' output.
//!
//! Written from the vendors' documents, and sharing no line with the plugins: the same mistake isn't made twice. Each checker takes
//! the bytes that would be posted and answers every problem it finds. "Characters" are counted as UTF-16 code units, the
//! strictest reading. Included by path: by the plugins' own tests and by the host's. Next: `slack.rs`, `discord.rs`, and `trees.rs`
//! for what to feed the formatters with.

pub(crate) mod discord;
pub(crate) mod slack;

use serde_json::Value;

/// Problems, each with the place it was found at.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, problem: impl AsRef<str>) {
        self.0.push(format!("{place}: {}", problem.as_ref()));
    }

    /// A text that must be there, be seen, and be no longer than its limit.
    fn text<'v>(&mut self, place: &str, value: Option<&'v Value>, limit: usize) -> &'v str {
        let Some(text) = value.and_then(Value::as_str) else {
            self.add(place, "is no text");
            return "";
        };
        if text.chars().all(is_invisible) {
            self.add(place, "is empty");
        }
        let length = text.encode_utf16().count();
        if length > limit {
            self.add(place, format!("has {length} characters, {limit} are allowed"));
        }
        if let Some(odd) = text.chars().find(|&character| is_forbidden(character)) {
            self.add(place, format!("has the control character {odd:?}"));
        }
        text
    }

    /// No member but these.
    fn members(&mut self, place: &str, value: &Value, known: &[&str]) {
        let Some(object) = value.as_object() else {
            self.add(place, "is no object");
            return;
        };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add(place, format!("has the unknown member {name:?}"));
        }
    }

    /// So many items, and no others.
    fn list<'v>(&mut self, place: &str, value: Option<&'v Value>, limit: usize) -> &'v [Value] {
        let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if items.is_empty() || items.len() > limit {
            self.add(place, format!("has {} items, 1 to {limit} are allowed", items.len()));
        }
        items
    }
}

/// `@here` and its like, where a client would take it for a call: not inside an address or a word.
fn calls_a_crowd(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = ["@channel", "@here", "@everyone", "@group"];
    words.iter().any(|word| lower.match_indices(word).any(|(at, _)| !lower[..at].ends_with(char::is_alphanumeric)))
}

fn is_invisible(character: char) -> bool {
    let code = u32::from(character);
    character.is_whitespace()
        || character.is_control()
        || [0xAD, 0x34F, 0x61C, 0x180E, 0x2800, 0x3164, 0xFEFF, 0xFFA0].contains(&code)
        || (0x115F..=0x1160).contains(&code)
        || (0x200B..=0x200F).contains(&code)
        || (0x202A..=0x202E).contains(&code)
        || (0x2060..=0x206F).contains(&code)
        || (0xFE00..=0xFE0F).contains(&code)
        || (0xE0000..=0xE0FFF).contains(&code)
}

/// Control characters, and those that show text in another order than it was written.
fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    (character.is_control() && character != '\n' && character != '\t')
        || (0x202A..=0x202E).contains(&code)
        || (0x2066..=0x2069).contains(&code)
}
