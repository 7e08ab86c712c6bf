//! Event text in Slack's markup, made harmless.
//!
//! Four doors lead from text to a mention or a link, and all are shut: `<…>` (escaped), the server's automatic parsing
//! (`verbatim`, `parse: none` and `link_names: false`, see `message.rs`), bare `@channel` in clients that parse for themselves
//! (broken with an invisible joiner), and emphasis, quotes or emoji codes (the value goes into a code span, where Slack
//! formats nothing). Slack has no escape for `*`, `_`, `~` and backticks, hence the last. Next: `message.rs`.

use std::borrow::Cow;

use waxwing_chat::{Line, calls_one_of, clean, is_letter};

/// Words that notify many when they follow an `@`.
const CROWDS: &[&str] = &["channel", "here", "everyone", "group", "all"];

/// Keeps `@` and the word after it apart without a visible sign.
const JOINER: &str = "\u{2060}";

/// Adds text with `&`, `<` and `>` escaped and no call to a crowd in it; false once the line is full.
pub(crate) fn escape(line: &mut Line, text: &str) -> bool {
    if !text.bytes().any(must_be_escaped) {
        return line.push_all(text);
    }
    let mut buffer = [0; 4];
    let mut before = ' ';
    text.char_indices().all(|(index, character)| {
        let fits = match character {
            '&' => line.push("&amp;"),
            '<' => line.push("&lt;"),
            '>' => line.push("&gt;"),
            '@' if !is_letter(before) && calls_one_of(text.get(index + 1..).unwrap_or_default(), CROWDS) => {
                line.push("@") && line.push(JOINER)
            }
            _ => line.push(character.encode_utf8(&mut buffer)),
        };
        before = character;
        fits
    })
}

/// What [`escape`] may write otherwise.
const fn must_be_escaped(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'@')
}

/// A value as it is, whatever is in it: plain where Slack would show it so, else as a code span.
pub(crate) fn value(text: &str, max: usize) -> Cow<'_, str> {
    let odd = |byte| matches!(byte, b'&' | b'<' | b'>' | b'@' | b'`' | b'*' | b'_' | b'~' | b':');
    if text.len() <= max && !text.bytes().any(odd) {
        return Cow::Borrowed(text);
    }
    if would_be_formatted(text) {
        return Cow::Owned(code(text, max));
    }
    if text.len() <= max && !text.bytes().any(must_be_escaped) {
        return Cow::Borrowed(text);
    }
    let mut line = Line::new(max);
    escape(&mut line, text);
    Cow::Owned(line.into_text())
}

/// A code span. A backtick can't be in one; a grave accent that looks the same can.
pub(crate) fn code(text: &str, max: usize) -> String {
    let text = clean(text, max);
    if text.len() + 2 <= max && !text.bytes().any(|byte| byte == b'`' || must_be_escaped(byte)) {
        return ["`", &text, "`"].concat();
    }
    let mut line = Line::new(max.saturating_sub(2));
    if text.contains('`') {
        escape(&mut line, &text.replace('`', "ˋ"))
    } else {
        escape(&mut line, &text)
    };
    format!("`{}`", line.as_str())
}

/// A block of code, its lines kept.
pub(crate) fn code_block(text: &str, max: usize) -> String {
    let mut line = Line::new(max.saturating_sub(8));
    escape(&mut line, &text.replace('`', "ˋ"));
    format!("```\n{}\n```", line.as_str())
}

/// True if Slack could take a part of the text for markup: emphasis that could open, a quote, code, an emoji code.
fn would_be_formatted(text: &str) -> bool {
    if text.starts_with('>') || text.bytes().any(|byte| byte == b'`') {
        return true;
    }
    let mut before = ' ';
    let opens = text.char_indices().any(|(index, character)| {
        let opens = matches!(character, '*' | '_' | '~') && !is_letter(before) && {
            let next = text.get(index + character.len_utf8()..).and_then(|rest| rest.chars().next());
            next.is_some_and(|next| !next.is_whitespace())
        };
        before = character;
        opens
    });
    opens || has_emoji_code(text)
}

/// `:name:`. Digits alone are no emoji but for two, so that times of day stay plain.
fn has_emoji_code(text: &str) -> bool {
    let count = text.bytes().filter(|byte| *byte == b':').count().saturating_sub(1);
    let between = text.split(':').skip(1);
    between.take(count).any(|name| {
        let shaped =
            !name.is_empty() && name.chars().all(|character| is_letter(character) || "_+-'".contains(character));
        shaped && (name.chars().any(|character| !character.is_ascii_digit()) || matches!(name, "100" | "1234"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxwing_chat::units;

    use super::*;

    #[test]
    fn plain_values_stay_plain() {
        for text in
            ["Production License", "john_doe@example.com", "2025-01-03T14:25:30.000Z", "3 * 4", "lic_xyz789", "O'Neil"]
        {
            assert_eq!(value(text, 100), text);
        }
    }

    #[test]
    fn what_slack_would_format_goes_into_a_code_span() {
        for text in ["*bold*", "a _b_", "~x~", ":tada:", "fe80:abcd:1::2", "x:100:y"] {
            assert_eq!(value(text, 100), format!("`{text}`"));
        }
        assert_eq!(value("a `b` c", 100), "`a ˋbˋ c`");
        assert_eq!(value("> quoted", 100), "`&gt; quoted`");
    }

    #[test]
    fn markup_is_escaped_and_a_cut_leaves_no_half_of_it() {
        assert_eq!(
            value("<!channel> & <https://evil.example|click>", 100),
            "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"
        );
        assert_eq!(value("ab<c", 5), "ab…");
        assert_eq!(value("*bold*", 5), "`*b…`");
    }

    #[test]
    fn a_call_to_a_crowd_is_broken_and_an_address_is_not() {
        assert_eq!(value("hi @channel", 100), "hi @\u{2060}channel");
        assert_eq!(value("@HERE", 100), "@\u{2060}HERE");
        assert_eq!(value("ops@here.example", 100), "ops@here.example");
    }

    proptest! {
        #[test]
        fn a_value_fits_and_holds_no_live_character(text in any::<String>(), max in 3usize..60) {
            let shown = value(&text, max);
            prop_assert!(units(&shown) <= max, "{shown:?}");
            prop_assert!(!shown.contains(['<', '>']));
            prop_assert!(shown.matches('`').count().is_multiple_of(2));
            for (index, _) in shown.match_indices('&') {
                prop_assert!(["&amp;", "&lt;", "&gt;"].iter().any(|entity| shown[index..].starts_with(entity)));
            }
        }
    }
}
