//! A webhook's new secret: made by a button of its page or with a change, and shown once, on a page of its own.

use std::str::FromStr;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::model::secret::Secret;
use crate::model::webhook::Webhook;
use crate::service::webhooks::RotateSecret;
use crate::service::{ServiceError, public_key};
use crate::ui::failure::Failure;
use crate::ui::form::Posted;
use crate::ui::layout::{Layout, rendered};
use crate::ui::once;
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::actions::named;
use super::form::formats::verify;
use super::{LIST, detail};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Created,
    Renewed,
}

#[derive(Template)]
#[template(path = "webhooks/secret.html")]
struct Page {
    at: Layout,
    id: String,
    name: String,
    is_new: bool,
    secret: String,
    public_key: Option<String>,
    verify: &'static str,
    /// Old ones that sign along.
    along: usize,
}

/// To the page that shows it.
pub(super) fn hand_over(ui: &Ui, signed: &Signed, (webhook, secret): (&Webhook, &Secret), why: Why) -> Answer {
    let page = format!("{LIST}/{}/secret", webhook.id);
    let page = if why == Why::Created { Query::new(&page, "").with("new", "yes") } else { page };
    once::hand_over(ui, signed, &page, &secret.expose())
}

/// Whoever asks again is shown the webhook.
pub(super) async fn show(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let Some(secret) = once::taken::<String>(&ui, &signed) else {
        return Ok(Redirect::to(&format!("{LIST}/{}", webhook.id)).into_response());
    };
    let why = if query.get("new").is_some() { Why::Created } else { Why::Renewed };
    Ok(once::shown(&signed, page(&signed, &webhook, (&Secret::new(secret), why))?))
}

fn page(signed: &Signed, webhook: &Webhook, (secret, why): (&Secret, Why)) -> Answer {
    let title = if why == Why::Created { "Webhook created" } else { "New secret" };
    let page = Page {
        at: signed.0.layout(title),
        id: webhook.id.to_string(),
        name: super::name_of(webhook),
        is_new: why == Why::Created,
        secret: secret.expose().to_owned(),
        public_key: public_key(secret.expose()).map(|key| key.text()),
        verify: verify(webhook.revision.format.name),
        along: webhook.current.secrets.len().saturating_sub(1),
    };
    Ok(rendered(&page)?.into_response())
}

pub(super) async fn renew(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = named(&id)?;
    let (overlap_seconds, revision) = (read(&posted, "overlap")?, read(&posted, "revision")?);
    let input = RotateSecret { overlap_seconds, revision, secret: None };
    let renewed = ui.services.rotate_secret(signed.caller(), id, input).await;
    let webhook = ui.services.webhook_to_change(signed.caller(), id)?;
    match renewed {
        Ok(secret) => hand_over(&ui, &signed, (&webhook, &secret), Why::Renewed),
        // Somebody else made one meanwhile, or the button was pressed twice.
        Err(ServiceError::Conflict { .. }) => detail::without_secret(&ui, &signed, &webhook).await,
        Err(error) => Err(error.into()),
    }
}

/// What a form of ours can't have posted is refused as a whole.
fn read<T: FromStr>(posted: &Posted, name: &str) -> Answer<Option<T>> {
    posted.filled(name).map(str::parse::<T>).transpose().map_err(|_| Failure::other_method())
}
