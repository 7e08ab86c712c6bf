//! What is part of a word, at a price that doesn't depend on the script.
//!
//! `char::is_alphanumeric` walks a table of all scripts: in wasm that is up to 7,000 instructions a character, and an event's data is
//! anybody's. Here, beyond ASCII and Latin-1, everything is that isn't in a block of punctuation or symbols (Unicode 16, `Blocks.txt`).

/// Whether it is a letter, a digit, or a mark on one.
#[must_use]
pub const fn is_letter(character: char) -> bool {
    match character {
        '\0'..='\u{7F}' => character.is_ascii_alphanumeric(),
        '\u{AA}' | '\u{B5}' | '\u{BA}' => true,
        '\u{80}'..='\u{BF}' | '\u{D7}' | '\u{F7}' => false,
        _ => !is_sign(character),
    }
}

const fn is_sign(character: char) -> bool {
    matches!(character,
        // General Punctuation, Currency Symbols; Arrows to Miscellaneous Symbols and Arrows; Supplemental Punctuation
        '\u{2000}'..='\u{206F}' | '\u{20A0}'..='\u{20CF}' | '\u{2190}'..='\u{2BFF}' | '\u{2E00}'..='\u{2E7F}'
        // CJK Symbols and Punctuation, but for its letters and its zero
        | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{3030}'
        // Vertical Forms, CJK Compatibility Forms, Small Form Variants; Fullwidth ASCII punctuation
        | '\u{FE10}'..='\u{FE1F}' | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}'
        // Private use, variation selectors, the byte order mark, Specials; pictographs; Tags
        | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFE0}'..='\u{FFFF}'
        | '\u{1F000}'..='\u{1FAFF}' | '\u{E0000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_script_are_letters_and_signs_are_not() {
        for letters in
            ["aZ09", "äßµº", "Жщ", "ไทย", "เด็ก", "हिन्दी", "漢字", "ひらカタ", "々〇", "한국", "ＡＢ", "Ⅷ", "𝒳"]
        {
            assert!(letters.chars().all(is_letter), "{letters}");
        }
        for signs in [
            " _-*`@:.",
            "\u{A0}«»×÷¿",
            "“”—…‰\u{200B}\u{2060}",
            "€₿",
            "→∑■☎✓",
            "、。「」",
            "！（：？～",
            "👍🏽🔥",
            "\u{FEFF}",
        ] {
            assert!(!signs.chars().any(is_letter), "{signs}");
        }
    }

    #[test]
    fn in_latin_script_it_is_what_unicode_says_but_for_raised_digits_and_fractions() {
        for character in ('\0'..='\u{24F}').filter(|character| !"¹²³¼½¾".contains(*character)) {
            assert_eq!(is_letter(character), character.is_alphanumeric(), "{character:?}");
        }
    }
}
