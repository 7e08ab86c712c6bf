//! The members of one posted object, as places in the body, and the readers that turn them into values of the model.
//!
//! Nothing is copied but short texts; `data` is cut out of the body by its place.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;

use super::error::Issue;
use super::json::{BadJson, Reader};

/// More faults of one request than these are not told.
pub(super) const ISSUES_MAX: usize = 20;
/// Characters of a caller's own id (CloudEvents: of source and id together).
pub(super) const EXTERNAL_ID_MAX: usize = 512;
const FIELDS_MAX: usize = 16;

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Issues(pub(super) Vec<Issue>);

/// One posted object. `place` is its index in an array of events.
#[derive(Debug)]
pub(super) struct Fields<'b> {
    body: &'b Bytes,
    place: Option<usize>,
    known: &'static [&'static str],
    spans: [Option<Range<usize>>; FIELDS_MAX],
}

impl Issues {
    pub(super) fn push(&mut self, pointer: String, code: &'static str, message: impl Into<String>) {
        if self.0.len() < ISSUES_MAX {
            self.0.push(Issue { pointer, code, message: message.into() });
        }
    }
}

impl<'b> Fields<'b> {
    /// Reads an object. Keys outside `known` (at most 16) go to `unknown`, which may make an issue of them.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        (body, place): (&'b Bytes, Option<usize>),
        known: &'static [&'static str],
        mut unknown: impl FnMut(&str),
    ) -> Result<Self, BadJson> {
        let mut spans = [const { None }; FIELDS_MAX];
        reader.object(|reader, key| {
            let span = reader.value()?;
            match known.iter().position(|name| name.as_bytes() == key).and_then(|index| spans.get_mut(index)) {
                Some(slot) => *slot = Some(span),
                None => unknown(&String::from_utf8_lossy(key)),
            }
            Ok(())
        })?;
        Ok(Self { body, place, known, spans })
    }

    /// The JSON Pointer of a member.
    pub(super) fn pointer(&self, name: &str) -> String {
        pointer(self.place, name)
    }

    /// The bytes of a member's value.
    pub(super) fn raw(&self, name: &str) -> Option<Bytes> {
        self.span(name).map(|span| self.body.slice(span))
    }

    /// A text; `null` counts as absent.
    pub(super) fn text(&self, name: &str, issues: &mut Issues) -> Option<Cow<'b, str>> {
        let raw = self.body.get(self.span(name)?)?;
        if raw == b"null" {
            return None;
        }
        let inner = raw.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        let text = match inner {
            Some(plain) if !plain.contains(&b'\\') => std::str::from_utf8(plain).ok().map(Cow::Borrowed),
            Some(_) => serde_json::from_slice::<String>(raw).ok().map(Cow::Owned),
            None => None,
        };
        if text.is_none() {
            issues.push(self.pointer(name), "invalid-value", format!("`{name}` must be a string"));
        }
        text
    }

    /// A text of the model's own kind; a bad one becomes an issue with this code.
    pub(super) fn parsed<T>(&self, name: &str, code: &'static str, issues: &mut Issues) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(name, issues)?;
        text.parse().map_err(|error| issues.push(self.pointer(name), code, format!("`{name}`: {error}"))).ok()
    }

    fn span(&self, name: &str) -> Option<Range<usize>> {
        let index = self.known.iter().position(|known| *known == name)?;
        self.spans.get(index)?.clone()
    }
}

/// The JSON Pointer of a member of the event at this place.
pub(super) fn pointer(place: Option<usize>, name: &str) -> String {
    let escaped = name.replace('~', "~0").replace('/', "~1");
    match (place, name) {
        (None, "") => String::new(),
        (None, _) => format!("/{escaped}"),
        (Some(index), "") => format!("/{index}"),
        (Some(index), _) => format!("/{index}/{escaped}"),
    }
}

/// A caller's id as it is kept, or an issue at `pointer`.
pub(super) fn external_id(text: &str, pointer: String, issues: &mut Issues) -> Option<Arc<str>> {
    let fits = (1..=EXTERNAL_ID_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !fits {
        let message = format!("an id is 1 to {EXTERNAL_ID_MAX} characters, none of them a control character");
        issues.push(pointer, "invalid-id", message);
    }
    fits.then(|| Arc::from(text))
}
