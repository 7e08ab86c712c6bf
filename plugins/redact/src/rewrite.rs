//! Writes the data anew, value by value: what no pointer leads to is copied as it stands.
//!
//! Keys keep their order, and duplicate keys are each redacted. Numbers and strings are never parsed, so none is rounded
//! or escaped differently.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use waxwing_guest::Failure;

use crate::paths::{Action, Node};

pub(crate) struct Rewriter {
    mask: String,
    out: String,
    changed: bool,
}

impl Rewriter {
    pub(crate) fn new(mask: &str, size: usize) -> Result<Self, Failure> {
        let out = String::with_capacity(size);
        Ok(Rewriter { mask: quoted(mask)?, out, changed: false })
    }

    /// The new data; none if it is the same as the old.
    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        self.changed.then(|| self.out.into_bytes())
    }

    /// Writes a value to which `nodes` lead. That it isn't to be removed is decided by whoever writes its key or comma.
    pub(crate) fn value(&mut self, value: &RawValue, nodes: &[&Node]) -> Result<(), Failure> {
        if Node::action_of(nodes) == Some(Action::Mask) {
            self.out.push_str(&self.mask);
            self.changed = true;
            return Ok(());
        }
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'{') if !nodes.is_empty() => self.object(text, nodes),
            Some(b'[') if !nodes.is_empty() => self.array(text, nodes),
            _ => {
                self.out.push_str(text);
                Ok(())
            }
        }
    }

    fn object(&mut self, text: &str, nodes: &[&Node]) -> Result<(), Failure> {
        let Members(members) = parse(text)?;
        self.out.push('{');
        let mut separator = "";
        for (key, value) in members {
            let nodes = Node::step(nodes, &key);
            if self.is_removed(&nodes) {
                continue;
            }
            self.out.push_str(separator);
            self.out.push_str(&quoted(&key)?);
            self.out.push(':');
            self.value(value, &nodes)?;
            separator = ",";
        }
        self.out.push('}');
        Ok(())
    }

    fn array(&mut self, text: &str, nodes: &[&Node]) -> Result<(), Failure> {
        let elements: Vec<&RawValue> = parse(text)?;
        self.out.push('[');
        let mut separator = "";
        for (index, value) in elements.into_iter().enumerate() {
            let nodes = Node::step(nodes, &index.to_string());
            if self.is_removed(&nodes) {
                continue;
            }
            self.out.push_str(separator);
            self.value(value, &nodes)?;
            separator = ",";
        }
        self.out.push(']');
        Ok(())
    }

    fn is_removed(&mut self, nodes: &[&Node]) -> bool {
        let removed = Node::action_of(nodes) == Some(Action::Remove);
        self.changed |= removed;
        removed
    }
}

/// An object's members in their order, the values unparsed.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// Borrowed where the key holds no escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::invalid_event(error.to_string()))
}

fn quoted(text: &str) -> Result<String, Failure> {
    serde_json::to_string(text).map_err(|error| Failure::other(error.to_string()))
}
