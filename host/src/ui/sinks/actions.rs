//! What a button of a sink does.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::ui::form::Posted;
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, named};

/// What was done, as the address says it, and as the page does.
const DONE: [(&str, &str); 4] = [
    ("made", "The sink is there: whatever is sent to its URL shows below."),
    ("saved", "The sink answers so from now on."),
    ("cleared", "What came to the sink is forgotten."),
    ("deleted", "The sink was deleted, with all that came to it. Webhooks that lead to it fail from now on."),
];

pub(super) fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

pub(super) async fn clear(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, _: Posted) -> Answer {
    let id = named(&id)?;
    ui.services.clear_sink(signed.caller(), id).await?;
    Ok(Redirect::to(&saying(&format!("{LIST}/{id}"), "cleared")).into_response())
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, _: Posted) -> Answer {
    ui.services.delete_sink(signed.caller(), named(&id)?).await?;
    Ok(Redirect::to(&saying(LIST, "deleted")).into_response())
}
