//! `/admin/webhooks`: the list, and what can be done to a webhook from it.

mod actions;
mod list;

use axum::Router;
use axum::routing::{get, post};

use super::Ui;

/// Where the list is.
const LIST: &str = "/admin/webhooks";

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(LIST, get(list::list))
        .route("/admin/webhooks/{id}/enable", post(actions::enable))
        .route("/admin/webhooks/{id}/disable", post(actions::disable))
        .route("/admin/webhooks/{id}/pause", post(actions::pause))
        .route("/admin/webhooks/{id}/resume", post(actions::resume))
        .route("/admin/webhooks/{id}/delete", get(actions::ask_to_delete).post(actions::delete))
}
