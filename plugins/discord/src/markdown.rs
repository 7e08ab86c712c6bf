//! Event text in Discord's markdown, made harmless.
//!
//! Discord takes a backslash before punctuation for "as it is", so everything that could open emphasis, a spoiler, code, a
//! mention, a custom emoji, a masked link or an automatic one gets one. Marks that count only at the beginning of a line are
//! escaped there; a value is one line. Pings are ruled out a second time by `allowed_mentions`. Next: `message.rs`.

use std::borrow::Cow;

use waxwing_chat::{Line, calls_one_of, is_letter};

/// Words that notify many when they follow an `@`.
const CROWDS: &[&str] = &["everyone", "here", "channel", "group"];

/// Adds one line of text, escaped; false once the line is full.
fn escape(line: &mut Line, text: &str) -> bool {
    // What a list begins with: its number must lose its point.
    let number = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut piece = String::with_capacity(5);
    let mut before = ' ';
    text.char_indices().all(|(index, character)| {
        let rest = text.get(index + character.len_utf8()..).unwrap_or_default();
        let starts = index == 0 && matches!(character, '#' | '-' | '+' | '>');
        let lists = index == number
            && number > 0
            && matches!(character, '.' | ')')
            && (rest.is_empty() || rest.starts_with(' '));
        let links = character == ':' && rest.starts_with("//");
        let invites = matches!(character, '.') && rest.get(..3).is_some_and(|rest| rest.eq_ignore_ascii_case("gg/"));
        let calls = character == '@' && !is_letter(before) && calls_one_of(rest, CROWDS);
        before = character;
        piece.clear();
        if starts || lists || links || invites || calls || is_mark(character) {
            piece.push('\\');
        }
        piece.push(character);
        line.push(&piece)
    })
}

/// What means something to Discord wherever it stands.
const fn is_mark(character: char) -> bool {
    matches!(character, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']')
}

/// One line of text, escaped, of at most `max` units.
pub(crate) fn escaped(text: &str, max: usize) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b' ' || byte >= 0x80;
    if text.len() <= max && text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut line = Line::new(max);
    escape(&mut line, text);
    Cow::Owned(line.into_text())
}

/// A block of code, its lines kept. A backtick can't be in one; a grave accent that looks the same can.
pub(crate) fn code_block(text: &str, language: &str, max: usize) -> String {
    let mut line = Line::new(max.saturating_sub(8 + language.len()));
    line.push_all(&text.replace('`', "ˋ"));
    format!("```{language}\n{}\n```", line.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxwing_chat::units;

    use super::*;

    #[test]
    fn plain_values_stay_plain() {
        for text in
            ["Production License", "ada@example.com", "2025-01-03T14:25:30.000Z", "lic-xyz (789)", "3.50 EUR", "50%"]
        {
            let shown = escaped(text, 100);
            assert_eq!(shown.replace('\\', ""), text);
        }
        for text in ["ada@example.com", "192.168.1.100", "3.50 EUR"] {
            assert_eq!(escaped(text, 100), text);
        }
    }

    #[test]
    fn markup_becomes_text() {
        for (text, shown) in [
            ("**b** __u__", "\\*\\*b\\*\\* \\_\\_u\\_\\_"),
            ("[x](https://evil.example)", "\\[x\\](https\\://evil.example)"),
            ("<@1> @everyone", "\\<@1\\> \\@everyone"),
            ("# big", "\\# big"),
            ("1. one", "1\\. one"),
            ("a\\b", "a\\\\b"),
            ("discord.gg/x", "discord\\.gg/x"),
        ] {
            assert_eq!(escaped(text, 100), shown);
        }
    }

    #[test]
    fn an_escape_is_not_cut_in_half() {
        assert_eq!(escaped("ab*c", 4), "ab…");
        assert_eq!(escaped("ab*", 4), "ab\\*");
    }

    proptest! {
        #[test]
        fn what_is_escaped_fits_and_reads_back_as_it_was(text in "[ -~]{0,60}", max in 1usize..200) {
            let shown = escaped(&text, max);
            prop_assert!(units(&shown) <= max);
            let mut read = String::new();
            let mut characters = shown.chars();
            while let Some(character) = characters.next() {
                if character == '\\' { read.extend(characters.next()) } else { read.push(character) }
            }
            prop_assert!(read == text || text.starts_with(read.trim_end_matches('…')));
        }
    }
}
