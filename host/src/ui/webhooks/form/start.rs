//! What a new webhook's form is filled with: the defaults of whoever it will belong to, and what its address brings along, such as a
//! template of the gallery, a sink or a URL.

use std::sync::Arc;

use crate::model::plugin::Plugin;
use crate::service::Template;
use crate::ui::field::id_of;
use crate::ui::form::Posted;
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui, sinks};

use super::{chain, typed};

/// The template that a form was filled from: what it still asks.
pub(super) struct FromTemplate {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) url_hint: &'static str,
    pub(super) steps: Vec<String>,
    /// A question, whether it must be answered, and the field that answers it.
    pub(super) questions: Vec<(&'static str, bool, String)>,
}

pub(super) async fn typed(ui: &Ui, signed: &Signed, query: &Query) -> Answer<(Posted, Vec<chain::Typed>)> {
    let (caller, services) = (signed.caller(), &ui.services);
    let sink = match query.get("sink") {
        Some(id) => Some(services.sink(caller, sinks::named(id)?).await?),
        None => None,
    };
    let tenant = sink.as_ref().map(|sink| sink.tenant.clone()).or_else(|| caller.tenant.clone());
    let tenant = tenant.or_else(|| query.parsed("tenant"));
    let settings = services.defaults_of(caller, tenant.as_ref())?;
    let mut fields = typed::of_settings(&settings, tenant.map(|tenant| tenant.to_string()).as_deref());
    let mut stages = Vec::new();
    if let Some(template) = template(ui, signed, query.get("template").unwrap_or_default())? {
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        fields.push(given("template", &template.id));
        fields.push(given("name", &template.title));
        fields.push(given("url", template.url.as_deref().unwrap_or_default()));
        fields.extend(template.events.iter().map(|pattern| given("events", pattern)));
        stages = chain::of_template(template, &services.plugins(caller)?);
    }
    let url = sink.map(|sink| services.sink_url(&sink)).or_else(|| query.get("url").map(str::to_owned));
    for (name, value) in [("name", query.get("name").map(str::to_owned)), ("url", url)] {
        if let Some(value) = value {
            fields.retain(|(known, _)| known != name);
            fields.push((name.to_owned(), value));
        }
    }
    Ok((Posted::filled_in(fields), stages))
}

fn template(ui: &Ui, signed: &Signed, id: &str) -> Answer<Option<&'static Template>> {
    Ok(ui.services.templates(signed.caller())?.iter().find(|template| template.id == id))
}

/// Of the template that the form was begun with, for the stages that it still has.
pub(super) fn from_template(
    (ui, signed): (&Ui, &Signed),
    id: &str,
    stages: &[chain::Typed],
    plugins: &[Arc<Plugin>],
) -> Answer<Option<FromTemplate>> {
    let Some(template) = template(ui, signed, id)? else { return Ok(None) };
    let asked = template.questions.iter().filter_map(|question| {
        let name = chain::field_of(stages, (&question.plugin, &question.setting), plugins)?;
        Some((question.question.as_str(), question.required, id_of(&name)))
    });
    Ok(Some(FromTemplate {
        id: &template.id,
        title: &template.title,
        url_hint: &template.url_hint,
        steps: template.steps(),
        questions: asked.collect(),
    }))
}
