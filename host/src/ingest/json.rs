//! A strict reader of JSON texts that builds nothing: it checks in one pass and says where each value stands.
//!
//! Stricter than RFC 8259 where its readers disagree: no key twice in one object (compared after unescaping), no unpaired
//! surrogates, nesting to [`DEPTH_MAX`]. Numbers are checked for their syntax only; nobody here turns them into something else.

use std::borrow::Cow;
use std::ops::Range;

/// How deep arrays and objects may nest, the outermost counted.
pub const DEPTH_MAX: usize = 128;

/// Objects with more keys are sorted to find twins; below, comparing each with each is quicker.
const FEW_KEYS: usize = 16;

/// Why a text was refused, and the byte where that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct BadJson {
    pub problem: Problem,
    pub at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the key {0:?} stands twice in one object that ends")]
    DuplicateKey(String),
    #[error("an unpaired surrogate")]
    Surrogate,
    #[error("a control character that must be escaped")]
    Control,
}

/// Checks that the whole text is one JSON value.
pub fn check(text: &[u8]) -> Result<(), BadJson> {
    let mut reader = Reader::new(text)?;
    reader.value()?;
    reader.end()
}

/// A place in a text that is known to be UTF-8.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    /// Keys of the objects that are open, the innermost one's last.
    keys: Vec<Cow<'a, [u8]>>,
}

