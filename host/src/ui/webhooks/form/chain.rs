//! The chain of plugins in the form: stages in their order, each with a plugin, what a fault does, and its settings as fields. Buttons
//! add, remove and move them; the page is then made anew of what stands in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use serde_json::Value;

use crate::model::plugin::{OnError, Plugin, Stage};
use crate::model::webhook::{Revision, Webhook};
use crate::service::webhooks::{StageInput, masked_settings};
use crate::service::{Patch, Template as Integration, TemplateStage};
use crate::ui::field::{Faults, Field, Kind};
use crate::ui::form::Posted;

use super::schema::{Property, Shape, fill, properties, read};

const ON_ERROR: [(&str, &str); 2] = [("fail", "The delivery fails"), ("skip", "This plugin is skipped")];

/// A stage as it was typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    /// `name@version`.
    plugin: String,
    on_error: String,
    /// Its place in the stored chain, if it stands there.
    was: Option<usize>,
    /// Key and text of each setting.
    fields: Vec<(String, String)>,
}

/// A stage as it is shown.
pub(super) struct Shown {
    pub(super) number: usize,
    pub(super) index: usize,
    pub(super) title: String,
    /// Of [`Typed`].
    pub(super) was: String,
    pub(super) plugin: Field,
    pub(super) on_error: Field,
    pub(super) settings: Vec<Node>,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

pub(super) enum Node {
    One(Field),
    Many(Group),
}

/// Settings that belong together.
#[derive(Template)]
#[template(path = "webhooks/group.html")]
pub(super) struct Group {
    label: String,
    hint: String,
    nodes: Vec<Node>,
}

impl askama::filters::HtmlSafe for Group {}

impl Typed {
    fn get(&self, key: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == key).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.plugin.split('@').next().unwrap_or_default()
    }

    /// The stored stage whose secrets stay where their fields are left empty.
    fn own<'a>(&self, old: &'a [Stage]) -> Option<&'a Stage> {
        old.get(self.was?).filter(|stage| stage.name == self.name())
    }
}

/// The stages of a webhook, as the form is filled with them.
pub(super) fn of_webhook(webhook: &Webhook, plugins: &[Arc<Plugin>]) -> Vec<Typed> {
    let typed = |(index, stage): (usize, &Stage)| {
        let plugin = format!("{}@{}", stage.name, stage.version);
        let fields = fill(&properties(&schema_of(plugins, &plugin)), &masked_settings(stage));
        let on_error = if stage.on_error == OnError::Skip { "skip" } else { "fail" };
        Typed { plugin, on_error: on_error.to_owned(), was: Some(index), fields }
    };
    webhook.revision.chain.iter().enumerate().map(typed).collect()
}

/// The stages of a template, with its own settings filled in. A plugin that isn't there is left out.
pub(super) fn of_template(template: &Integration, plugins: &[Arc<Plugin>]) -> Vec<Typed> {
    let stage = |stage: &TemplateStage| {
        let newest = plugins.iter().find(|plugin| plugin.manifest.name == stage.plugin)?;
        let plugin = format!("{}@{}", newest.manifest.name, newest.manifest.version);
        let fields = fill(&properties(&schema_of(plugins, &plugin)), &Value::Object(stage.settings.clone()));
        Some(Typed { plugin, on_error: "fail".to_owned(), was: None, fields })
    };
    template.plugins.iter().filter_map(stage).collect()
}

/// The name of the field that holds this setting (a JSON Pointer) of the first stage with this plugin.
pub(super) fn field_of(stages: &[Typed], (plugin, setting): (&str, &str), plugins: &[Arc<Plugin>]) -> Option<String> {
    let (index, stage) = stages.iter().enumerate().find(|(_, stage)| stage.name() == plugin)?;
    let all = properties(&schema_of(plugins, &stage.plugin));
    let property = all.iter().find_map(|property| property.holding(setting))?;
    Some(format!("set.{index}.{}", property.key))
}

