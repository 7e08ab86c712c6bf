//! The pointers as one tree, so that the data is walked once however many there are.

use std::fmt;

/// What becomes of a value. Ordered: the greater wins where several pointers lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Mask,
    Remove,
}

/// Why a pointer can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadPointer {
    WholeDocument,
    NoLeadingSlash,
    LoneTilde,
}

impl fmt::Display for BadPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BadPointer::WholeDocument => "an empty pointer is the whole event: use a filter to drop it",
            BadPointer::NoLeadingSlash => "a JSON Pointer begins with /",
            BadPointer::LoneTilde => "a ~ is written ~0 and a / within a key ~1",
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct Paths {
    root: Node,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    action: Option<Action>,
    children: Vec<(Segment, Node)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Any,
    Key(String),
}

impl Paths {
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    pub(crate) fn add(&mut self, pointer: &str, action: Action) -> Result<(), BadPointer> {
        if pointer.is_empty() {
            return Err(BadPointer::WholeDocument);
        }
        let segments = pointer.strip_prefix('/').ok_or(BadPointer::NoLeadingSlash)?;
        let segments: Vec<_> = segments.split('/').map(Segment::parse).collect::<Result<_, _>>()?;
        let mut node = &mut self.root;
        for segment in segments {
            node = node.child(segment);
        }
        node.action = node.action.max(Some(action));
        Ok(())
    }
}

impl Node {
    /// What becomes of a value to which these nodes lead.
    pub(crate) fn action_of(nodes: &[&Node]) -> Option<Action> {
        nodes.iter().filter_map(|node| node.action).max()
    }

    /// The nodes one level further down. Array elements are named by their index.
    pub(crate) fn step<'a>(nodes: &[&'a Node], name: &str) -> Vec<&'a Node> {
        let children = nodes.iter().flat_map(|node| &node.children);
        children.filter(|(segment, _)| segment.matches(name)).map(|(_, node)| node).collect()
    }

    fn child(&mut self, segment: Segment) -> &mut Node {
        let place = self.children.iter().position(|(known, _)| *known == segment);
        let place = place.unwrap_or_else(|| {
            self.children.push((segment, Node::default()));
            self.children.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.children[place].1
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, BadPointer> {
        if text == "*" {
            return Ok(Segment::Any);
        }
        let mut key = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            key.push(match (character, character == '~') {
                (_, false) => character,
                (_, true) => match characters.next() {
                    Some('0') => '~',
                    Some('1') => '/',
                    _ => return Err(BadPointer::LoneTilde),
                },
            });
        }
        Ok(Segment::Key(key))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Segment::Any => true,
            Segment::Key(key) => key == name,
        }
    }
}
