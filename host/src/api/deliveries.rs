//! `/api/deliveries`: the log, and doing it once more.

use axum::Json as Shown;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::delivery::DeliveryStatus;
use crate::model::ids::{DeliveryId, EventId, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::time::Timestamp;
use crate::service::{Caller, DeliveryFilter, RerunInput};

use super::Api;
use super::bodies::text_or_base64;
use super::document::Refused;
use super::extract::{Json, MaybeJson, Named, Query};
use super::log::{self, DeliveryShown, DeliveryWithAttempts};
use super::page::{Listed, before, listed, page};
use super::problem::{Answer, Problem};
use super::trials::{Count, PreviewShown, previewed};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(body))
        .routes(routes!(retry))
        .routes(routes!(replay))
        .routes(routes!(replay_many))
        .routes(routes!(rerun))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Filter {
    #[param(value_type = Option<String>)]
    webhook: Option<WebhookId>,
    #[param(value_type = Option<String>)]
    event: Option<EventId>,
    #[serde(rename = "type")]
    #[param(rename = "type", value_type = Option<String>)]
    event_type: Option<EventType>,
    /// `pending`, `delivered`, `failed`, `dropped` or `cancelled`.
    #[param(value_type = Option<String>)]
    status: Option<DeliveryStatus>,
    /// 0 for none, 1 to 5 for the class of the last reply's status.
    http_class: Option<u8>,
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
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

/// The filters of the list, and whether only to count.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ReplayMany {
    #[schema(value_type = Option<String>)]
    webhook: Option<WebhookId>,
    #[schema(value_type = Option<String>)]
    event: Option<EventId>,
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>)]
    event_type: Option<EventType>,
    #[schema(value_type = Option<String>)]
    status: Option<DeliveryStatus>,
    http_class: Option<u8>,
    #[schema(value_type = Option<String>)]
    environment: Option<Environment>,
    #[schema(value_type = Option<String>)]
    tenant: Option<Tenant>,
    #[schema(value_type = Option<String>)]
    since: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// Count, and do nothing.
    dry_run: bool,
    /// The `next` of the call before, to go on where it ended.
    after: Option<String>,
}

/// A past delivery, run again.
#[derive(Serialize, ToSchema)]
struct RerunShown {
    /// Whether the bytes are those of then; absent where nothing was made then.
    same: Option<bool>,
    /// The body of then.
    before: Option<String>,
    now: PreviewShown,
}

/// What every attempt of a delivery sends.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BodyShown {
    /// Text, or base64 where it isn't UTF-8; secrets are placeholders. `null`: no attempt has made it, or the event is gone.
    body: Option<String>,
    body_encoding: Option<&'static str>,
    /// What the chain made of the event's data, where it changed it.
    changed: Option<String>,
}

/// Lists deliveries, newest first
#[utoipa::path(get, path = "/api/deliveries", tag = "deliveries", params(Filter),
    responses((status = 200, body = Listed<DeliveryShown>), Refused))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<Filter>,
) -> Answer<Shown<Listed<DeliveryShown>>> {
    let page = page(asked.limit, asked.after.as_deref())?;
    let http_class = http_class(asked.http_class, "?httpClass")?;
    let Filter { webhook, event, event_type, status, environment, tenant, since, until, .. } = asked;
    let replay_of = None;
    let filter =
        DeliveryFilter { tenant, webhook, event, replay_of, event_type, environment, status, http_class, since, until };
    Ok(listed(api.services.deliveries(&caller, filter, page).await?, |delivery| log::delivery(&delivery)))
}

/// Shows a delivery with its attempts
#[utoipa::path(get, path = "/api/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryWithAttempts), Refused))]
async fn get(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<DeliveryId>,
) -> Answer<Shown<DeliveryWithAttempts>> {
    let (delivery, attempts) = api.services.delivery_with_attempts(&caller, id).await?;
    let attempts = attempts.iter().map(log::attempt).collect();
    Ok(Shown(DeliveryWithAttempts { delivery: log::delivery(&delivery), attempts }))
}

