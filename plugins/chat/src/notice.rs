//! An event as its reader gets to know it: who, what, when, and the data in whatever shape it came.
//!
//! Borrows everything, parses once, and never fails: the worst data is a number of bytes. Next: `facts.rs`, `template.rs`.

use std::borrow::Cow;

use waxwing_guest::Event;

use crate::{
    facts::{Facts, FieldSetting, text_of},
    line::clean_block,
    node::Node,
    words::headline,
};

/// An event to be told to people.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    pub event_type: &'a str,
    pub id: &'a str,
    /// Milliseconds since 1970.
    pub occurred_at: u64,
    pub environment: &'a str,
    pub tenant: &'a str,
    pub data: Data<'a>,
}

/// What an event carries.
#[derive(Debug, Clone)]
pub enum Data<'a> {
    Json(Node<'a>),
    /// UTF-8, but no JSON that we read.
    Text(&'a str),
    /// Neither; this many bytes of it.
    Binary(usize),
}

impl<'a> Notice<'a> {
    /// What there is to tell of an event.
    #[must_use]
    pub fn of(event: &'a Event) -> Self {
        Notice {
            environment: event.environment(),
            tenant: event.tenant(),
            ..Notice::new(&event.event_type, &event.id, event.occurred_at, &event.data)
        }
    }

    /// An event of the default tenant and `production`; change the fields for others.
    #[must_use]
    pub fn new(event_type: &'a str, id: &'a str, occurred_at: u64, data: &'a [u8]) -> Self {
        let data = match std::str::from_utf8(data) {
            Ok(text) => Node::read(text).map_or(Data::Text(text), Data::Json),
            Err(_) => Data::Binary(data.len()),
        };
        Notice { event_type, id, occurred_at, environment: "production", tenant: "default", data }
    }

    /// The event type in words.
    #[must_use]
    pub fn headline(&self) -> String {
        headline(self.event_type)
    }

    /// The facts that the settings name, or without any the ones that the data has on its surface; at most `max`.
    #[must_use]
    pub fn facts(&self, chosen: Option<&[FieldSetting]>, max: usize) -> Facts {
        match (&self.data, chosen) {
            (Data::Json(node), Some(fields)) => Facts::chosen(node, fields, max),
            (Data::Json(node), None) => Facts::surface(node, max),
            _ => Facts::default(),
        }
    }

    /// The value at a JSON Pointer as one line of text; none if there is none.
    #[must_use]
    pub fn text_at(&self, pointer: &str) -> Option<Cow<'_, str>> {
        match &self.data {
            Data::Json(node) => node.at(pointer).and_then(text_of),
            _ => None,
        }
    }

    /// The data as it is, at most `max` units, for events that have no facts. Empty where there is nothing to see.
    #[must_use]
    pub fn preview(&self, max: usize) -> Cow<'a, str> {
        match &self.data {
            Data::Json(Node::Null) => Cow::Borrowed(""),
            Data::Json(Node::Map(members)) if members.is_empty() => Cow::Borrowed(""),
            Data::Json(Node::List { items, more: 0 }) if items.is_empty() => Cow::Borrowed(""),
            Data::Json(Node::Text(text)) => Cow::Owned(clean_block(text, max).into_owned()),
            Data::Json(node) => {
                // A byte is at most one unit; a few more, so that cleaning sees that something is missing.
                let (text, _) = node.pretty(max * 4 + 4);
                Cow::Owned(clean_block(&text, max).into_owned())
            }
            Data::Text(text) => clean_block(text, max),
            Data::Binary(bytes) => Cow::Owned(format!("{bytes} bytes that aren't text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_any_shape_is_something_to_say() {
        for (data, preview) in [
            (&b"[1,2]"[..], "[\n  1,\n  2\n]"),
            (b"\"hi\\nthere\"", "hi\nthere"),
            (b"42", "42"),
            (b"null", ""),
            (b"{}", ""),
            (b"", ""),
            (b"<xml/>", "<xml/>"),
            (b"\xff\xfe", "2 bytes that aren't text"),
        ] {
            let notice = Notice::new("a.b", "evt_1", 0, data);
            assert_eq!(notice.preview(100), preview);
        }
    }

    #[test]
    fn a_long_preview_says_that_it_was_cut() {
        let data = format!("[\"{}\"]", "é".repeat(1000));
        let notice = Notice::new("a.b", "evt_1", 0, data.as_bytes());
        assert!(notice.preview(50).ends_with('…'));
    }
}
