//! What a plugin said of itself, checked: it goes into names, lists and pages that others read.

use std::sync::Arc;

use super::contract::types;

use super::imports::Border;
use super::log::shown;
use crate::model::name::{BadName, Tenant};
use crate::model::plugin::{Manifest, Sample};
use crate::transform::BadComponent;

const DESCRIPTION_MAX: usize = 4096;
const SCHEMA_MAX: usize = 256 * 1024;
const LIST_MAX: usize = 64;
const ITEM_MAX: usize = 64 * 1024;

/// The manifest as the server keeps it.
pub(super) fn accept(said: types::Manifest, border: &Border) -> Result<Manifest, BadComponent> {
    // The rule for slugs is the tenants'.
    said.name.parse::<Tenant>().map_err(|error: BadName| bad("name", error))?;
    let version = said.version.parse().map_err(|error: semver::Error| bad("version", error))?;
    let schema: serde_json::Value =
        serde_json::from_str(&said.settings_schema).map_err(|error| bad("settings-schema", error))?;
    if !schema.is_object() {
        return Err(bad("settings-schema", "it is no JSON object"));
    }
    let counts = [said.event_types.len(), said.samples.len(), said.attributes.len()];
    if said.settings_schema.len() > SCHEMA_MAX || counts.iter().any(|count| *count > LIST_MAX) {
        return Err(bad(
            "settings-schema",
            format_args!("more than {SCHEMA_MAX} bytes, or a list of more than {LIST_MAX}"),
        ));
    }
    let samples = said.samples.into_iter().map(sample).collect::<Result<_, _>>()?;
    let item = |text: &String| shown(text, 256);
    Ok(Manifest {
        name: said.name,
        version,
        description: shown(&said.description, DESCRIPTION_MAX),
        settings_schema: Arc::from(said.settings_schema),
        event_types: said.event_types.iter().map(item).collect(),
        redacts: said.redacts,
        classifies: border.classifies(),
        samples,
        imports: border.imports.clone(),
        attributes: said.attributes.iter().map(|(name, value)| (item(name), item(value))).collect(),
    })
}

fn sample(said: types::Sample) -> Result<Sample, BadComponent> {
    if said.data.len() > ITEM_MAX || said.settings.len() > ITEM_MAX {
        return Err(bad("samples", format_args!("'{}' is more than {ITEM_MAX} bytes", shown(&said.name, 64))));
    }
    let data = String::from_utf8(said.data).map_err(|error| bad("samples", error))?;
    Ok(Sample { name: shown(&said.name, 128), event_type: shown(&said.event_type, 256), data, settings: said.settings })
}

fn bad(what: &str, why: impl std::fmt::Display) -> BadComponent {
    BadComponent::BadManifest(format!("{what}: {why}"))
}
