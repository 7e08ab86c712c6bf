//! `/api/sinks`: receivers of this server's own, and what came to them. Next: [`receiver`], to which it comes.

mod receiver;

use std::collections::BTreeMap;

use axum::Json as Shown;
use axum::extract::{FromRequestParts, Path, State};
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::ids::{ReceivedId, SinkId};
use crate::model::name::Tenant;
use crate::model::request::Header;
use crate::model::sink::{Received, SignatureSeen, Sink};
use crate::service::{Caller, Services, SinkInput};

use super::Api;
use super::bodies::text_or_base64;
use super::document::Refused;
use super::extract::{CreatedAt, Json, MaybeJson, Named, Query};
use super::page::{Listed, listed, page};
use super::problem::{Answer, Problem, not_found};

pub(super) use self::receiver::{AT_ONCE_MAX, is_one, receive};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, change, delete))
        .routes(routes!(requests, clear))
        .routes(routes!(request))
}

/// A receiver of this server's own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SinkShown {
    #[schema(example = "sink_0a1b2c3d4e5f6")]
    id: String,
    name: String,
    tenant: String,
    /// Takes anything from anybody who knows it, at any path below it.
    #[schema(example = "https://waxwing.example.com/sinks/0123456789abcdef0123456789abcdef")]
    url: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    delay_ms: u32,
    created_at: String,
}

/// A request that came to a sink.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReceivedShown {
    #[schema(example = "received_0a1b2c3d4e5f6")]
    id: String,
    received_at: String,
    method: String,
    /// Path and query below the sink's URL.
    target: String,
    /// As they came, in order; without cookies.
    #[schema(value_type = Vec<Object>)]
    headers: Vec<Header>,
    /// The first 64 KiB: text, or base64 where it isn't UTF-8.
    body: String,
    /// `text` or `base64`.
    encoding: &'static str,
    /// Of the whole body, in bytes.
    size: u64,
    /// What it was answered.
    status: u16,
    /// `null`: no webhook leads to the sink, or not all of the body is kept, so that nobody can tell.
    signature: Option<SignatureShown>,
}

/// Whether it is signed as a webhook that leads to the sink signs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignatureShown {
    webhook_id: String,
    valid: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct SinkFilter {
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
    limit: Option<u32>,
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct PageFilter {
    limit: Option<u32>,
    after: Option<String>,
}

/// Makes a sink: a URL on this server that takes anything and keeps what came
///
/// Webhooks may have its URL whatever the server allows otherwise. What it answers can be set. 50 a tenant at most.
#[utoipa::path(post, path = "/api/sinks", tag = "sinks", request_body = SinkInput,
    responses((status = 201, body = SinkShown), Refused))]
async fn create(
    State(api): State<Api>,
    caller: Caller,
    MaybeJson(input): MaybeJson<SinkInput>,
) -> Answer<CreatedAt<SinkShown>> {
    let shown = sink_shown(&api.services, api.services.create_sink(&caller, input).await?);
    Ok(CreatedAt(format!("/api/sinks/{}", shown.id), shown))
}

/// Lists sinks, newest first
#[utoipa::path(get, path = "/api/sinks", tag = "sinks", params(SinkFilter),
    responses((status = 200, body = Listed<SinkShown>), Refused))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<SinkFilter>,
) -> Answer<Shown<Listed<SinkShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    let found = api.services.sinks(&caller, asked.tenant, page).await?;
    Ok(listed(found, |sink| sink_shown(&api.services, sink)))
}

/// Shows a sink
#[utoipa::path(get, path = "/api/sinks/{id}", tag = "sinks", params(("id" = String, Path)),
    responses((status = 200, body = SinkShown), Refused))]
async fn get(State(api): State<Api>, caller: Caller, Named(id): Named<SinkId>) -> Answer<Shown<SinkShown>> {
    Ok(Shown(sink_shown(&api.services, api.services.sink(&caller, id).await?)))
}

/// Changes a sink's name, or what it answers
#[utoipa::path(patch, path = "/api/sinks/{id}", tag = "sinks", params(("id" = String, Path)), request_body = SinkInput,
    responses((status = 200, body = SinkShown), Refused))]
async fn change(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SinkId>,
    Json(input): Json<SinkInput>,
) -> Answer<Shown<SinkShown>> {
    Ok(Shown(sink_shown(&api.services, api.services.update_sink(&caller, id, input).await?)))
}

/// Deletes a sink, with all that came to it
#[utoipa::path(delete, path = "/api/sinks/{id}", tag = "sinks", params(("id" = String, Path)),
    responses((status = 204), Refused))]
async fn delete(State(api): State<Api>, caller: Caller, Named(id): Named<SinkId>) -> Answer<StatusCode> {
    api.services.delete_sink(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what came to a sink, newest first
///
/// The newest 100 of the last 7 days, unmasked.
#[utoipa::path(get, path = "/api/sinks/{id}/requests", tag = "sinks", params(("id" = String, Path), PageFilter),
    responses((status = 200, body = Listed<ReceivedShown>), Refused))]
async fn requests(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SinkId>,
    Query(asked): Query<PageFilter>,
) -> Answer<Shown<Listed<ReceivedShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    Ok(listed(api.services.received(&caller, id, page).await?, received_shown))
}

/// Forgets what came to a sink
#[utoipa::path(delete, path = "/api/sinks/{id}/requests", tag = "sinks", params(("id" = String, Path)),
    responses((status = 204), Refused))]
async fn clear(State(api): State<Api>, caller: Caller, Named(id): Named<SinkId>) -> Answer<StatusCode> {
    api.services.clear_sink(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows one request that came to a sink
#[utoipa::path(get, path = "/api/sinks/{id}/requests/{request}", tag = "sinks",
    params(("id" = String, Path), ("request" = String, Path)), responses((status = 200, body = ReceivedShown), Refused))]
async fn request(State(api): State<Api>, caller: Caller, asked: OfSink) -> Answer<Shown<ReceivedShown>> {
    let OfSink(sink, id) = asked;
    Ok(Shown(received_shown(api.services.one_received(&caller, sink, id).await?)))
}

/// A sink, and a request that came to it.
struct OfSink(SinkId, ReceivedId);

impl FromRequestParts<Api> for OfSink {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, api).await;
        let Path((sink, request)) = path.map_err(|_| not_found())?;
        let ids = sink.parse().ok().zip(request.parse().ok());
        let missing = || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no request with this id");
        ids.map(|(sink, request)| Self(sink, request)).ok_or_else(missing)
    }
}

fn sink_shown(services: &Services, sink: Sink) -> SinkShown {
    let url = services.sink_url(&sink);
    let Sink { id, tenant, name, answer, created_at, .. } = sink;
    SinkShown {
        id: id.to_string(),
        name,
        tenant: tenant.to_string(),
        url,
        status: answer.status,
        headers: answer.headers,
        body: answer.body,
        delay_ms: answer.delay_ms,
        created_at: created_at.to_string(),
    }
}

fn received_shown(received: Received) -> ReceivedShown {
    let Received { id, head, body, .. } = received;
    let (body, encoding) = text_or_base64(&body);
    let signature = head.signature.map(|SignatureSeen { webhook, fault }| SignatureShown {
        webhook_id: webhook.to_string(),
        valid: fault.is_none(),
        fault,
    });
    ReceivedShown {
        id: id.to_string(),
        received_at: id.time().to_string(),
        method: head.method,
        target: head.target,
        headers: head.headers,
        body,
        encoding,
        size: head.size,
        status: head.status,
        signature,
    }
}