pub(super) fn of_posted(posted: &Posted) -> Vec<Typed> {
    let stage = |index: usize| {
        let plugin = posted.all(&format!("plugin.{index}")).next()?.to_owned();
        let on_error = posted.get(&format!("on-error.{index}")).to_owned();
        let was = posted.get(&format!("was.{index}")).parse().ok();
        let prefix = format!("set.{index}.");
        let own = posted.pairs().filter_map(|(name, text)| Some((name.strip_prefix(&prefix)?, text)));
        let fields = own.map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
        Some(Typed { plugin, on_error, was, fields })
    };
    // One more than may be saved, so that the service can say so.
    (0..=Revision::CHAIN_MAX).map_while(stage).collect()
}

/// What a button of the chain does.
pub(super) fn act(stages: &mut Vec<Typed>, posted: &Posted) {
    let (what, which) = posted.get("do").split_once('.').unwrap_or((posted.get("do"), ""));
    if what == "add" && !posted.get("add").is_empty() && stages.len() < Revision::CHAIN_MAX {
        let on_error = "fail".to_owned();
        stages.push(Typed { plugin: posted.get("add").to_owned(), on_error, ..Typed::default() });
    }
    let Some(index) = which.parse::<usize>().ok().filter(|index| *index < stages.len()) else { return };
    match what {
        "remove" => drop(stages.remove(index)),
        "up" if index > 0 => stages.swap(index, index - 1),
        "down" if index + 1 < stages.len() => stages.swap(index, index + 1),
        _ => {}
    }
}

/// Somebody else saved another chain: of its stages, those are known again that are the only ones of their plugin, there and here.
pub(super) fn find_origins(stages: &mut [Typed], old: &[Stage]) {
    let names: Vec<String> = stages.iter().map(|stage| stage.name().to_owned()).collect();
    for (stage, name) in stages.iter_mut().zip(&names) {
        let mut same = old.iter().enumerate().filter(|(_, known)| known.name == *name).map(|(index, _)| index);
        let is_alone = names.iter().filter(|other| *other == name).count() == 1;
        stage.was = same.next().filter(|_| is_alone && same.next().is_none());
    }
}

/// As the service takes them.
pub(super) fn inputs(stages: &[Typed], (plugins, faults): (&[Arc<Plugin>], &mut Faults)) -> Vec<StageInput> {
    let input = |(index, stage): (usize, &Typed)| {
        let below = properties(&schema_of(plugins, &stage.plugin));
        let settings = read(&below, &|key| stage.get(key), (&mut *faults, &format!("/plugins/{index}/settings")));
        let on_error = if stage.on_error == "skip" { OnError::Skip } else { OnError::Fail };
        let was = stage.was.map_or(Patch::Reset, Patch::Set);
        StageInput { plugin: stage.plugin.clone(), settings: Some(settings), on_error: Some(on_error), was }
    };
    stages.iter().enumerate().map(input).collect()
}

/// Every version that may be chosen, newest first of each name.
pub(super) fn choices(plugins: &[Arc<Plugin>]) -> Vec<(String, String)> {
    let name = |plugin: &Arc<Plugin>| format!("{}@{}", plugin.manifest.name, plugin.manifest.version);
    plugins.iter().map(|plugin| (name(plugin), name(plugin))).collect()
}

pub(super) fn shown(
    stages: &[Typed],
    plugins: &[Arc<Plugin>],
    (webhook, faults): (Option<&Webhook>, &Faults),
) -> Vec<Shown> {
    let old = webhook.map(|webhook| webhook.revision.chain.as_slice()).unwrap_or_default();
    let one = |(index, stage): (usize, &Typed)| {
        let stored = stage.own(old).map(|own| own.secrets.keys().cloned().collect()).unwrap_or_default();
        let view = View { index, stage, stored, faults };
        let mut all = choices(plugins);
        if !all.iter().any(|(value, _)| *value == stage.plugin) {
            all.push((stage.plugin.clone(), stage.plugin.clone()));
        }
        let at = format!("/plugins/{index}");
        let kinds = ON_ERROR.map(|(value, label)| (value.to_owned(), label.to_owned())).into();
        Shown {
            number: index + 1,
            index,
            title: stage.plugin.clone(),
            was: stage.was.map(|was| was.to_string()).unwrap_or_default(),
            plugin: Field::new(format!("plugin.{index}"), "Plugin and version", Kind::Choice(all))
                .required()
                .value(&stage.plugin)
                .judged(format!("{at}/plugin"), faults),
            on_error: Field::new(format!("on-error.{index}"), "If it fails", Kind::Choice(kinds))
                .required()
                .value(&stage.on_error)
                .judged(format!("{at}/onError"), faults),
            settings: view.nodes(&properties(&schema_of(plugins, &stage.plugin))),
            is_first: index == 0,
            is_last: index + 1 == stages.len(),
        }
    };
    stages.iter().enumerate().map(one).collect()
}

