//! The catalogue of event types: what may happen, in words, with a schema and a sample.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::catalogue::CatalogueEntry;
use crate::model::event::DATA_MAX;
use crate::model::name::EventType;

use super::Services;
use super::audit::Done;
use super::caller::Caller;
use super::error::{Issues, Result, ServiceError};
use super::patch::Patch;
use super::webhooks::check_by_schema;

const DESCRIPTION_MAX: usize = 2048;
const SCHEMA_MAX: usize = 64 * 1024;
const ENTRIES_MAX: usize = 10_000;

/// What the server knows at its first start: the 26 types of the licensing systems whose users it serves.
const BUILT_IN: &str = include_str!("../../integrations/event-types.json");

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventTypeInput {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub description: Patch<String>,
    /// JSON Schema 2020-12 of the data; enforced for strict tenants only.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub schema: Patch<Value>,
    /// What `test`, `preview` and `trigger` send when they are given no data.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub sample: Patch<Value>,
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pub deprecated: Patch<bool>,
}

#[derive(Deserialize)]
struct BuiltIn {
    description: String,
    sample: Value,
}

impl Services {
    /// Told before anybody fills in a form for what only admins change.
    pub fn may_administer(&self, caller: &Caller) -> Result<()> {
        caller.must_administer()
    }

    /// Whoever has a token may know what can happen.
    pub fn event_types(&self, _: &Caller) -> Vec<CatalogueEntry> {
        self.accounts.catalogue().values().cloned().collect()
    }

    pub fn event_type(&self, _: &Caller, name: &EventType) -> Result<CatalogueEntry> {
        let known = self.accounts.catalogue().get(name).cloned();
        known.ok_or_else(|| ServiceError::not_found("event type", name))
    }

    /// Creates or changes; `true`: it is new.
    pub async fn put_event_type(
        &self,
        caller: &Caller,
        name: EventType,
        input: EventTypeInput,
    ) -> Result<(CatalogueEntry, bool)> {
        caller.must_administer()?;
        let catalogue = self.accounts.catalogue();
        let known = catalogue.get(&name).cloned();
        let is_new = known.is_none();
        let mut issues = Issues::default();
        if is_new && catalogue.len() >= ENTRIES_MAX {
            issues.add("", "too-many", format!("the catalogue holds {ENTRIES_MAX} types already"));
        }
        let mut entry = known.unwrap_or_else(|| blank(name.clone()));
        entry.updated_at = self.now();
        input.description.apply(&mut entry.description);
        if entry.description.len() > DESCRIPTION_MAX {
            issues.add("/description", "too-long", format!("at most {DESCRIPTION_MAX} bytes"));
        }
        input.deprecated.apply(&mut entry.deprecated);
        text_of(input.schema, &mut entry.schema);
        text_of(input.sample, &mut entry.sample);
        check_entry(&entry, &mut issues);
        issues.check()?;
        self.store.save_catalogue_entry(&entry).await?;
        self.reload_catalogue().await?;
        let action = if is_new { "event-type.create" } else { "event-type.update" };
        self.audit(caller, Done { tenant: None, action, target: name.to_string(), detail: String::new() }).await?;
        Ok((entry, is_new))
    }

    pub async fn delete_event_type(&self, caller: &Caller, name: &EventType) -> Result<()> {
        caller.must_administer()?;
        if !self.store.delete_catalogue_entry(name).await? {
            return Err(ServiceError::not_found("event type", name));
        }
        self.reload_catalogue().await?;
        let done = Done { tenant: None, action: "event-type.delete", target: name.to_string(), detail: String::new() };
        self.audit(caller, done).await
    }

    /// Fills an empty catalogue with what the server knows. One that holds anything is its owner's: nothing is added.
    pub async fn seed_catalogue(&self) -> Result<usize> {
        if !self.accounts.catalogue().is_empty() {
            return Ok(0);
        }
        let entries = built_in();
        for entry in &entries {
            let entry = CatalogueEntry { updated_at: self.now(), ..entry.clone() };
            self.store.save_catalogue_entry(&entry).await?;
        }
        self.reload_catalogue().await?;
        Ok(entries.len())
    }

    /// A sample of this type: the catalogue's, else an empty object.
    pub(super) fn sample_of(&self, name: &EventType) -> String {
        let catalogue = self.accounts.catalogue();
        catalogue.get(name).and_then(|entry| entry.sample.clone()).unwrap_or_else(|| "{}".into())
    }
}

fn built_in() -> Vec<CatalogueEntry> {
    // A test reads the file: it is never empty here.
    let known: BTreeMap<EventType, BuiltIn> = serde_json::from_str(BUILT_IN).unwrap_or_default();
    let entry = |(name, known): (EventType, BuiltIn)| CatalogueEntry {
        description: known.description,
        sample: Some(known.sample.to_string()),
        ..blank(name)
    };
    known.into_iter().map(entry).collect()
}

fn blank(event_type: EventType) -> CatalogueEntry {
    let (description, updated_at) = (String::new(), crate::model::time::Timestamp::default());
    CatalogueEntry { event_type, description, schema: None, sample: None, deprecated: false, updated_at }
}

fn text_of(patch: Patch<Value>, field: &mut Option<String>) {
    match patch {
        Patch::Keep => {}
        Patch::Reset => *field = None,
        Patch::Set(value) => *field = Some(value.to_string()),
    }
}

/// The schema can be used, and the sample is an example of it.
fn check_entry(entry: &CatalogueEntry, issues: &mut Issues) {
    if entry.sample.as_ref().is_some_and(|sample| sample.len() > DATA_MAX) {
        issues.add("/sample", "too-long", format!("at most {DATA_MAX} bytes"));
        return;
    }
    let Some(text) = &entry.schema else { return };
    if text.len() > SCHEMA_MAX {
        issues.add("/schema", "too-long", format!("at most {SCHEMA_MAX} bytes"));
        return;
    }
    let Ok(schema) = serde_json::from_str::<Value>(text) else { return };
    if let Err(error) = jsonschema::draft202012::new(&schema) {
        issues.add("/schema", "schema-unusable", error);
        return;
    }
    let sample = entry.sample.as_ref().and_then(|sample| serde_json::from_str::<Value>(sample).ok());
    for fault in sample.iter().flat_map(|sample| check_by_schema(&schema, sample, "/sample")) {
        issues.add(fault.pointer, "sample-invalid", fault.detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_knows_the_26_types_of_the_documents_each_with_a_sample() {
        let entries = built_in();
        assert_eq!(entries.len(), 26);
        let groups = entries.iter().map(|entry| entry.event_type.as_str().split('.').next().unwrap().to_owned());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        groups.for_each(|group| *counts.entry(group).or_default() += 1);
        let counts: Vec<(&str, usize)> = counts.iter().map(|(group, count)| (group.as_str(), *count)).collect();
        let expected =
            [("activation", 3), ("contract", 4), ("license", 13), ("product", 3), ("telemetry", 2), ("user", 1)];
        assert_eq!(counts, expected);
        for entry in entries {
            let sample: Value = serde_json::from_str(entry.sample.as_deref().unwrap()).unwrap();
            assert!(sample.as_object().is_some_and(|fields| !fields.is_empty()), "{}", entry.event_type);
            assert!(!entry.description.is_empty(), "{}", entry.event_type);
        }
    }
}
