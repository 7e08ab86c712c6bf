//! Integration templates: a chain with its default settings, for those who don't want to know about plugins. Data files only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Services;
use super::caller::Caller;
use super::error::{Result, ServiceError};
use super::patch::Patch;
use super::webhooks::StageInput;

const FILES: [(&str, &str); 3] = [
    ("slack-alerts", include_str!("../../integrations/slack-alerts.toml")),
    ("discord-alerts", include_str!("../../integrations/discord-alerts.toml")),
    ("hubspot-contacts", include_str!("../../integrations/hubspot-contacts.toml")),
];

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    // A test reads every file: none is left out here.
    FILES.iter().filter_map(|(id, text)| read(id, text).ok()).collect()
});

#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase", deserialize = "camelCase"), deny_unknown_fields)]
pub struct Template {
    #[serde(default)]
    #[schema(example = "slack-alerts")]
    pub id: String,
    pub title: String,
    pub description: String,
    /// The event types that it suggests.
    pub events: Vec<String>,
    pub plugins: Vec<TemplateStage>,
    /// What to ask whoever sets it up.
    pub questions: Vec<Question>,
    /// Where the URL is always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the URL looks like.
    pub url_hint: String,
    /// How to get the URL, step by step.
    pub get_url: String,
}

#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateStage {
    pub plugin: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub plugin: String,
    /// A JSON Pointer into that plugin's settings.
    pub setting: String,
    pub question: String,
    pub required: bool,
}

impl Services {
    pub fn templates(&self, caller: &Caller) -> Result<&'static [Template]> {
        caller.must_read()?;
        Ok(&TEMPLATES)
    }
}

pub(super) fn template(id: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}

impl Template {
    /// How to get the URL, without the numbers of the steps.
    pub fn steps(&self) -> Vec<String> {
        self.get_url.lines().map(step).filter(|line| !line.is_empty()).collect()
    }

    /// The chain, with `answers` (by plugin name) merged over the defaults, one level deep.
    pub(super) fn stages(&self, answers: &BTreeMap<String, Value>) -> Result<Vec<StageInput>> {
        for name in answers.keys() {
            if !self.plugins.iter().any(|stage| stage.plugin == *name) {
                let detail = format!("the template '{}' has no plugin '{name}'", self.id);
                return Err(ServiceError::invalid(
                    "/settings".to_owned() + &super::error::step(name),
                    "unknown-field",
                    detail,
                ));
            }
        }
        let stage = |stage: &TemplateStage| {
            let mut settings = stage.settings.clone();
            let answered = answers.get(&stage.plugin).and_then(Value::as_object);
            settings.extend(answered.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
            StageInput {
                plugin: stage.plugin.clone(),
                settings: Some(Value::Object(settings)),
                on_error: None,
                was: Patch::Reset,
            }
        };
        Ok(self.plugins.iter().map(stage).collect())
    }
}

fn step(line: &str) -> String {
    let line = line.trim();
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.strip_prefix(". ").unwrap_or(line).to_owned()
}

fn read(id: &str, text: &str) -> Result<Template, toml::de::Error> {
    Ok(Template { id: id.to_owned(), ..toml::from_str(text)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Pattern;

    #[test]
    fn every_template_is_whole() {
        for (id, text) in FILES {
            let template = read(id, text).unwrap();
            assert!(template.events.iter().all(|pattern| pattern.parse::<Pattern>().is_ok()), "{id}");
            assert!(!template.plugins.is_empty() && !template.get_url.is_empty(), "{id}");
            let known = |question: &Question| template.plugins.iter().any(|stage| stage.plugin == question.plugin);
            assert!(template.questions.iter().all(known), "{id}");
        }
        assert_eq!(TEMPLATES.len(), FILES.len());
    }

    #[test]
    fn a_step_is_without_its_number() {
        assert_eq!(step("12. Copy the URL."), "Copy the URL.");
        assert_eq!(step("2 of them"), "2 of them");
    }

    #[test]
    fn answers_go_over_the_defaults_and_a_foreign_plugin_is_named() {
        let template = template("slack-alerts").unwrap();
        let answers = BTreeMap::from([("slack".to_owned(), serde_json::json!({ "title": "New!" }))]);
        let stages = template.stages(&answers).unwrap();
        assert_eq!(stages[0].settings, Some(serde_json::json!({ "title": "New!" })));
        let foreign = BTreeMap::from([("a/b".to_owned(), Value::Null)]);
        assert!(
            matches!(template.stages(&foreign), Err(ServiceError::Invalid(issues)) if issues[0].pointer == "/settings/a~1b")
        );
    }
}
