//! Trying webhooks out and caring for them: secrets, test, preview, stats, recovery.

use axum::Json as Shown;
use axum::extract::State;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::attempt::{Outcome, StageRun};
use crate::model::ids::WebhookId;
use crate::service::webhooks::{RotateSecret, Stats};
use crate::service::{
    Caller, DraftInput, Preview, PreviewEnd, PreviewInput, Recover, Recovered, Replayed, TestInput, Tested,
};

use super::Api;
use super::bodies::text_or_base64;
use super::document::Refused;
use super::extract::{Json, MaybeJson, Named};
use super::log::response;
use super::page::cursor;
use super::problem::Answer;
use super::view::json;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(rotate))
        .routes(routes!(preview))
        .routes(routes!(preview_draft))
        .routes(routes!(stats))
        .routes(routes!(recover))
}

#[derive(Serialize, ToSchema)]
struct NewSecret {
    secret: String,
}

/// How a test ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TestShown {
    success: bool,
    #[schema(example = "delivery_test_0a1b2c3d4e5f6")]
    delivery_id: String,
    status_code: Option<u16>,
    /// Milliseconds, from connecting to the last byte.
    response_time: Option<u64>,
    error: Option<String>,
    #[schema(value_type = Option<Object>)]
    response: Option<Value>,
}

/// What would be sent, stage by stage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewShown {
    /// What each plugin did.
    stages: Vec<StageShown>,
    /// Absent where nothing would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestShown>,
    /// Why nothing would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    outcome: Option<Value>,
}

/// A plugin's verdict, log and cost, and what it left.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StageShown {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    run: Value,
    /// The data that goes on, or the body of its request; absent where it ended the chain without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_encoding: Option<&'static str>,
}

/// Secrets are placeholders, and the URL is masked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestShown {
    method: String,
    url: String,
    #[schema(value_type = Vec<Object>)]
    headers: Value,
    /// Text, or base64 where it isn't UTF-8.
    body: String,
    body_encoding: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StatsShown {
    /// Over the last 7 days, tests left out.
    attempts: u64,
    successes: u64,
    /// 0 to 1; absent without attempts.
    success_rate: Option<f64>,
    /// Milliseconds.
    p50: Option<u32>,
    p95: Option<u32>,
    last_success: Option<String>,
    failing_since: Option<String>,
    consecutive_failures: u32,
    /// Deliveries that wait because it is paused or slow, counted up to 10,000.
    waiting: u32,
    /// There were more attempts than were looked at: these are of the newest.
    truncated: bool,
}

/// What a call did, and where there is more.
#[derive(Serialize, ToSchema)]
pub(super) struct Count {
    /// New deliveries; in a dry run, how many there would be.
    count: u64,
    /// Matched and can't be sent: the webhook is deleted or disabled, or the event is gone.
    skipped: u64,
    /// There may be more than this call looked at: call again, with `next` as `after`.
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Replayed> for Count {
    fn from(Replayed { count, skipped, next }: Replayed) -> Self {
        Self { count, skipped, more: next.is_some(), next: next.map(cursor) }
    }
}

impl From<Recovered> for Count {
    fn from(Recovered { count, next }: Recovered) -> Self {
        Self { count, skipped: 0, more: next.is_some(), next: next.map(|place| place.to_string()) }
    }
}

/// Sends a test, and answers when it ended
///
/// Runs the chain and makes one attempt, whatever the webhook's status and subscription. In the log with a badge, not in the stats.
#[utoipa::path(post, path = "/api/webhooks/test", tag = "webhooks", request_body = TestInput,
    responses((status = 200, body = TestShown), Refused))]
async fn test(State(api): State<Api>, caller: Caller, Json(input): Json<TestInput>) -> Answer<Shown<TestShown>> {
    let Tested { delivery, attempt, .. } = api.services.test_webhook(&caller, input).await?;
    let success = attempt.outcome == Outcome::Delivered;
    Ok(Shown(TestShown {
        success,
        delivery_id: delivery.shown(true),
        status_code: attempt.response.as_ref().map(|response| response.status),
        response_time: attempt.timings.total.map(|total| u64::try_from(total.as_millis()).unwrap_or(u64::MAX)),
        error: (!success).then(|| attempt.outcome.to_string()),
        response: attempt.response.as_ref().map(response),
    }))
}

