//! Guesses at what a body was before somebody parsed it and wrote it anew.

use serde_json::Value;

/// The first guess that `matches`, by name.
pub(super) fn find(body: &[u8], matches: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
    let text = std::str::from_utf8(body).ok()?;
    let around = [
        ("the same without the white space around it", text.trim().to_owned()),
        ("the same with a line end after it", format!("{text}\n")),
        ("the same with LF where there is CR LF", text.replace("\r\n", "\n")),
        ("the same without its byte order mark", text.trim_start_matches('\u{feff}').to_owned()),
    ];
    if let Some((name, _)) = around.iter().find(|(_, other)| matches(other.as_bytes())) {
        return Some(name);
    }
    let parsed: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let orders = [Some(parsed.clone()), envelope_order(&parsed), Some(sorted(&parsed))];
    let mut guesses = orders.iter().flatten().flat_map(|value| STYLES.iter().map(move |style| (style, value)));
    guesses.find(|(style, value)| matches(style.write(value).as_bytes())).map(|(style, _)| style.name)
}

struct Style {
    name: &'static str,
    indent: Option<&'static str>,
    after_comma: &'static str,
    after_colon: &'static str,
    /// What is escaped besides what must be.
    escape: Escape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    Nothing,
    NonAscii,
    /// And slashes, as PHP does.
    Slashes,
}

const COMPACT: Style =
    Style { name: "compact JSON", indent: None, after_comma: "", after_colon: "", escape: Escape::Nothing };
const SPACED: Style =
    Style { name: "JSON with spaces after commas and colons", after_comma: " ", after_colon: " ", ..COMPACT };
const PRETTY: Style = Style { name: "JSON indented by two spaces", indent: Some("  "), after_colon: " ", ..COMPACT };
const STYLES: [Style; 8] = [
    COMPACT,
    SPACED,
    PRETTY,
    Style { name: "JSON indented by four spaces", indent: Some("    "), ..PRETTY },
    Style { name: "JSON indented by tabs", indent: Some("\t"), ..PRETTY },
    Style { name: "compact JSON with \\u escapes", escape: Escape::NonAscii, ..COMPACT },
    Style { name: "spaced JSON with \\u escapes", escape: Escape::NonAscii, ..SPACED },
    Style { name: "compact JSON with \\u escapes and escaped slashes", escape: Escape::Slashes, ..COMPACT },
];

impl Style {
    fn write(&self, value: &Value) -> String {
        let mut text = String::new();
        self.push(&mut text, value, 0);
        text
    }

    /// As deep as the parser let it be: 128.
    fn push(&self, to: &mut String, value: &Value, depth: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                to.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(to, at, depth + 1);
                    self.push(to, item, depth + 1);
                }
                self.end_line(to, depth);
                to.push(']');
            }
            Value::Object(entries) if !entries.is_empty() => {
                to.push('{');
                for (at, (key, item)) in entries.iter().enumerate() {
                    self.separate(to, at, depth + 1);
                    self.push_string(to, key);
                    to.push(':');
                    to.push_str(self.after_colon);
                    self.push(to, item, depth + 1);
                }
                self.end_line(to, depth);
                to.push('}');
            }
            Value::String(text) => self.push_string(to, text),
            other => to.push_str(&other.to_string()),
        }
    }

    fn separate(&self, to: &mut String, at: usize, depth: usize) {
        if at > 0 {
            to.push(',');
            to.push_str(self.after_comma);
        }
        self.end_line(to, depth);
    }

    fn end_line(&self, to: &mut String, depth: usize) {
        if let Some(indent) = self.indent {
            to.push('\n');
            (0..depth).for_each(|_| to.push_str(indent));
        }
    }

    fn push_string(&self, to: &mut String, text: &str) {
        let plain = Value::from(text).to_string();
        if self.escape == Escape::Nothing {
            return to.push_str(&plain);
        }
        for character in plain.chars() {
            match character {
                '/' if self.escape == Escape::Slashes => to.push_str("\\/"),
                ' '..='~' => to.push(character),
                other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| to.push_str(&format!("\\u{unit:04x}"))),
            }
        }
    }
}

/// Databases and maps sort keys; our envelopes have an order of their own.
fn envelope_order(value: &Value) -> Option<Value> {
    const ORDERS: [&[&str]; 3] =
        [&["type", "timestamp", "data"], &["event", "timestamp", "data"], &["event", "data", "triggeredAt"]];
    let entries = value.as_object()?;
    let order =
        ORDERS.iter().find(|keys| keys.len() == entries.len() && keys.iter().all(|key| entries.contains_key(*key)))?;
    let ordered = order.iter().filter_map(|key| Some(((*key).to_owned(), entries.get(*key)?.clone())));
    Some(Value::Object(ordered.collect()))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, item)| (key.clone(), sorted(item))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}
