//! `/admin/sinks`: receivers of this server's own, what they answer, and what came to them.

mod actions;
mod detail;
mod edit;
mod list;

use axum::Router;
use axum::routing::{get, post};

use crate::model::ids::SinkId;
use crate::model::sink::{Sink, SinkAnswer};

use super::Ui;
use super::failure::Failure;

/// Where the list is.
const LIST: &str = "/admin/sinks";

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(LIST, get(list::list).post(list::create))
        .route("/admin/sinks/{id}", get(detail::detail))
        .route("/admin/sinks/{id}/edit", get(edit::form).post(edit::save))
        .route("/admin/sinks/{id}/clear", post(actions::clear))
        .route("/admin/sinks/{id}/delete", post(actions::delete))
}

/// What can't be an id isn't there.
pub(super) fn named(id: &str) -> Result<SinkId, Failure> {
    id.parse().map_err(|_| Failure::not_found())
}

fn name_of(sink: &Sink) -> String {
    if sink.name.is_empty() { "Unnamed".to_owned() } else { sink.name.clone() }
}

/// In a few words.
fn told(answer: &SinkAnswer) -> String {
    match answer.delay_ms {
        0 => answer.status.to_string(),
        delay => format!("{} after {} ms", answer.status, super::units::count(delay.into())),
    }
}
