//! Names that programs use, as people write them: `license.expiring-soon` is "License expiring soon", `ipAddress` "IP address".
//!
//! English and without a dictionary but for a few abbreviations; other scripts keep their case as it is. Bounded: only the first
//! characters of a name are read. Next: `facts.rs`.

use crate::letters::is_letter;

/// Names longer than this are read up to here; a label that long helps nobody.
const LONGEST_NAME: usize = 200;

/// Abbreviations that are read letter by letter.
const LETTERS: [&str; 12] = ["api", "cpu", "crm", "id", "ids", "ip", "os", "sso", "uri", "url", "uuid", "vat"];
const LONGEST_LETTERS: usize = 4;

/// The headline of an event type: its words, the first one capitalised. `Event` where the type has none.
#[must_use]
pub fn headline(event_type: &str) -> String {
    let words = sentence(event_type);
    if words.is_empty() { "Event".to_owned() } else { words }
}

/// The label of a member's name. Empty where the name has no letter or digit.
#[must_use]
pub fn label(name: &str) -> String {
    sentence(name)
}

fn sentence(name: &str) -> String {
    let name = beginning(name);
    let mut text = String::with_capacity(name.len() + 8);
    // Where the word that is being read begins.
    let mut word = 0;
    let mut before = ' ';
    for (at, character) in name.char_indices() {
        let capital = character.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        let letter = is_letter(character);
        if capital || !letter {
            add(&mut text, name.get(word..at).unwrap_or_default());
            word = if letter { at } else { at + character.len_utf8() };
        }
        before = character;
    }
    add(&mut text, name.get(word..).unwrap_or_default());
    text
}

/// As much of a name as is read.
fn beginning(name: &str) -> &str {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let end = name.char_indices().nth(LONGEST_NAME).map_or(name.len(), |(end, _)| end);
    name.get(..end).unwrap_or(name)
}

/// Adds a word to the text, in the case that it is written with there.
fn add(text: &mut String, word: &str) {
    if word.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push(' ');
    }
    if word.eq_ignore_ascii_case("ids") {
        text.push_str("IDs");
        return;
    }
    let start = text.len();
    text.push_str(word);
    let Some(added) = text.get_mut(start..) else { return };
    let shouted = (2..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase());
    if shouted || word.len() <= LONGEST_LETTERS && LETTERS.iter().any(|letters| word.eq_ignore_ascii_case(letters)) {
        added.make_ascii_uppercase();
        return;
    }
    added.make_ascii_lowercase();
    if start == 0 && added.is_char_boundary(1) {
        added.split_at_mut(1).0.make_ascii_uppercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs_become_words() {
        for (name, words) in [
            ("license.expiring-soon", "License expiring soon"),
            ("user.created", "User created"),
            ("licenseId", "License ID"),
            ("ipAddress", "IP address"),
            ("max_activations", "Max activations"),
            ("deviceIDs", "Device IDs"),
            ("SSO", "SSO"),
            ("WARNING", "Warning"),
            ("straße", "Straße"),
            ("$$$", ""),
            ("", ""),
        ] {
            assert_eq!(label(name), words, "{name}");
        }
        assert_eq!(headline("..."), "Event");
    }

    #[test]
    fn a_very_long_name_is_read_up_to_a_limit() {
        assert!(label(&"x".repeat(1_000_000)).len() <= LONGEST_NAME);
    }
}
