//! The gallery of integration templates.

use axum::extract::State;
use axum::response::IntoResponse as _;

use crate::service::Template;
use crate::ui::layout::{Layout, rendered};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::LIST;

#[derive(askama::Template)]
#[template(path = "plugins/templates.html")]
struct Page {
    at: Layout,
    cards: Vec<Card>,
    may_use: bool,
}

struct Card {
    template: &'static Template,
    /// Each line of how to get the URL, without its number.
    steps: Vec<String>,
    place: String,
}

pub(super) async fn gallery(State(ui): State<Ui>, signed: Signed) -> Answer {
    let card = |template: &'static Template| Card {
        steps: template.steps(),
        place: Query::new("/admin/webhooks/new", "").with("template", &template.id),
        template,
    };
    let cards = ui.services.templates(signed.caller())?.iter().map(card).collect();
    let page = Page { at: signed.0.layout("Templates"), cards, may_use: signed.caller().configures() };
    Ok(rendered(&page)?.into_response())
}
