//! The check-boxes of the event types: by the first part of their names, each group with all of it, and one for everything.

use std::collections::BTreeMap;

use crate::model::catalogue::CatalogueEntry;
use crate::ui::form::Posted;

pub(super) const ALL: &str = "*";

/// `license.*` and those below it.
pub(super) struct Group {
    /// "License events".
    pub(super) label: String,
    pub(super) whole: Choice,
    pub(super) types: Vec<Choice>,
}

pub(super) struct Choice {
    pub(super) value: String,
    pub(super) description: String,
    pub(super) chosen: bool,
}

pub(super) struct Events {
    pub(super) all: bool,
    pub(super) groups: Vec<Group>,
    /// What has no box: patterns, a line each.
    pub(super) further: String,
}

impl Events {
    pub(super) fn new(catalogue: &[CatalogueEntry], typed: &Posted) -> Self {
        let chosen: Vec<&str> = typed.all("events").collect();
        let mut groups: BTreeMap<&str, Vec<&CatalogueEntry>> = BTreeMap::new();
        for entry in catalogue.iter().filter(|entry| !entry.deprecated || chosen.contains(&entry.event_type.as_str())) {
            let first = entry.event_type.as_str().split('.').next().unwrap_or_default();
            groups.entry(first).or_default().push(entry);
        }
        let choice = |value: String, description: &str| Choice {
            chosen: chosen.contains(&value.as_str()),
            value,
            description: description.to_owned(),
        };
        let groups: Vec<Group> = groups
            .into_iter()
            .map(|(name, entries)| Group {
                label: format!("{} events", capital(name)),
                whole: choice(format!("{name}.*"), ""),
                types: entries
                    .into_iter()
                    .map(|entry| choice(entry.event_type.to_string(), &entry.description))
                    .collect(),
            })
            .collect();
        let has_box = |pattern: &str| {
            let known = |group: &Group| {
                group.whole.value == pattern || group.types.iter().any(|choice| choice.value == pattern)
            };
            pattern == ALL || groups.iter().any(known)
        };
        let others = chosen.iter().copied().filter(|pattern| !has_box(pattern));
        let typed_too = Some(typed.get("patterns").trim()).filter(|typed| !typed.is_empty());
        let further = others.chain(typed_too).collect::<Vec<_>>().join("\n");
        Self { all: chosen.contains(&ALL), groups, further }
    }
}

/// All that was chosen and typed, each once.
pub(super) fn patterns(typed: &Posted) -> Vec<String> {
    let lines = typed.get("patterns").split([' ', '\t', '\r', '\n', ',', ';']).filter(|line| !line.is_empty());
    let mut patterns: Vec<String> = Vec::new();
    for pattern in typed.all("events").chain(lines) {
        if !patterns.iter().any(|known| known == pattern) {
            patterns.push(pattern.to_owned());
        }
    }
    patterns
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}
