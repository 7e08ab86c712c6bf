//! The chain as it is written, made into stages: plugins resolved to digests (nothing floats), settings checked by schema and by the
//! plugin itself, secrets split out.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::fault::FaultKind;
use crate::model::plugin::{Digest, OnError, Plugin, Stage};
use crate::model::secret::Secret;
use crate::model::webhook::Revision;
use crate::service::Services;
use crate::service::caller::Caller;
use crate::service::error::{Issues, Result, ServiceError};
use crate::service::patch::Patch;

use super::keeping::{self, Kept, Wanted};
use super::settings::{self, MASK};

/// One stage as a request writes it.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageInput {
    /// A name (the newest version as it is saved), `name@version`, or a digest.
    #[schema(example = "slack")]
    pub plugin: String,
    /// As the plugin's `settingsSchema` says. A secret that is masked or absent stays as it was.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Value>,
    /// `fail` (the default) or `skip`: what a fault of this stage does.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub on_error: Option<OnError>,
    /// In a change: its place in the chain before (0 is the first), whose secrets stay; `null`: it is new. By default the one with the same
    /// settings, or the only one left of this plugin.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    pub was: Patch<usize>,
}

impl Services {
    /// The stages for `inputs`; `old` is the chain before, for the secrets that stay.
    pub(in crate::service) async fn resolve_chain(
        &self,
        caller: &Caller,
        inputs: &[StageInput],
        old: &[Stage],
        at: &str,
    ) -> Result<Vec<Stage>> {
        let mut issues = Issues::default();
        if inputs.len() > Revision::CHAIN_MAX {
            issues.add(at, "too-long", format!("at most {} plugins in a chain", Revision::CHAIN_MAX));
            issues.check()?;
            return Ok(Vec::new());
        }
        let mut named = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let found = self.find_plugin(caller, &input.plugin);
            let plugin = issues.take(&format!("{at}/{index}/plugin"), "unknown-plugin", found);
            named.extend(plugin.map(|plugin| (index, input, schema_of(&plugin), plugin)));
        }
        let wanted: Vec<Wanted<'_>> = named
            .iter()
            .map(|(_, input, schema, plugin)| Wanted {
                name: &plugin.manifest.name,
                schema,
                settings: input.settings.as_ref(),
                was: &input.was,
            })
            .collect();
        let mut stages = Vec::with_capacity(named.len());
        for ((index, input, _, plugin), kept) in named.iter().zip(keeping::kept(&wanted, old)) {
            let place = format!("{at}/{index}");
            let secrets = match kept {
                Kept::Nothing => BTreeMap::new(),
                Kept::Of(stage) => stage.secrets.clone(),
                Kept::Unclear(candidates) => {
                    if refuse_unclear((&candidates, input), &format!("{place}/settings"), &mut issues) {
                        continue;
                    }
                    BTreeMap::new()
                }
            };
            let stage = self.resolve_stage(plugin, input, &secrets, &place).await;
            stages.extend(issues.absorb(stage)?);
        }
        issues.check()?;
        Ok(stages)
    }

    pub(in crate::service) fn find_plugin(
        &self,
        caller: &Caller,
        reference: &str,
    ) -> Result<Arc<Plugin>, UnknownPlugin> {
        let wanted = PluginReference::from_str(reference)?;
        let plugins = self.accounts.plugins();
        // Newest first: the first that fits is the newest.
        let usable =
            |plugin: &&Arc<Plugin>| wanted.fits(plugin) && (caller.is_admin() || plugin.shared || plugin.bundled);
        plugins.iter().find(usable).cloned().ok_or_else(|| UnknownPlugin(reference.to_owned()))
    }

    async fn resolve_stage(
        &self,
        plugin: &Plugin,
        input: &StageInput,
        kept: &BTreeMap<String, Secret>,
        at: &str,
    ) -> Result<Stage> {
        let manifest = &plugin.manifest;
        let on_error = input.on_error.unwrap_or_default();
        let mut issues = Issues::default();
        if on_error == OnError::Skip && manifest.redacts {
            let detail = "a plugin that redacts can't be skipped: what it should hide would go out";
            issues.add(format!("{at}/onError"), "redactor-skipped", detail);
        }
        let split = issues
            .absorb(self.check_settings(plugin, input.settings.clone(), kept, &format!("{at}/settings")).await)?;
        issues.check()?;
        let split = split.unwrap_or_default();
        Ok(Stage {
            digest: plugin.digest,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            settings: split.settings.to_string().into(),
            secrets: split.secrets,
            on_error,
            classifies: manifest.classifying(),
        })
    }

    /// Settings as they are to be kept: first the schema judges them, then the plugin.
    pub(in crate::service) async fn check_settings(
        &self,
        plugin: &Plugin,
        given: Option<Value>,
        kept: &BTreeMap<String, Secret>,
        at: &str,
    ) -> Result<settings::Split> {
        let given = given.unwrap_or_else(|| Value::Object(Map::new()));
        if !given.is_object() {
            return Err(ServiceError::invalid(at, "invalid-setting", "settings are a JSON object"));
        }
        let schema = schema_of(plugin);
        let split = settings::split(&schema, given.clone(), kept);
        let faults = settings::check(&schema, &settings::restore(&schema, given, &split.secrets), at);
        if !faults.is_empty() {
            return Err(ServiceError::Invalid(faults));
        }
        if let Some((pointer, _)) = split.secrets.iter().find(|(_, secret)| secret.expose() == MASK) {
            let detail = "there is no stored value that the mask could stand for: give the secret";
            return Err(ServiceError::invalid(format!("{at}{pointer}"), "secret-missing", detail));
        }
        let shown = settings::filled(&split.settings, &split.secrets, settings::blank_placeholder);
        let run = self.transform.check_settings(plugin.digest, &shown.to_string()).await;
        let mut issues = Issues::default();
        match run.result {
            Ok(found) => found.into_iter().for_each(|fault| {
                issues.add(format!("{at}{}", fault.path), "invalid-setting", fault.message);
            }),
            Err(FaultKind::Host { message }) => {
                return Err(ServiceError::Refused { code: "plugin-not-run", detail: message });
            }
            Err(kind) => {
                let fault = crate::model::fault::Fault { plugin: shown_name(plugin), kind };
                issues.add(at, "settings-check-failed", fault);
            }
        }
        issues.check()?;
        Ok(split)
    }
}

