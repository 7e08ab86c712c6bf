//! Words, numbers and strings: what a JSON text is made of below its brackets.

use std::borrow::Cow;

use memchr::memchr2;

use super::{Problem, Read, Reader};

impl<'a> Reader<'a> {
    pub(super) fn word(&mut self, word: &'static [u8]) -> Read {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn number(&mut self) -> Read {
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
    pub(super) fn string(&mut self) -> Read<Cow<'a, [u8]>> {
        self.take(b'"', "a string")?;
        let start = self.at;
        self.plain();
        let plain = self.text.get(start..self.at).unwrap_or_default();
        if self.peek() == Some(b'\\') {
            return self.escaped(plain.to_vec()).map(Cow::Owned);
        }
        self.closes_string()?;
        Ok(Cow::Borrowed(plain))
    }

    /// Skips what means itself: as far as a quote or an escape, or the first control character before it.
    fn plain(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let plain = rest.get(..memchr2(b'"', b'\\', rest).unwrap_or(rest.len())).unwrap_or_default();
        // The least of all is found without a branch for each: the machine looks at many at once.
        let least = plain.iter().fold(u8::MAX, |least, byte| least.min(*byte));
        let control = (least < 0x20).then(|| plain.iter().position(|byte| *byte < 0x20)).flatten();
        self.at += control.unwrap_or(plain.len());
    }

    /// The rest of a string from its first escape on.
    fn escaped(&mut self, mut content: Vec<u8>) -> Read<Vec<u8>> {
        while self.peek() == Some(b'\\') {
            self.escape(&mut content)?;
            let start = self.at;
            self.plain();
            content.extend_from_slice(self.text.get(start..self.at).unwrap_or_default());
        }
        self.closes_string()?;
        Ok(content)
    }

    fn closes_string(&mut self) -> Read {
        match self.peek() {
            Some(b'"') => self.at += 1,
            Some(_) => return Err(self.problem(Problem::Control)),
            None => return Err(self.expected("the end of a string")),
        }
        Ok(())
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
}
