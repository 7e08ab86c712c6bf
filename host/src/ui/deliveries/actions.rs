//! What the buttons do: one more attempt of one or of several, and a new delivery of the same event.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::model::ids::DeliveryId;
use crate::service::ServiceError;
use crate::ui::failure::Failure;
use crate::ui::form::Posted;
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::{LIST, path_of};

const DONE: [(&str, &str); 6] = [
    ("retried", "One more attempt is made now: the same body, the same ids. No automatic one follows it."),
    (
        "retried-some",
        "Of what was chosen, some could not be retried: an attempt is under way, or the webhook was deleted.",
    ),
    ("none-chosen", "Nothing was chosen: tick what is to be retried first."),
    ("replayed", "This is a new delivery of the same event, through the webhook’s chain as it is now."),
    ("all-replayed", "All of them were replayed: the new deliveries are on their way."),
    (
        "part-replayed",
        "The newest of them were replayed, and their new deliveries are on their way. Go on with the rest here.",
    ),
];

pub(super) fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

pub(super) async fn retry(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let delivery = ui.services.retry_delivery(signed.caller(), named(&id)?).await?;
    let to = path_of(&delivery);
    Ok(Redirect::to(&saying(posted.back_or(&to), "retried")).into_response())
}

/// Of those whose boxes are ticked. One that can't be retried doesn't keep the others from it.
pub(super) async fn retry_chosen(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    let mut done = "none-chosen";
    for id in posted.all("id") {
        match ui.services.retry_delivery(signed.caller(), named(id)?).await {
            Ok(_) if done == "none-chosen" => done = "retried",
            Ok(_) => {}
            Err(ServiceError::Refused { .. }) => done = "retried-some",
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Redirect::to(&saying(posted.back_or(LIST), done)).into_response())
}

/// Leads to the new delivery.
pub(super) async fn replay(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, _: Posted) -> Answer {
    let made = ui.services.replay_delivery(signed.caller(), named(&id)?).await?;
    Ok(Redirect::to(&saying(&path_of(&made), "replayed")).into_response())
}

/// What can't be an id isn't there.
pub(super) fn named(id: &str) -> Result<DeliveryId, Failure> {
    id.parse().map_err(|_| Failure::not_found())
}
