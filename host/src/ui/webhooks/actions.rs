//! What a button of the list does, and the page that asks before something is deleted.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::model::ids::WebhookId;
use crate::service::Patch;
use crate::service::webhooks::WebhookInput;
use crate::ui::failure::Failure;
use crate::ui::form::{Posted, own_page};
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::LIST;

/// What was done, as the address says it, and as the page does.
const DONE: [(&str, &str); 5] = [
    ("enabled", "The webhook is active: it gets events from now on."),
    ("disabled", "The webhook is inactive: it gets no more events, and what was pending was cancelled."),
    ("paused", "The webhook is paused: its deliveries are held until it is resumed."),
    ("resumed", "The webhook is resumed: what was held goes out now, in order."),
    ("deleted", "The webhook was deleted. Its deliveries stay in the log."),
];

pub(super) fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

#[derive(Template)]
#[template(path = "webhooks/delete.html")]
struct DeletePage {
    at: Layout,
    csrf: CsrfField,
    id: String,
    name: String,
    url: String,
    back: String,
}

pub(super) async fn enable(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    set_active(&ui, &signed, &id, true).await?;
    Ok(back(&posted, "enabled"))
}

pub(super) async fn disable(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    set_active(&ui, &signed, &id, false).await?;
    Ok(back(&posted, "disabled"))
}

pub(super) async fn pause(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    ui.services.pause_webhook(signed.caller(), named(&id)?).await?;
    Ok(back(&posted, "paused"))
}

pub(super) async fn resume(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    ui.services.resume_webhook(signed.caller(), named(&id)?).await?;
    Ok(back(&posted, "resumed"))
}

pub(super) async fn ask_to_delete(
    State(ui): State<Ui>,
    signed: Signed,
    Path(id): Path<String>,
    query: Query,
) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let page = DeletePage {
        at: signed.0.layout("Delete webhook"),
        csrf: signed.csrf(),
        id: webhook.id.to_string(),
        name: if webhook.name.is_empty() { "Unnamed".to_owned() } else { webhook.name.clone() },
        url: webhook.current.url.expose().to_string(),
        back: query.get("back").and_then(own_page).unwrap_or(LIST).to_owned(),
    };
    Ok(rendered(&page)?.into_response())
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    ui.services.delete_webhook(signed.caller(), named(&id)?).await?;
    Ok(back(&posted, "deleted"))
}

async fn set_active(ui: &Ui, signed: &Signed, id: &str, active: bool) -> Result<(), Failure> {
    let input = WebhookInput { is_active: Patch::Set(active), ..WebhookInput::default() };
    ui.services.update_webhook(signed.caller(), named(id)?, input).await?;
    Ok(())
}

/// To where the button was.
fn back(posted: &Posted, done: &str) -> axum::response::Response {
    Redirect::to(&saying(posted.back_or(LIST), done)).into_response()
}

/// What can't be an id isn't there.
pub(super) fn named(id: &str) -> Result<WebhookId, Failure> {
    id.parse().map_err(|_| Failure::not_found())
}
