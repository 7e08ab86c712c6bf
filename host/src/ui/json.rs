//! JSON as people read it, and as they type it. Only the space between its parts changes: numbers and strings stay as they were written.

use serde::de::IgnoredAny;
use serde_json::Value;

/// What is indented further than this isn't indented more.
const DEPTH_SHOWN: usize = 16;

/// In lines; what isn't JSON stays as it is.
pub(super) fn in_lines(text: &str) -> String {
    pretty(text).unwrap_or_else(|| text.to_owned())
}

/// What was typed, or where it stops being JSON.
pub(super) fn typed(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("isn't JSON: {error}"))
}

fn pretty(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let (mut out, mut depth) = (String::with_capacity(text.len() * 2), 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            out.push(letter);
            in_string = letter != '"' || escaped;
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => in_string = true,
            '{' | '[' => {
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                out.push(letter);
                match letters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
                continue;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
                continue;
            }
            ':' => {
                out.push_str(": ");
                continue;
            }
            letter if letter.is_ascii_whitespace() => continue,
            _ => {}
        }
        out.push(letter);
    }
    Some(out)
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(DEPTH_SHOWN)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_space_between_the_parts_changes() {
        let shown = pretty(r#"{"b":1.50, "a":[1e3,{ }],"s":"{\"x\": \\"}"#).unwrap();
        assert_eq!(shown, "{\n  \"b\": 1.50,\n  \"a\": [\n    1e3,\n    {}\n  ],\n  \"s\": \"{\\\"x\\\": \\\\\"\n}");
        assert_eq!(pretty("no json"), None);
        assert_eq!(in_lines("7"), "7");
        assert_eq!(in_lines("{"), "{");
    }

    #[test]
    fn a_fault_names_its_place() {
        assert!(typed("{\"a\":\n}").unwrap_err().contains("line 2"));
    }
}
