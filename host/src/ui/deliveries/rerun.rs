//! A past delivery's chain, run once more over the same event: step by step, and whether the same bytes come out. Sends and keeps nothing.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;

use crate::model::ids::DeliveryId;
use crate::service::{Rerun, RerunInput};
use crate::ui::chain_run::ChainRun;
use crate::ui::layout::{Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, actions, path_of};

/// The parameter that names another version of a plugin, as `name@version`; it may come several times.
const PLUGIN: &str = "plugin";

#[derive(Template)]
#[template(path = "deliveries/rerun.html")]
struct Page {
    at: Layout,
    delivery: String,
    path: String,
    /// What is said of the bytes: its tone, and the sentence.
    verdict: (&'static str, &'static str),
    run: ChainRun,
    /// Of each plugin of the chain: its name, and what may be chosen of it.
    choices: Vec<Choice>,
}

struct Choice {
    name: String,
    /// `name@version`, and whether it is the one that ran.
    versions: Vec<(String, bool)>,
}

pub(super) async fn rerun(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let id: DeliveryId = actions::named(&id)?;
    let (caller, services) = (signed.caller(), &ui.services);
    let plugins: Vec<String> = query.all(PLUGIN).map(str::to_owned).collect();
    let is_other = !plugins.is_empty();
    let Rerun { delivery, now, same, .. } = services.rerun_delivery(caller, id, RerunInput { plugins }).await?;
    let event = services.event(caller, delivery.event).await?;
    let verdict = match (same, is_other) {
        (Some(true), _) => ("good", "The same bytes came out as then."),
        (Some(false), true) => ("warn", "With these versions other bytes come out than then."),
        (Some(false), false) => (
            "bad",
            "Other bytes came out than then: it was made under other limits, or by another build of the server.",
        ),
        (None, _) => ("info", "Nothing was kept of then to compare it with."),
    };
    let mut choices: Vec<Choice> = Vec::new();
    for (name, version) in now.stages.iter().filter_map(|stage| stage.plugin.split_once('@')) {
        if choices.iter().any(|choice| choice.name == name) {
            continue;
        }
        // A plugin that isn't there any more, or isn't shared any more, is no choice.
        let Ok(known) = services.plugin_versions(caller, name) else { continue };
        let versions = known.iter().map(|plugin| plugin.manifest.version.to_string());
        let versions = versions.map(|each| (format!("{name}@{each}"), each == version)).collect();
        choices.push(Choice { name: name.to_owned(), versions });
    }
    let page = Page {
        at: signed.0.layout("Run again"),
        delivery: delivery.id.shown(delivery.test),
        path: path_of(&delivery),
        verdict,
        run: ChainRun::new(&event, now, "signed now, with what the webhook has now"),
        choices,
    };
    Ok(rendered(&page)?.into_response())
}
