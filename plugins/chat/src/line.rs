//! Text on its way out: cleaned of what can't be seen, and never longer than the destination takes.
//!
//! Lengths are UTF-16 code units. The vendors say "characters" and don't say which; a text that fits in UTF-16 units also fits
//! in Unicode scalar values. Escaping is the formatter's: it hands a [`Line`] pieces that must stay whole. Next: the formatters.

use std::borrow::Cow;

/// The length as the strictest reader of "characters" counts it.
#[must_use]
pub fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// A text that grows piece by piece up to its limit and ends with `…` if something had to stay out.
#[derive(Debug, Clone)]
pub struct Line {
    text: String,
    /// What is left of the limit.
    left: usize,
    /// Where to cut if the next piece doesn't fit: up to here one unit is left for the `…`.
    safe: usize,
    full: bool,
}

impl Line {
    /// An empty text for at most `max` units; `max` must be at least 1 for anything to be written.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Line { text: String::new(), left: max, safe: 0, full: max == 0 }
    }

    /// Adds a piece whole or not at all; false once the text is full.
    pub fn push(&mut self, piece: &str) -> bool {
        if self.full {
            return piece.is_empty();
        }
        let length = units(piece);
        if length > self.left {
            self.text.truncate(self.safe);
            self.text.push('…');
            self.full = true;
            return false;
        }
        self.text.push_str(piece);
        self.left -= length;
        if self.left >= 1 {
            self.safe = self.text.len();
        }
        true
    }

    /// Adds a text character by character, so that what fits of it gets in.
    pub fn push_all(&mut self, text: &str) -> bool {
        if units(text) < self.left {
            return self.push(text);
        }
        let mut buffer = [0; 4];
        text.chars().all(|character| self.push(character.encode_utf8(&mut buffer)))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// One line of at most `max` units: runs of white space and control characters become one space, ends are trimmed, and
/// characters that reorder or hide the text around them go. Empty if nothing can be seen.
#[must_use]
pub fn clean(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && is_tidy(text) {
        return Cow::Borrowed(text);
    }
    let mut line = Line::new(max);
    let mut gap = false;
    for character in text.chars().filter(|&character| !reorders(character)) {
        if character.is_whitespace() || character.is_control() {
            gap = !line.is_empty();
        } else if !append(&mut line, std::mem::take(&mut gap), character) {
            break;
        }
    }
    visible(line)
}

/// As [`clean`], but lines and indentation stay: for blocks of code.
#[must_use]
pub fn clean_block(text: &str, max: usize) -> Cow<'_, str> {
    let mut block = Line::new(max);
    let mut buffer = [0; 4];
    for character in text.trim_ascii_end().chars().filter(|&character| !reorders(character)) {
        let shown = match character {
            '\n' | '\t' => character,
            '\r' => continue,
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => ' ',
            _ => character,
        };
        if !block.push(shown.encode_utf8(&mut buffer)) {
            break;
        }
    }
    visible(block)
}

/// One pass over the bytes of what nearly every text is: visible ASCII with single spaces inside.
fn is_tidy(text: &str) -> bool {
    let mut before = b' ';
    text.bytes().all(|byte| {
        let fine = byte.is_ascii_graphic() || (byte == b' ' && before != b' ');
        before = byte;
        fine
    }) && (before != b' ' || text.is_empty())
}

/// Whether a text begins with one of these words, whatever their case: what follows an `@` and would notify many.
#[must_use]
pub fn calls_one_of(text: &str, crowds: &[&str]) -> bool {
    crowds.iter().any(|crowd| text.get(..crowd.len()).is_some_and(|word| word.eq_ignore_ascii_case(crowd)))
}

fn append(line: &mut Line, gap: bool, character: char) -> bool {
    let mut buffer = [0; 4];
    (!gap || line.push(" ")) && line.push(character.encode_utf8(&mut buffer))
}

fn visible(line: Line) -> Cow<'static, str> {
    if line.as_str().chars().all(is_blank) { Cow::Borrowed("") } else { Cow::Owned(line.into_text()) }
}

/// Embeddings, overrides and isolates: with them, text could be shown in another order than it was written, beyond its field.
/// Right-to-left text itself needs none of them.
fn reorders(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// What leaves no mark; a destination may take a text of only these for empty and refuse the message.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}')
        || matches!(character, '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{2800}')
        || matches!(character, '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}')
        || matches!(character, '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_fits_exactly_is_not_cut() {
        let mut line = Line::new(3);
        assert!(line.push_all("abc"));
        assert_eq!(line.as_str(), "abc");
        assert!(!line.push("d"));
        assert_eq!(line.as_str(), "ab…");
        assert!(!line.push("e"));
        assert_eq!(line.as_str(), "ab…");
    }

    #[test]
    fn a_piece_stays_whole() {
        let mut line = Line::new(6);
        line.push("ab");
        line.push("&lt;");
        assert_eq!(line.as_str(), "ab&lt;");
        line.push("c");
        assert_eq!(line.as_str(), "ab…");
    }

    #[test]
    fn control_and_reordering_characters_do_not_get_through() {
        assert_eq!(clean(" a\u{0}\n\t b\u{202E}c\u{7F} ", 50), "a bc");
        assert_eq!(clean("\u{200B}\u{2060}\u{3164} ", 50), "");
        assert_eq!(clean("مرحبا", 50), "مرحبا");
        assert_eq!(clean_block("{\r\n\t\"a\": 1\u{1}\n}\n\n", 50), "{\n\t\"a\": 1 \n}");
    }

    #[test]
    fn an_emoji_counts_as_two_and_is_not_split() {
        assert_eq!(units("👍a"), 3);
        assert_eq!(clean("👍👍", 3), "👍…");
    }

    proptest! {
        #[test]
        fn a_line_never_exceeds_its_limit(pieces in prop::collection::vec("\\PC{0,6}", 0..12), max in 1usize..30) {
            let mut line = Line::new(max);
            let fitted = pieces.iter().filter(|piece| !line.push(piece)).count() == 0;
            prop_assert!(units(line.as_str()) <= max);
            prop_assert_eq!(fitted, line.as_str() == pieces.concat());
            prop_assert!(fitted || line.as_str().ends_with('…'));
        }

        #[test]
        fn cleaning_is_idempotent_and_trims(text in any::<String>(), max in 1usize..40) {
            let once = clean(&text, max).into_owned();
            prop_assert!(units(&once) <= max);
            prop_assert_eq!(once.trim(), &once);
            prop_assert_eq!(clean(&once, max), once.as_str());
        }
    }
}