/// Shows what is sent
///
/// The same bytes in all attempts. For those who see URLs masked, so is the webhook's in the format that writes it into the body.
#[utoipa::path(get, path = "/api/deliveries/{id}/body", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = BodyShown), Refused))]
async fn body(State(api): State<Api>, caller: Caller, Named(id): Named<DeliveryId>) -> Answer<Shown<BodyShown>> {
    let Some(found) = api.services.delivery_body(&caller, id).await? else {
        return Ok(Shown(BodyShown { body: None, body_encoding: None, changed: None }));
    };
    let (body, encoding) = text_or_base64(&found.body);
    let changed = found.changed.map(|changed| text_or_base64(&changed).0);
    Ok(Shown(BodyShown { body: Some(body), body_encoding: Some(encoding), changed }))
}

/// Makes one more attempt of the same delivery
///
/// The same body and ids; no automatic attempt follows it.
#[utoipa::path(post, path = "/api/deliveries/{id}/retry", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryShown), Refused))]
async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<DeliveryId>,
) -> Answer<(StatusCode, Shown<DeliveryShown>)> {
    let delivery = api.services.retry_delivery(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, Shown(log::delivery(&delivery))))
}

/// Makes a new delivery of the same event, through the current chain
#[utoipa::path(post, path = "/api/deliveries/{id}/replay", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryShown), Refused))]
async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<DeliveryId>,
) -> Answer<(StatusCode, Shown<DeliveryShown>)> {
    let delivery = api.services.replay_delivery(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, Shown(log::delivery(&delivery))))
}

/// Replays all ended deliveries that match
///
/// About 10,000 a call, the newest first: where the answer has a `next`, the same call with it as `after` goes on. What such calls make
/// is never matched by them. `dryRun` only counts.
#[utoipa::path(post, path = "/api/deliveries/replay", tag = "deliveries", request_body = ReplayMany,
    responses((status = 202, body = Count), Refused))]
async fn replay_many(
    State(api): State<Api>,
    caller: Caller,
    Json(asked): Json<ReplayMany>,
) -> Answer<(StatusCode, Shown<Count>)> {
    let http_class = http_class(asked.http_class, "/httpClass")?;
    let before = before(asked.after.as_deref(), "/after")?;
    let ReplayMany { webhook, event, event_type, status, environment, tenant, since, until, dry_run, .. } = asked;
    let replay_of = None;
    let filter =
        DeliveryFilter { tenant, webhook, event, replay_of, event_type, environment, status, http_class, since, until };
    let replayed = api.services.replay_many(&caller, filter, before, dry_run).await?;
    Ok((StatusCode::ACCEPTED, Shown(replayed.into())))
}

/// Runs a past delivery's chain again and compares
///
/// Sends nothing. The chain is that of the revision that the delivery used, with other versions where they are named.
#[utoipa::path(post, path = "/api/deliveries/{id}/rerun", tag = "deliveries", params(("id" = String, Path)),
    request_body = RerunInput, responses((status = 200, body = RerunShown), Refused))]
async fn rerun(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<DeliveryId>,
    MaybeJson(input): MaybeJson<RerunInput>,
) -> Answer<Shown<RerunShown>> {
    let rerun = api.services.rerun_delivery(&caller, id, input).await?;
    let before = rerun.before.as_deref().map(|body| text_or_base64(body).0);
    Ok(Shown(RerunShown { same: rerun.same, before, now: previewed(&rerun.now) }))
}

fn http_class(asked: Option<u8>, place: &str) -> Answer<Option<u8>> {
    if asked.is_none_or(|class| class <= 5) {
        return Ok(asked);
    }
    let detail = "must be 0 to 5";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "out-of-bounds", detail).at(place, "out-of-bounds", detail))
}
