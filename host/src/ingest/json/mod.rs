//! A strict reader of JSON texts that builds nothing: it checks in one pass and says where each value stands.
//!
//! Stricter than RFC 8259 where its readers disagree: no key twice in one object (compared after unescaping), no unpaired
//! surrogates, nesting to [`DEPTH_MAX`]. Numbers are checked for their syntax only; nobody here turns them into something else.

mod lexical;

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
mod tests;
