//! `/api/events`: posting, listing, explaining.

use axum::Json as Shown;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::ids::EventId;
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::time::Timestamp;
use crate::service::{BODY_MAX, Caller, EventFilter, Posting, WebhookExplained};

use super::Api;
use super::document::Refused;
use super::extract::{Named, Query, content_type, read};
use super::intake;
use super::log::{self, DeliveryShown, EventShown};
use super::page::{Listed, listed, page};
use super::problem::{Answer, Problem};
use super::view::{self, RevisionShown};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(post, list)).routes(routes!(get)).routes(routes!(explain))
}

/// One event, as it is posted. An array of up to 1,000 is accepted or refused as a whole.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the body for the document; `ingest` reads it without copying the data")]
struct NewEvent {
    /// `event` is accepted for it.
    #[serde(rename = "type")]
    #[schema(example = "license.activated")]
    event_type: String,
    /// Any JSON, at most 1 MiB; sent on byte for byte.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    environment: Option<String>,
    tenant: Option<String>,
    /// Your own id: the same one within 24 hours is not taken twice.
    id: Option<String>,
    timestamp: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the answer for the document; `ingest` writes it")]
struct EventAccepted {
    #[schema(example = "evt_0a1b2c3d4e5f6")]
    id: String,
    /// How many webhooks get it.
    deliveries: u32,
}

/// Accepts events
///
/// 202 means that they and their deliveries are durable. Takes one event, an array of up to 1,000 (8 MiB, all or nothing, answered with
/// `{events: […]}`), and CloudEvents 1.0: structured, batched and binary. An `Idempotency-Key` makes a repeat safe for 24 hours.
#[utoipa::path(post, path = "/api/events", tag = "events", request_body = NewEvent,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 256 visible characters")),
    responses((status = 202, body = EventAccepted), Refused))]
async fn post(State(api): State<Api>, request: Request) -> Response {
    take(&api, request).await
}

/// Where events are posted.
pub(super) const PATH: &str = "/api/events";

/// What [`post`] does, for the shorter way past the router.
pub(super) async fn take(api: &Api, request: Request) -> Response {
    accept(api, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept(api: &Api, request: Request) -> Answer<Response> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, api).await?;
    let (place, body) = intake::admit(api, &parts.headers, body).await?;
    let body = read(body, BODY_MAX).await?;
    let names: Vec<(&str, &str)> = parts.headers.iter().filter_map(cloud_attribute).collect();
    let binary = names.iter().any(|(name, _)| *name == "specversion");
    let key = parts.headers.get("idempotency-key").map(HeaderValue::to_str).transpose().map_err(|_| bad_key())?;
    let posting = Posting {
        body,
        content_type: content_type(&parts.headers),
        attributes: if binary { names.as_slice() } else { &[] },
        tenant: None,
        idempotency_key: key,
        path: parts.uri.path(),
        place: Some(place),
    };
    let accepted = api.services.publish(&caller, posting).await?;
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::ACCEPTED, headers, accepted.answer).into_response())
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Filter {
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    #[serde(rename = "type")]
    #[param(rename = "type", value_type = Option<String>)]
    event_type: Option<EventType>,
    /// The poster's own id.
    external_id: Option<String>,
    /// By the time of acceptance.
    #[param(value_type = Option<String>)]
    since: Option<Timestamp>,
    #[param(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// 1 to 250; 50 by default.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists events, newest first
#[utoipa::path(get, path = "/api/events", tag = "events", params(Filter),
    responses((status = 200, body = Listed<EventShown>), Refused))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<Filter>,
) -> Answer<Shown<Listed<EventShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    let Filter { tenant, environment, event_type, external_id, since, until, .. } = asked;
    let filter = EventFilter { tenant, environment, event_type, external_id, since, until };
    Ok(listed(api.services.events(&caller, filter, page).await?, |event| log::event(&event)))
}

/// Shows an event
#[utoipa::path(get, path = "/api/events/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = EventShown), Refused))]
async fn get(State(api): State<Api>, caller: Caller, Named(id): Named<EventId>) -> Answer<Shown<EventShown>> {
    Ok(Shown(log::event(&*api.services.event(&caller, id).await?)))
}

#[derive(Serialize, ToSchema)]
struct ExplanationShown {
    event: EventShown,
    /// Every webhook that the tenant had when the event was accepted; those that got it first.
    webhooks: Vec<WebhookToldOf>,
    /// The event has more deliveries than are shown here.
    truncated: bool,
}

/// One webhook as it was then, and why it did or did not get the event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookToldOf {
    webhook_id: String,
    name: String,
    matched: bool,
    /// `matched`, `matched-held`, `other-environment`, `not-subscribed` or `disabled`.
    code: String,
    /// In words.
    reason: String,
    revision: RevisionShown,
    /// What became of it there; replays and tests too.
    deliveries: Vec<DeliveryShown>,
}

/// Explains who got an event, and why the others didn't
#[utoipa::path(get, path = "/api/events/{id}/explain", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = ExplanationShown), Refused))]
async fn explain(State(api): State<Api>, caller: Caller, Named(id): Named<EventId>) -> Answer<Shown<ExplanationShown>> {
    let told = api.services.explain(&caller, id).await?;
    let webhooks = told.webhooks.iter().map(told_of).collect();
    Ok(Shown(ExplanationShown { event: log::event(&told.event), webhooks, truncated: told.truncated }))
}

fn told_of(told: &WebhookExplained) -> WebhookToldOf {
    WebhookToldOf {
        webhook_id: told.webhook.to_string(),
        name: told.name.clone(),
        matched: told.why.matched(),
        code: told.why.code().to_owned(),
        reason: told.why.to_string(),
        revision: view::revision(&told.revision),
        deliveries: told.deliveries.iter().map(log::delivery).collect(),
    }
}

/// A `ce-` header, which is an attribute of a CloudEvent in binary mode.
fn cloud_attribute<'a>((name, value): (&'a http::HeaderName, &'a HeaderValue)) -> Option<(&'a str, &'a str)> {
    Some((name.as_str().strip_prefix("ce-")?, value.to_str().ok()?))
}

fn bad_key() -> Problem {
    let detail = "an Idempotency-Key is 1 to 256 characters of visible ASCII";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-idempotency-key", detail)
}