type Read<T = ()> = Result<T, BadJson>;

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Read<Self> {
        if let Err(error) = std::str::from_utf8(text) {
            return Err(BadJson { problem: Problem::NotUtf8, at: error.valid_up_to() });
        }
        Ok(Self { text, at: 0, depth: 0, keys: Vec::new() })
    }

    /// Reads one value and says where it stands, without the white space around it.
    pub(super) fn value(&mut self) -> Read<Range<usize>> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.object(|reader, _| reader.value().map(drop))?,
            Some(b'[') => self.array(|reader, _| reader.value().map(drop))?,
            Some(b'"') => self.string().map(drop)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return Err(self.expected("a value")),
        }
        Ok(start..self.at)
    }

    /// Reads an object; `member` is given each key, unescaped, and must read its value.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &[u8]) -> Read) -> Read {
        self.open(b'{', "an object")?;
        let mark = self.keys.len();
        if !self.closes(b'}') {
            loop {
                self.space();
                let key = self.string()?;
                self.space();
                self.take(b':', "':'")?;
                self.keys.push(key.clone());
                member(self, &key)?;
                if !self.goes_on(b'}', "',' or '}'")? {
                    break;
                }
            }
        }
        self.no_twins(mark)?;
        self.keys.truncate(mark);
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array; `item` is given each index and must read the value.
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self, usize) -> Read) -> Read {
        self.open(b'[', "an array")?;
        if !self.closes(b']') {
            for index in 0.. {
                item(self, index)?;
                if !self.goes_on(b']', "',' or ']'")? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Nothing but white space follows.
    pub(super) fn end(&mut self) -> Read {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end of the text")) }
    }

    /// What comes next, white space skipped.
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        self.space();
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &'static str) -> BadJson {
        self.problem(Problem::Expected(what))
    }

    fn problem(&self, problem: Problem) -> BadJson {
        BadJson { problem, at: self.at }
    }

    fn take(&mut self, byte: u8, what: &'static str) -> Read {
        if self.peek() != Some(byte) {
            return Err(self.expected(what));
        }
        self.at += 1;
        Ok(())
    }

    fn open(&mut self, byte: u8, what: &'static str) -> Read {
        self.space();
        if self.depth == DEPTH_MAX {
            return Err(self.problem(Problem::TooDeep));
        }
        self.take(byte, what)?;
        self.depth += 1;
        Ok(())
    }

    /// An empty object or array ends right where it began.
    fn closes(&mut self, byte: u8) -> bool {
        self.space();
        let closes = self.peek() == Some(byte);
        self.at += usize::from(closes);
        closes
    }

    /// After a member: a comma (true) or the end (false).
    fn goes_on(&mut self, end: u8, what: &'static str) -> Read<bool> {
        self.space();
        let comma = self.peek() == Some(b',');
        if !comma && self.peek() != Some(end) {
            return Err(self.expected(what));
        }
        self.at += 1;
        Ok(comma)
    }

    fn word(&mut self, word: &'static [u8]) -> Read {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Read {
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Read {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// A string's content, unescaped; borrowed unless something was escaped.
    fn string(&mut self) -> Read<Cow<'a, [u8]>> {
        self.take(b'"', "a string")?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let plain = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Cow::Borrowed(plain));
                }
                Some(b'\\') => {
                    let plain = self.text.get(start..self.at).unwrap_or_default();
                    return self.escaped(plain.to_vec()).map(Cow::Owned);
                }
                Some(0..=0x1f) => return Err(self.problem(Problem::Control)),
                Some(_) => self.at += 1,
                None => return Err(self.expected("the end of a string")),
            }
        }
    }

    /// The rest of a string from its first escape on.
    fn escaped(&mut self, mut content: Vec<u8>) -> Read<Vec<u8>> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(content);
                }
                Some(b'\\') => self.escape(&mut content)?,
                Some(0..=0x1f) => return Err(self.problem(Problem::Control)),
                Some(byte) => {
                    content.push(byte);
                    self.at += 1;
                }
                None => return Err(self.expected("the end of a string")),
            }
        }
    }

    fn escape(&mut self, content: &mut Vec<u8>) -> Read {
        self.at += 1;
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(content),
            _ => return Err(self.expected("an escape")),
        };
        content.push(byte);
        self.at += 1;
        Ok(())
    }

    fn unicode(&mut self, content: &mut Vec<u8>) -> Read {
        let high = self.four_digits()?;
        let code = match high {
            0xd800..=0xdbff => {
                if self.peek() != Some(b'\\') || self.text.get(self.at + 1) != Some(&b'u') {
                    return Err(self.problem(Problem::Surrogate));
                }
                self.at += 1;
                let low = self.four_digits()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.problem(Problem::Surrogate));
                }
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => high,
        };
        let letter = char::from_u32(code).ok_or_else(|| self.problem(Problem::Surrogate))?;
        content.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// From the `u` of an escape to behind its digits.
    fn four_digits(&mut self) -> Read<u32> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.expected("four hex digits"))?;
            self.at += 1;
        }
        Ok(code)
    }

    fn no_twins(&mut self, mark: usize) -> Read {
        let at = self.at;
        let keys = self.keys.get_mut(mark..).unwrap_or_default();
        let twin = if keys.len() <= FEW_KEYS {
            keys.iter()
                .enumerate()
                .find(|(index, key)| keys.iter().take(*index).any(|before| before == *key))
                .map(|found| found.1)
        } else {
            keys.sort_unstable();
            keys.iter().zip(keys.iter().skip(1)).find(|(left, right)| left == right).map(|(left, _)| left)
        };
        match twin {
            None => Ok(()),
            Some(key) => {
                let shown: String = String::from_utf8_lossy(key).chars().take(64).collect();
                Err(BadJson { problem: Problem::DuplicateKey(shown), at })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> Problem {
        check(text.as_bytes()).unwrap_err().problem
    }

    #[test]
    fn a_key_may_not_stand_twice_however_it_is_written() {
        assert_eq!(problem(r#"{"a":1,"b":[{"c":1,"\u0063":2}]}"#), Problem::DuplicateKey("c".into()));
        let many: String = (0..40).map(|n| format!(r#""k{n}":{n},"#)).collect();
        assert_eq!(problem(&format!(r#"{{{many}"k7":0}}"#)), Problem::DuplicateKey("k7".into()));
        assert_eq!(check(br#"{"a":{"a":1},"b":{"a":1}}"#), Ok(()));
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(nested(DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(problem(&nested(DEPTH_MAX + 1)), Problem::TooDeep);
        assert_eq!(problem(&"[".repeat(1_000_000)), Problem::TooDeep);
    }

    #[test]
    fn what_is_not_json_is_refused_where_it_goes_wrong() {
        let cases = [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            "-",
            "\"\\x\"",
            "tru",
            "{} x",
            "\"\n\"",
            "\"\\ud800\"",
            "'a'",
            "nan",
        ];
        for text in cases {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(check(b"[1, x]").unwrap_err().at, 4);
        assert_eq!(check(b"\"\xff\"").unwrap_err().problem, Problem::NotUtf8);
    }

    proptest! {
        /// `serde_json` is the oracle for everything but duplicate keys and huge numbers.
        #[test]
        fn it_agrees_with_another_reader(text in r#"[\[\]{}",:0-9truefalsn\\ .eE+\-u]{0,24}"#) {
            let other = serde_json::from_str::<serde_json::Value>(&text);
            match check(text.as_bytes()) {
                Ok(()) => prop_assert!(other.is_ok() || text.contains(['e', 'E']), "{text}"),
                Err(BadJson { problem: Problem::DuplicateKey(_), .. }) => prop_assert!(other.is_ok()),
                Err(error) => prop_assert!(other.is_err(), "{text}: {error}"),
            }
        }

        #[test]
        fn every_text_that_serde_writes_is_accepted(strings in proptest::collection::vec(any::<String>(), 0..8)) {
            let text = serde_json::json!({ "list": strings, "nested": { "empty": {}, "none": null } }).to_string();
            prop_assert_eq!(check(text.as_bytes()), Ok(()));
        }
    }
}
