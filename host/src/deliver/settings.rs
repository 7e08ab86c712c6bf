//! A stage's settings as its guest sees them: with placeholders where secrets stand. And what the placeholders stand for.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::event::Event;
use crate::model::ids::WebhookId;
use crate::model::placeholder::{Filling, PlaceholderScope};
use crate::model::plugin::Stage;
use crate::transform::chain::ChainStage;
use crate::vault::Vault;

/// Makes both for one event and webhook.
#[derive(Clone, Copy)]
pub(super) struct Placeholders<'a> {
    vault: &'a Vault,
    scope: PlaceholderScope,
}

/// A stage's settings, and the placeholders in them.
pub(super) struct Seen {
    settings: Arc<str>,
    placeholders: Vec<String>,
}

impl Seen {
    pub(super) fn of<'a>(&'a self, stage: &'a Stage) -> ChainStage<'a> {
        ChainStage { stage, settings: &self.settings, placeholders: &self.placeholders }
    }
}

impl<'a> Placeholders<'a> {
    pub(super) fn new(vault: &'a Vault, event: &Event, webhook: WebhookId) -> Self {
        Self { vault, scope: PlaceholderScope { event: event.id, webhook } }
    }

    /// What every stage of a chain is given, in order.
    pub(super) fn seen_by(self, chain: &[Stage]) -> Vec<Seen> {
        let names = |stage: &Stage| self.fillings(stage).into_iter().map(|filling| filling.placeholder).collect();
        chain.iter().map(|stage| Seen { settings: self.settings_of(stage), placeholders: names(stage) }).collect()
    }

    pub(super) fn settings_of(self, stage: &Stage) -> Arc<str> {
        if stage.secrets.is_empty() {
            return Arc::clone(&stage.settings);
        }
        let mut settings = serde_json::from_str(&stage.settings).unwrap_or_else(|_| Value::Object(Map::new()));
        for pointer in stage.secrets.keys() {
            let placeholder = self.vault.placeholder(self.scope, stage.digest, pointer);
            insert(&mut settings, pointer, Value::String(placeholder));
        }
        Arc::from(settings.to_string())
    }

    pub(super) fn fillings(self, stage: &Stage) -> Vec<Filling> {
        let filling = |(pointer, value): (&String, &crate::model::secret::Secret)| Filling {
            placeholder: self.vault.placeholder(self.scope, stage.digest, pointer),
            value: value.clone(),
        };
        stage.secrets.iter().map(filling).collect()
    }
}

/// Puts a value where a JSON Pointer (RFC 6901) shows, making the objects on the way. A pointer that leads through something
/// that holds no members changes nothing: the settings were checked against the schema when they were saved.
fn insert(root: &mut Value, pointer: &str, value: Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let mut place = root;
    for step in parent.split('/').skip(1).map(unescaped) {
        place = match place {
            Value::Object(members) => members.entry(step).or_insert_with(|| Value::Object(Map::new())),
            Value::Array(items) => match step.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => item,
                None => return,
            },
            _ => return,
        };
    }
    match place {
        Value::Object(members) => {
            members.insert(unescaped(name), value);
        }
        Value::Array(items) => {
            if let Some(index) = name.parse().ok().filter(|index| *index <= items.len()) {
                items.insert(index, value);
            }
        }
        _ => {}
    }
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lands_where_its_pointer_shows() {
        let mut settings = serde_json::json!({ "to": [{ "name": "a" }], "plain": 1 });
        insert(&mut settings, "/to/0/token", "x".into());
        insert(&mut settings, "/auth/a~1b", "y".into());
        insert(&mut settings, "/plain/no", "z".into());
        insert(&mut settings, "/to/9/no", "z".into());
        let expected = serde_json::json!({ "to": [{ "name": "a", "token": "x" }], "plain": 1, "auth": { "a/b": "y" } });
        assert_eq!(settings, expected);
    }
}
