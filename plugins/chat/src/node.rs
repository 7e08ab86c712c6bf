//! A JSON tree that borrows its strings from the bytes it was read from.
//!
//! Cheaper than `serde_json::Value` where little of a large event is shown: a string without escapes is a slice, an object a
//! list of pairs in the order they came. Never changed after reading. Next: `facts.rs`.

use std::{borrow::Cow, cell::Cell, fmt, io};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// Of a list, so many items are kept, and so many of all lists together. No message shows as many; the rest is only counted, since
/// a megabyte of them would cost more than an event may.
const LONGEST_LIST: usize = 2_000;
const ALL_LISTS: usize = 20_000;

/// One value of a JSON text.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// The first items, and how many more there were.
    List {
        items: Vec<Node<'a>>,
        more: usize,
    },
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Reads a JSON text; none if it isn't one, or nests deeper than 128.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = Reader { room: &Cell::new(ALL_LISTS) }.deserialize(&mut reader).ok()?;
        reader.end().ok().map(|()| node)
    }

    /// The value at a JSON Pointer (RFC 6901); none for an item of a list beyond the 2,000th.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Node<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| node.child(token))
    }

    /// The value as compact JSON of at most `max` bytes; true if it was cut.
    #[must_use]
    pub fn compact(&self, max: usize) -> (String, bool) {
        let mut out = Capped { bytes: Vec::new(), max };
        let cut = serde_json::to_writer(&mut out, self).is_err();
        (out.into_text(), cut)
    }

    /// As [`compact`](Node::compact), on several indented lines.
    #[must_use]
    pub fn pretty(&self, max: usize) -> (String, bool) {
        let mut out = Capped { bytes: Vec::new(), max };
        let cut = serde_json::to_writer_pretty(&mut out, self).is_err();
        (out.into_text(), cut)
    }

    fn child(&self, token: &str) -> Option<&Node<'a>> {
        match self {
            Node::Map(members) => members.iter().find(|(key, _)| token_is(token, key)).map(|(_, value)| value),
            Node::List { items, .. } => {
                let plain =
                    token.bytes().all(|byte| byte.is_ascii_digit()) && (token.len() == 1 || !token.starts_with('0'));
                plain.then(|| token.parse().ok()).flatten().and_then(|index: usize| items.get(index))
            }
            _ => None,
        }
    }
}

/// Compares without unescaping where nothing is escaped, which is nearly always.
fn token_is(token: &str, key: &str) -> bool {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~") == key } else { token == key }
}

/// Takes what fits and then refuses, which ends the serialiser early.
struct Capped {
    bytes: Vec<u8>,
    max: usize,
}

impl Capped {
    fn into_text(self) -> String {
        match String::from_utf8(self.bytes) {
            Ok(text) => text,
            // Cut inside a character: what comes before it is whole.
            Err(error) => {
                let whole = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(whole);
                String::from_utf8(bytes).unwrap_or_default()
            }
        }
    }
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() > room { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(value) => value.serialize(serializer),
            Node::Text(value) => serializer.serialize_str(value),
            Node::List { items, .. } => serializer.collect_seq(items),
            Node::Map(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
        }
    }
}

/// Reads a tree, and knows how many more items its lists may keep.
#[derive(Clone, Copy)]
struct Reader<'r> {
    room: &'r Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while items.len() < LONGEST_LIST && self.room.get() > 0 {
            match seq.next_element_seed(self)? {
                Some(item) => items.push(item),
                None => return Ok(Node::List { items, more: 0 }),
            }
            self.room.set(self.room.get().saturating_sub(1));
        }
        let mut more = 0;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        Ok(Node::List { items, more })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value_seed(self)?));
        }
        Ok(Node::Map(members))
    }
}

/// `Cow` itself always copies when it is deserialised inside another type.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_finds_members_items_and_escaped_names() {
        let node = Node::read(r#"{"a":{"b/c":[10,{"~":"deep"}]},"":1}"#).unwrap();
        assert_eq!(node.at("/a/b~1c/1/~0"), Some(&Node::Text("deep".into())));
        assert_eq!(node.at("/"), Some(&Node::Number(1.into())));
        assert_eq!(node.at(""), Some(&node));
        for missing in ["a", "/b", "/a/b~1c/2", "/a/b~1c/01", "/a/b~1c/-", "/a/b~1c/+1", "/a/b~1c/", "/a/b~1c/0/x"] {
            assert_eq!(node.at(missing), None, "{missing}");
        }
    }

    #[test]
    fn json_is_cut_between_characters() {
        let node = Node::read("[\"äöü\"]").unwrap();
        assert_eq!(node.compact(100), ("[\"äöü\"]".to_owned(), false));
        assert_eq!(node.compact(5), ("[\"ä".to_owned(), true));
    }

    #[test]
    fn what_is_not_json_or_nests_too_deep_is_not_read() {
        assert_eq!(Node::read("{"), None);
        assert_eq!(Node::read(&"[".repeat(100_000)), None);
    }

    #[test]
    fn of_a_long_list_the_rest_is_counted() {
        let text = format!("[{}0]", "0,".repeat(4_999));
        let Some(Node::List { items, more }) = Node::read(&text) else { panic!("no list") };
        assert_eq!((items.len(), more), (2_000, 3_000));
        let text = format!("[{}0]", "0,".repeat(1_999));
        assert!(matches!(Node::read(&text), Some(Node::List { more: 0, .. })));
        // A matrix: what its first rows keep, later ones can't.
        let row = format!("[{}0]", "0,".repeat(999));
        let text = format!("[{row}{}]", format!(",{row}").repeat(99));
        let Some(Node::List { items, more }) = Node::read(&text) else { panic!("no list") };
        assert_eq!((items.len() + more, items.len() < 21), (100, true));
    }
}