/// What the fields of one stage are made with.
struct View<'a> {
    index: usize,
    stage: &'a Typed,
    /// Where secrets are stored of it, as JSON Pointers.
    stored: BTreeSet<String>,
    faults: &'a Faults,
}

impl View<'_> {
    fn nodes(&self, properties: &[Property]) -> Vec<Node> {
        properties.iter().map(|property| self.node(property)).collect()
    }

    fn node(&self, property: &Property) -> Node {
        if let Shape::Group(below) = &property.shape {
            let (label, hint) = (property.label.clone(), property.hint.clone());
            return Node::Many(Group { label, hint, nodes: self.nodes(below) });
        }
        let kind = match &property.shape {
            Shape::Secret => Kind::Line("password"),
            Shape::Text { long: false } if !self.stage.get(&property.key).contains('\n') => Kind::Line("text"),
            Shape::Number => Kind::Line("number"),
            Shape::Text { .. } | Shape::Lines => Kind::Text(3),
            Shape::Json | Shape::Rest | Shape::Group(_) => Kind::Text(5),
            Shape::Choice(choices) => Kind::Choice(optional(choices.clone())),
            Shape::Boolean => {
                Kind::Choice(optional(vec![("true".into(), "Yes".into()), ("false".into(), "No".into())]))
            }
        };
        let hint = if property.shape == Shape::Secret && self.stored.contains(&property.key) {
            format!("{} A value is stored: it stays if this is left empty.", property.hint)
        } else {
            property.hint.clone()
        };
        let pointer = format!("/plugins/{}/settings{}", self.index, property.key.trim_start_matches("rest:"));
        let field = Field::new(format!("set.{}.{}", self.index, property.key), property.label.clone(), kind)
            .value(self.stage.get(&property.key))
            .hint(hint.trim().to_owned());
        // What concerns the settings as a whole stands above the form.
        let is_whole = property.key.trim_start_matches("rest:").is_empty() && property.shape == Shape::Rest;
        let field = if is_whole { field } else { field.judged(pointer, self.faults) };
        let field = match property.shape {
            Shape::Json | Shape::Rest => field.mono(),
            Shape::Secret => field.fresh(),
            _ => field,
        };
        Node::One(if property.required { field.required() } else { field })
    }
}

impl Shown {
    pub(super) fn places(&self) -> Vec<(&str, &str, &str)> {
        let mut places = vec![self.plugin.place(), self.on_error.place()];
        gather(&self.settings, &mut places);
        places
    }
}

fn gather<'n>(nodes: &'n [Node], places: &mut Vec<(&'n str, &'n str, &'n str)>) {
    for node in nodes {
        match node {
            Node::One(field) => places.push(field.place()),
            Node::Many(group) => gather(&group.nodes, places),
        }
    }
}

fn optional(mut choices: Vec<(String, String)>) -> Vec<(String, String)> {
    choices.insert(0, (String::new(), "Default".to_owned()));
    choices
}

/// Of an unknown plugin: one that says nothing, so that its settings are JSON.
fn schema_of(plugins: &[Arc<Plugin>], reference: &str) -> Value {
    let is = |plugin: &&Arc<Plugin>| format!("{}@{}", plugin.manifest.name, plugin.manifest.version) == reference;
    let schema = plugins.iter().find(is).map(|plugin| serde_json::from_str(&plugin.manifest.settings_schema));
    schema.and_then(Result::ok).unwrap_or_default()
}
