//! `/admin/webhooks`: the list, one webhook, the form that makes and changes it, its secrets, its test.

mod actions;
mod detail;
mod form;
mod history;
mod list;
mod recovery;
mod secret;
mod test;

use axum::Router;
use axum::routing::{get, post};

use crate::model::webhook::Webhook;

use super::Ui;

/// Where the list is.
const LIST: &str = "/admin/webhooks";

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(LIST, get(list::list))
        .route("/admin/webhooks/new", get(form::new).post(form::create))
        .route("/admin/webhooks/{id}", get(detail::show))
        .route("/admin/webhooks/{id}/edit", get(form::edit).post(form::save))
        .route("/admin/webhooks/{id}/secret", get(secret::show).post(secret::renew))
        .route("/admin/webhooks/{id}/test", get(test::form).post(test::send))
        .route("/admin/webhooks/{id}/recover", post(recovery::recover))
        .route("/admin/webhooks/{id}/enable", post(actions::enable))
        .route("/admin/webhooks/{id}/disable", post(actions::disable))
        .route("/admin/webhooks/{id}/pause", post(actions::pause))
        .route("/admin/webhooks/{id}/resume", post(actions::resume))
        .route("/admin/webhooks/{id}/delete", get(actions::ask_to_delete).post(actions::delete))
}

fn name_of(webhook: &Webhook) -> String {
    if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() }
}
