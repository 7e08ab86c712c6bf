//! `/admin/event-types`: what can happen, with schema and sample, and who wants it.

mod form;
mod view;

use axum::Router;
use axum::routing::{get, post};

use super::Ui;

const LIST: &str = "/admin/event-types";
/// No type can be called so: it has a slash in it.
const NEW: &str = "/admin/event-types/-/new";

/// What was done, as the address says it, and as the page does.
const DONE: [(&str, &str); 3] = [
    ("created", "The event type is in the catalogue."),
    ("changed", "The event type was changed."),
    (
        "deleted",
        "The event type is no longer in the catalogue. Events of it are still accepted, but for a strict tenant.",
    ),
];

fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(LIST, get(view::list))
        .route(NEW, get(form::new).post(form::create))
        .route("/admin/event-types/{name}", get(view::detail))
        .route("/admin/event-types/{name}/edit", get(form::edit).post(form::change))
        .route("/admin/event-types/{name}/delete", post(form::delete))
}