fn schema_of(plugin: &Plugin) -> Value {
    serde_json::from_str(&plugin.manifest.settings_schema).unwrap_or_default()
}

/// Whether secrets are left to what was there before, where it isn't clear which stage that is.
fn refuse_unclear((candidates, input): (&[&Stage], &StageInput), at: &str, issues: &mut Issues) -> bool {
    let pointers: BTreeSet<&String> = candidates.iter().flat_map(|stage| stage.secrets.keys()).collect();
    let is_left = |pointer: &&&String| {
        let value = input.settings.as_ref().and_then(|given| given.pointer(pointer));
        value.is_none_or(|value| value.as_str() == Some(MASK))
    };
    let left: Vec<&&String> = pointers.iter().filter(is_left).collect();
    for pointer in &left {
        let detail =
            "several stages of this plugin could be meant: give the secret again, or say with `was` which one this is";
        issues.add(format!("{at}{pointer}"), "secret-unclear", detail);
    }
    !left.is_empty()
}

/// `name@version`.
pub(in crate::service) fn shown_name(plugin: &Plugin) -> String {
    format!("{}@{}", plugin.manifest.name, plugin.manifest.version)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no plugin '{0}' that you may use: GET /api/plugins lists those there are")]
pub(in crate::service) struct UnknownPlugin(String);

enum PluginReference {
    Newest(String),
    Version(String, semver::Version),
    Digest(Digest),
}

impl FromStr for PluginReference {
    type Err = UnknownPlugin;

    fn from_str(text: &str) -> Result<Self, UnknownPlugin> {
        let unknown = || UnknownPlugin(text.chars().take(128).collect());
        if text.starts_with("sha256:") {
            return text.parse().map(Self::Digest).map_err(|_| unknown());
        }
        match text.split_once('@') {
            Some((name, version)) => {
                version.parse().map(|version| Self::Version(name.into(), version)).map_err(|_| unknown())
            }
            None => Ok(Self::Newest(text.into())),
        }
    }
}

impl PluginReference {
    fn fits(&self, plugin: &Plugin) -> bool {
        match self {
            Self::Newest(name) => plugin.manifest.name == *name,
            Self::Version(name, version) => plugin.manifest.name == *name && plugin.manifest.version == *version,
            Self::Digest(digest) => plugin.digest == *digest,
        }
    }
}
