//! What a tenant's events must keep to: the tenant exists, and where it is strict, the catalogue knows the type and its schema
//! accepts the data.
//!
//! Kept in memory, replaced whole when tenants, catalogue or defaults change; the store is the truth.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;

use super::Posted;
use super::fields::{Issues, pointer};
use crate::model::catalogue::CatalogueEntry;
use crate::model::event::ContentType;
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::tenant::{Defaults, TenantProfile};

/// The rules as they are now; cheap to read from any thread.
pub struct Rulebook {
    rules: ArcSwap<Rules>,
}

struct Rules {
    tenants: HashMap<Tenant, TenantRules>,
    /// What the tenant `default` does when nobody made a profile for it, which it doesn't need.
    fallback: TenantRules,
    types: HashMap<EventType, Option<Arc<jsonschema::Validator>>>,
}

#[derive(Clone)]
struct TenantRules {
    strict: bool,
    environment: Environment,
}

/// A catalogue entry's schema can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the schema of '{event_type}' can't be used: {reason}")]
pub struct BadSchema {
    pub event_type: EventType,
    pub reason: String,
}

impl Rulebook {
    /// Schemas that can't be used are reported and count as absent: whoever saves one checks it first with [`check_schema`].
    pub fn new(tenants: &[TenantProfile], catalogue: &[CatalogueEntry], defaults: &Defaults) -> (Self, Vec<BadSchema>) {
        let (rules, bad) = Rules::new(tenants, catalogue, defaults);
        (Self { rules: ArcSwap::from_pointee(rules) }, bad)
    }

    /// From now on these apply.
    pub fn set(&self, tenants: &[TenantProfile], catalogue: &[CatalogueEntry], defaults: &Defaults) -> Vec<BadSchema> {
        let (rules, bad) = Rules::new(tenants, catalogue, defaults);
        self.rules.store(Arc::new(rules));
        bad
    }

    /// The environment of an event that names none.
    pub(super) fn environment(&self, tenant: &Tenant) -> Environment {
        let rules = self.rules.load();
        rules.tenant(tenant).map_or_else(|| rules.fallback.environment.clone(), |rules| rules.environment.clone())
    }

    /// Adds an issue for everything in which the event breaks its tenant's rules.
    pub(super) fn check(&self, tenant: &Tenant, event: &Posted, place: Option<usize>, issues: &mut Issues) {
        let rules = self.rules.load();
        match rules.tenant(tenant) {
            None => {
                let message = format!("there is no tenant '{tenant}': make it first, at /api/tenants");
                issues.push(pointer(place, "tenant"), "unknown-tenant", message);
            }
            Some(found) if found.strict => rules.strictly(event, place, issues),
            Some(_) => {}
        }
    }
}

impl Rules {
    fn new(tenants: &[TenantProfile], catalogue: &[CatalogueEntry], defaults: &Defaults) -> (Self, Vec<BadSchema>) {
        let mut bad = Vec::new();
        let environment = defaults.environment.clone().unwrap_or_default();
        let of = |profile: &TenantProfile| TenantRules {
            strict: profile.strict,
            environment: profile.defaults.environment.clone().unwrap_or_else(|| environment.clone()),
        };
        let tenants = tenants.iter().map(|profile| (profile.name.clone(), of(profile))).collect();
        let mut types = HashMap::new();
        for entry in catalogue {
            let compiled = entry.schema.as_deref().map(compiled).transpose().unwrap_or_else(|reason| {
                bad.push(BadSchema { event_type: entry.event_type.clone(), reason });
                None
            });
            types.insert(entry.event_type.clone(), compiled.map(Arc::new));
        }
        (Self { tenants, fallback: TenantRules { strict: false, environment }, types }, bad)
    }

    fn tenant(&self, name: &Tenant) -> Option<&TenantRules> {
        self.tenants.get(name).or_else(|| (name.as_str() == "default").then_some(&self.fallback))
    }

    fn strictly(&self, event: &Posted, place: Option<usize>, issues: &mut Issues) {
        let Some(schema) = self.types.get(&event.event_type) else {
            let message = format!(
                "the catalogue has no event type '{0}', and this tenant is strict: PUT /api/event-types/{0} adds it",
                event.event_type
            );
            issues.push(pointer(place, "type"), "unknown-type", message);
            return;
        };
        let Some(schema) = schema else { return };
        let data = pointer(place, "data");
        if event.data.content_type != ContentType::Json {
            issues.push(data, "schema", "the event type has a schema, and the data is not JSON");
            return;
        }
        // Numbers that serde can't hold are no JSON for a schema either.
        let Ok(value) = serde_json::from_slice(&event.data.bytes) else {
            issues.push(data, "schema", "the data holds a number that is out of range");
            return;
        };
        for fault in schema.iter_errors(&value).take(super::fields::ISSUES_MAX) {
            issues.push(format!("{data}{}", fault.instance_path()), "schema", fault.to_string());
        }
    }
}

/// Whether a schema can be used: JSON Schema 2020-12 that refers to nothing outside itself.
pub fn check_schema(event_type: &EventType, schema: &str) -> Result<(), BadSchema> {
    compiled(schema).map(drop).map_err(|reason| BadSchema { event_type: event_type.clone(), reason })
}

fn compiled(schema: &str) -> Result<jsonschema::Validator, String> {
    let schema = serde_json::from_str(schema).map_err(|error| error.to_string())?;
    jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())
}
