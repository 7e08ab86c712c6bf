//! `/api/webhooks`: making, reading, changing and deleting them.

use axum::Json as Shown;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::ids::WebhookId;
use crate::model::name::{Environment, EventType, Tenant};
use crate::service::webhooks::{WebhookFilter, WebhookInput};
use crate::service::{Caller, Patch};

use super::Api;
use super::document::Refused;
use super::extract::{CreatedAt, Json, Named, Query};
use super::page::{Listed, all, listed, page};
use super::problem::Answer;
use super::view::{self, RevisionShown, WebhookChanged, WebhookCreated, WebhookShown};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, change, delete))
        .routes(routes!(revisions))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// A part of the name or the URL.
    search: Option<String>,
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    /// `active`, `paused` or `disabled`.
    #[param(value_type = Option<String>)]
    status: Option<StatusWanted>,
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
    /// Those that want events of this type.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>)]
    event_type: Option<EventType>,
    /// Those that use this plugin: its name, or `name@version`.
    plugin: Option<String>,
    /// 1 to 250; 50 by default.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusWanted {
    Active,
    Paused,
    Disabled,
}

impl StatusWanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// Registers a webhook
#[utoipa::path(post, path = "/api/webhooks", tag = "webhooks", request_body = WebhookInput,
    responses((status = 201, body = WebhookCreated), Refused))]
async fn create(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<WebhookInput>,
) -> Answer<CreatedAt<WebhookCreated>> {
    let created = api.services.create_webhook(&caller, input).await?;
    let webhook = view::webhook(&caller, &created.webhook);
    let place = format!("/api/webhooks/{}", webhook.id);
    Ok(CreatedAt(place, WebhookCreated { webhook, secret: created.secret.expose().to_owned() }))
}

/// Lists webhooks, newest first
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", params(Filter),
    responses((status = 200, body = Listed<WebhookShown>), Refused))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<Filter>,
) -> Answer<Shown<Listed<WebhookShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    let status = asked.status.map(|status| status.as_str().to_owned());
    let Filter { search, environment, tenant, event_type, plugin, .. } = asked;
    let filter = WebhookFilter { tenant, environment, status, search, event_type, plugin };
    let found = api.services.webhooks(&caller, filter, page)?;
    Ok(listed(found, |webhook| view::webhook(&caller, &webhook)))
}

/// Shows a webhook
#[utoipa::path(get, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookShown), Refused))]
async fn get(State(api): State<Api>, caller: Caller, Named(id): Named<WebhookId>) -> Answer<Shown<WebhookShown>> {
    Ok(Shown(view::webhook(&caller, &*api.services.webhook(&caller, id)?)))
}

/// Changes a webhook
///
/// Absent fields stay, `null` puts the default back, all others are replaced whole; secrets in a plugin's settings that are masked or
/// absent stay. With `newSecret`, the answer holds the new `secret`, for the only time. The whole change is made, as a new revision, or nothing.
#[utoipa::path(patch, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)), request_body = WebhookInput,
    responses((status = 200, body = WebhookChanged), Refused))]
async fn change(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<WebhookId>,
    Json(input): Json<WebhookInput>,
) -> Answer<Shown<WebhookChanged>> {
    let asked = matches!(input.new_secret, Patch::Set(_));
    let changed = api.services.update_webhook(&caller, id, input).await?;
    let newest = changed.current.secrets.first().filter(|_| asked);
    let secret = newest.map(|signing| signing.secret.expose().to_owned());
    Ok(Shown(WebhookChanged { webhook: view::webhook(&caller, &changed), secret }))
}

/// Deletes a webhook
///
/// Pending deliveries are cancelled; the log stays.
#[utoipa::path(delete, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 204), Refused))]
async fn delete(State(api): State<Api>, caller: Caller, Named(id): Named<WebhookId>) -> Answer<StatusCode> {
    api.services.delete_webhook(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what a webhook was, newest first
#[utoipa::path(get, path = "/api/webhooks/{id}/revisions", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Listed<RevisionShown>), Refused))]
async fn revisions(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<WebhookId>,
) -> Answer<Shown<Listed<RevisionShown>>> {
    Ok(all(api.services.revisions(&caller, id).await?, |revision| view::revision(&revision)))
}

/// Pauses a webhook
///
/// Its deliveries are made and held, up to the tenant's quota; those beyond are cancelled, visibly.
#[utoipa::path(post, path = "/api/webhooks/{id}/pause", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookShown), Refused))]
async fn pause(State(api): State<Api>, caller: Caller, Named(id): Named<WebhookId>) -> Answer<Shown<WebhookShown>> {
    Ok(Shown(view::webhook(&caller, &*api.services.pause_webhook(&caller, id).await?)))
}

/// Resumes a paused webhook
///
/// What was held goes out in order, at the webhook's rate.
#[utoipa::path(post, path = "/api/webhooks/{id}/resume", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookShown), Refused))]
async fn resume(State(api): State<Api>, caller: Caller, Named(id): Named<WebhookId>) -> Answer<Shown<WebhookShown>> {
    Ok(Shown(view::webhook(&caller, &*api.services.resume_webhook(&caller, id).await?)))
}
