//! The label and value pairs that a message shows.
//!
//! Without settings: the scalar members of the data in their order, and those one level below; values that are secret by name
//! are masked, since a chat has more readers than the system the event came from. With settings: what their JSON Pointers name,
//! unmasked. Values are one clean line each, not yet escaped. Next: the formatters.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    letters::is_letter,
    line::{clean, units},
    node::Node,
    words::label,
};

/// Longer values are cut; a message is for reading, the event has the rest. In UTF-16 units.
const LONGEST_VALUE: usize = 300;
/// Longer labels are cut. In UTF-16 units.
const LONGEST_LABEL: usize = 60;
/// Of a list, so many items are read.
const LONGEST_LIST: usize = 10;
/// The last words of names whose values are masked.
const SECRETS: &[&str] = &["key", "password", "secret", "token"];

/// One field of a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FieldSetting {
    /// Which value: a JSON Pointer into the event's data, such as `/customer/name`.
    #[schemars(length(max = 500), regex(pattern = r"^(/([^~/]|~[01])*)+$"))]
    pub pointer: String,
    /// What stands above it. Without one, the last name in the pointer, in words.
    #[serde(default)]
    #[schemars(length(min = 1, max = 60))]
    pub label: Option<String>,
}

/// A label and its value, each one clean line that isn't empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub value: String,
    pub masked: bool,
}

/// What a message shows of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub shown: Vec<Fact>,
    /// How many more there would have been.
    pub omitted: usize,
}

impl Facts {
    /// The fact that names what the event is about: a name, a title, an email address or an id, in this order.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        let ends =
            |fact: &Fact, word: &str| fact.label.rsplit(' ').next().is_some_and(|last| last.eq_ignore_ascii_case(word));
        let open = || self.shown.iter().filter(|fact| !fact.masked);
        ["name", "title", "email", "id"]
            .iter()
            .find_map(|word| open().find(|fact| ends(fact, word)))
            .map(|fact| fact.value.as_str())
    }

    pub(crate) fn chosen(node: &Node<'_>, fields: &[FieldSetting], max: usize) -> Self {
        let mut facts = Facts::default();
        for field in fields {
            let name = || field.pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            let label = field.label.clone().unwrap_or_else(|| label(&name()));
            if let Some(value) = node.at(&field.pointer).and_then(text_of) {
                facts.add(label, value, false, max);
            }
        }
        facts
    }

    pub(crate) fn surface(node: &Node<'_>, max: usize) -> Self {
        let mut facts = Facts::default();
        let Node::Map(members) = node else { return facts };
        for (key, value) in members {
            match value {
                Node::Map(inner) => {
                    for (inner_key, value) in inner {
                        if !matches!(value, Node::Map(_)) {
                            facts.add_member(Some(key), inner_key, value, max);
                        }
                    }
                }
                _ => facts.add_member(None, key, value, max),
            }
        }
        facts
    }

    fn add_member(&mut self, parent: Option<&str>, key: &str, value: &Node<'_>, max: usize) {
        if self.shown.len() >= max {
            self.omitted += usize::from(!matches!(value, Node::Null));
            return;
        }
        let Some(value) = text_of(value) else { return };
        let label = match parent {
            Some(parent) => label(&[short(parent), " ", short(key)].concat()),
            None => label(short(key)),
        };
        if is_secret(key) {
            self.add(label, mask(&value).into(), true, max);
        } else {
            self.add(label, value, false, max);
        }
    }

    fn add(&mut self, label: String, value: Cow<'_, str>, masked: bool, max: usize) {
        if self.shown.len() >= max {
            self.omitted += 1;
            return;
        }
        let value = fitting(value, LONGEST_VALUE);
        let label = match clean(&label, LONGEST_LABEL) {
            Cow::Borrowed("") => "–".to_owned(),
            Cow::Borrowed(_) => label,
            Cow::Owned(label) => label,
        };
        self.shown.push(Fact { label, value, masked });
    }
}

/// Cuts a clean text, which is nearly always short enough.
fn fitting(value: Cow<'_, str>, max: usize) -> String {
    if units(&value) > max { clean(&value, max).into_owned() } else { value.into_owned() }
}

/// A value as one clean line; none for null and for what is empty.
pub(crate) fn text_of<'n>(node: &'n Node<'_>) -> Option<Cow<'n, str>> {
    let text = match node {
        Node::Null => return None,
        Node::Bool(value) => Cow::Borrowed(if *value { "Yes" } else { "No" }),
        Node::Number(number) => Cow::Owned(number.to_string()),
        Node::Text(text) => clean(text, LONGEST_VALUE),
        Node::List { items, more: 0 } if items.is_empty() => return None,
        Node::List { items, more } => Cow::Owned(list(items, *more)),
        Node::Map(members) if members.is_empty() => return None,
        Node::Map(_) => Cow::Owned(clean(&node.compact(LONGEST_VALUE * 4).0, LONGEST_VALUE).into_owned()),
    };
    (!text.is_empty()).then_some(text)
}