/// Makes a new secret, or sets the one given
#[utoipa::path(post, path = "/api/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = String, Path)),
    request_body = RotateSecret, responses((status = 200, body = NewSecret), Refused))]
async fn rotate(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<WebhookId>,
    MaybeJson(input): MaybeJson<RotateSecret>,
) -> Answer<Shown<NewSecret>> {
    let secret = api.services.rotate_secret(&caller, id, input).await?;
    Ok(Shown(NewSecret { secret: secret.expose().to_owned() }))
}

/// Shows what would be sent
#[utoipa::path(post, path = "/api/webhooks/{id}/preview", tag = "webhooks", params(("id" = String, Path)),
    request_body = PreviewInput, responses((status = 200, body = PreviewShown), Refused))]
async fn preview(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<WebhookId>,
    MaybeJson(input): MaybeJson<PreviewInput>,
) -> Answer<Shown<PreviewShown>> {
    Ok(Shown(previewed(&api.services.preview_webhook(&caller, id, input).await?.1)))
}

/// Shows what a webhook that isn't created yet would be sent
#[utoipa::path(post, path = "/api/webhooks/preview", tag = "webhooks", request_body = DraftInput,
    responses((status = 200, body = PreviewShown), Refused))]
async fn preview_draft(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<DraftInput>,
) -> Answer<Shown<PreviewShown>> {
    Ok(Shown(previewed(&api.services.preview_draft(&caller, input).await?.1)))
}

/// Shows how a webhook fared in the last 7 days
#[utoipa::path(get, path = "/api/webhooks/{id}/stats", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = StatsShown), Refused))]
async fn stats(State(api): State<Api>, caller: Caller, Named(id): Named<WebhookId>) -> Answer<Shown<StatsShown>> {
    let Stats { numbers, health, waiting } = api.services.webhook_stats(&caller, id).await?;
    #[allow(clippy::cast_precision_loss, reason = "a rate of numbers far below 2^52")]
    let success_rate = (numbers.attempts > 0).then(|| numbers.successes as f64 / numbers.attempts as f64);
    Ok(Shown(StatsShown {
        attempts: numbers.attempts,
        successes: numbers.successes,
        success_rate,
        p50: numbers.p50_ms,
        p95: numbers.p95_ms,
        last_success: health.last_success.map(|time| time.to_string()),
        failing_since: health.failing_since.map(|time| time.to_string()),
        consecutive_failures: health.consecutive_failures,
        waiting,
        truncated: numbers.truncated,
    }))
}

/// Replays what a webhook missed
///
/// Every event whose newest delivery failed or was cancelled since then; with `missed` also what matched while the webhook was
/// disabled; with `dryRun` it only counts. A call looks at about 10,000: where the answer has a `next`, the same call with it as `after` goes on.
#[utoipa::path(post, path = "/api/webhooks/{id}/recover", tag = "webhooks", params(("id" = String, Path)),
    request_body = Recover, responses((status = 200, body = Count), Refused))]
async fn recover(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<WebhookId>,
    Json(input): Json<Recover>,
) -> Answer<Shown<Count>> {
    Ok(Shown(api.services.recover_webhook(&caller, id, input).await?.into()))
}

pub(super) fn previewed(preview: &Preview) -> PreviewShown {
    let stage = |(run, left): (&StageRun, &Option<Bytes>)| {
        let left = left.as_ref().map(|bytes| text_or_base64(bytes));
        let (output, output_encoding) = left.unzip();
        StageShown { run: json(run), output, output_encoding }
    };
    let stages = preview.stages.iter().zip(&preview.left).map(stage).collect();
    match &preview.end {
        PreviewEnd::Request { sent, body } => {
            let (body, body_encoding) = text_or_base64(body);
            let (method, url, headers) = (sent.method.as_str().to_owned(), sent.url.clone(), json(&sent.headers));
            let request = RequestShown { method, url, headers, body, body_encoding };
            PreviewShown { stages, request: Some(request), outcome: None }
        }
        PreviewEnd::Nothing(outcome) => PreviewShown { stages, request: None, outcome: Some(json(outcome)) },
    }
}
