//! `/admin/events`: what was posted, and Explain: who got it and who didn't, and why.

mod detail;
mod list;
mod search;

use axum::Router;
use axum::routing::get;

use super::Ui;

const LIST: &str = "/admin/events";

pub(super) fn routes() -> Router<Ui> {
    Router::new().route(LIST, get(list::list)).route("/admin/events/{id}", get(detail::detail))
}