fn list(items: &[Node<'_>], more: usize) -> String {
    let scalar = |item: &Node<'_>| !matches!(item, Node::List { .. } | Node::Map(_));
    let flat = !items.is_empty() && items.iter().take(LONGEST_LIST).all(scalar);
    let length = items.len() + more;
    if !flat {
        return if length == 1 { "1 item".to_owned() } else { format!("{length} items") };
    }
    let shown: Vec<_> = items.iter().take(LONGEST_LIST).filter_map(text_of).collect();
    let text = shown.join(", ");
    match length.checked_sub(LONGEST_LIST) {
        Some(more) if more > 0 => format!("{text}, and {more} more"),
        _ => text,
    }
}

/// Nearly no name ends like a secret's, so only of those that do are the words looked at.
fn is_secret(key: &str) -> bool {
    let ends = |name: &str, secret: &str| {
        let start = name.len().checked_sub(secret.len());
        start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(secret))
    };
    let end = key.trim_end_matches(|character: char| !is_letter(character));
    let may_be = key.len() > LONGEST_LABEL || SECRETS.iter().any(|secret| ends(end, secret));
    may_be
        && label(key)
            .rsplit(' ')
            .next()
            .is_some_and(|last| SECRETS.iter().any(|secret| last.eq_ignore_ascii_case(secret)))
}

/// The last four characters, where that leaves most of it hidden.
fn mask(value: &str) -> String {
    let hidden = value.chars().count().saturating_sub(4);
    let tail: String = if hidden >= 8 { value.chars().skip(hidden).collect() } else { String::new() };
    format!("••••{tail}")
}

/// The beginning of a name, cheaply.
fn short(name: &str) -> &str {
    if units(name) <= LONGEST_LABEL * 2 {
        return name;
    }
    let end = name.char_indices().nth(LONGEST_LABEL * 2).map_or(name.len(), |(index, _)| index);
    name.get(..end).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(json: &str) -> Vec<String> {
        let node = Node::read(json).unwrap();
        Facts::surface(&node, 20).shown.into_iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect()
    }

    #[test]
    fn the_surface_of_an_object_is_its_scalars_and_those_one_level_below() {
        let facts = surface(
            r#"{"licenseId":"lic_1","seats":3,"trial":false,"note":null,"empty":"",
                "customer":{"name":"Ann","address":{"city":"Ulm"},"tags":["a","b"]},"items":[{"a":1}],"none":[]}"#,
        );
        assert_eq!(
            facts,
            [
                "License ID: lic_1",
                "Seats: 3",
                "Trial: No",
                "Customer name: Ann",
                "Customer tags: a, b",
                "Items: 1 item"
            ]
        );
    }

    #[test]
    fn secrets_by_name_are_masked_unless_the_settings_ask_for_them() {
        assert_eq!(
            surface(r#"{"licenseKey":"ABCD-1234-EFGH-5678","key":"short-key","apiToken":"x","monkey":"ape"}"#),
            ["License key: ••••5678", "Key: ••••", "API token: ••••", "Monkey: ape"]
        );
        let node = Node::read(r#"{"licenseKey":"ABCD-1234"}"#).unwrap();
        let field = FieldSetting { pointer: "/licenseKey".to_owned(), label: None };
        let facts = Facts::chosen(&node, &[field], 5);
        assert_eq!(
            facts.shown,
            [Fact { label: "License key".to_owned(), value: "ABCD-1234".to_owned(), masked: false }]
        );
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let node = Node::read(r#"{"a":1,"b":null,"c":3,"d":4}"#).unwrap();
        let facts = Facts::surface(&node, 2);
        assert_eq!((facts.shown.len(), facts.omitted), (2, 1));
    }

    #[test]
    fn the_subject_is_a_name_before_it_is_an_id() {
        let subject = |json: &str| Facts::surface(&Node::read(json).unwrap(), 9).subject().map(str::to_owned);
        assert_eq!(subject(r#"{"id":"1","email":"a@b.c","deviceName":"Mac"}"#).as_deref(), Some("Mac"));
        assert_eq!(subject(r#"{"id":"1","email":"a@b.c"}"#).as_deref(), Some("a@b.c"));
        assert_eq!(subject(r#"{"id":"1"}"#).as_deref(), Some("1"));
        assert_eq!(subject(r#"{"apiKey":"1"}"#), None);
    }
}
