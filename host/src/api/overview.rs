//! `/api/overview`: how things stand.

use axum::Json as Shown;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::delivery::DeliveryStatus;
use crate::model::name::Tenant;
use crate::service::{Caller, Standing};

use super::Api;
use super::document::Refused;
use super::extract::Query;
use super::log::{DeliveryShown, delivery};
use super::problem::Answer;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(overview))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct OverviewFilter {
    #[param(value_type = Option<String>)]
    tenant: Option<Tenant>,
}

/// The queue, the last 24 hours, and what needs somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OverviewShown {
    /// 24 hours ago.
    since: String,
    queue: QueueShown,
    /// 24 of them, oldest first, by the time of acceptance; tests left out.
    hours: Vec<HourShown>,
    /// There are more than the newest 20,000 deliveries: the hours are of these.
    truncated: bool,
    /// 0 to 1, of what was delivered or failed; absent without any.
    success_rate: Option<f64>,
    /// Over the exchanges of the newest 2,000 deliveries that ended.
    attempts: u64,
    /// Milliseconds.
    p50: Option<u32>,
    p95: Option<u32>,
    webhooks: usize,
    /// Webhooks whose newest attempts failed.
    failing_webhooks: usize,
    /// The worst five of them.
    failing: Vec<FailingShown>,
    /// The newest five that ended as failed.
    failed: Vec<DeliveryShown>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueShown {
    /// All of it.
    pending: u64,
    /// For another attempt.
    scheduled: u64,
    /// For a webhook that is paused or slow.
    waiting: u64,
    /// When the oldest was accepted.
    oldest: Option<String>,
    /// There are more than 20,000: these are of the oldest.
    truncated: bool,
}

#[derive(Default, Serialize, ToSchema)]
struct HourShown {
    /// When it begins.
    from: String,
    delivered: u64,
    failed: u64,
    pending: u64,
    dropped: u64,
    cancelled: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FailingShown {
    webhook_id: String,
    name: String,
    consecutive_failures: u32,
    failing_since: Option<String>,
    last_success: Option<String>,
}

/// Shows how things stand
#[utoipa::path(get, path = "/api/overview", tag = "deliveries", params(OverviewFilter),
    responses((status = 200, body = OverviewShown), Refused))]
async fn overview(
    State(api): State<Api>,
    caller: Caller,
    Query(asked): Query<OverviewFilter>,
) -> Answer<Shown<OverviewShown>> {
    Ok(Shown(shown(&api.services.overview(&caller, asked.tenant).await?)))
}

fn shown(standing: &Standing) -> OverviewShown {
    let numbers = &standing.numbers;
    let (delivered, failed) = (standing.count(DeliveryStatus::Delivered), standing.count(DeliveryStatus::Failed));
    let queue = &numbers.queue;
    OverviewShown {
        since: standing.since.to_string(),
        queue: QueueShown {
            pending: queue.claimed + queue.scheduled + queue.waiting,
            scheduled: queue.scheduled,
            waiting: queue.waiting,
            oldest: queue.oldest.map(|time| time.to_string()),
            truncated: numbers.queue_truncated,
        },
        hours: (0..24).map(|hour| hour_shown(standing, hour)).collect(),
        truncated: numbers.truncated,
        success_rate: (delivered + failed > 0).then(|| delivered as f64 / (delivered + failed) as f64),
        attempts: numbers.attempts,
        p50: numbers.p50_ms,
        p95: numbers.p95_ms,
        webhooks: standing.webhooks,
        failing_webhooks: standing.failing_count,
        failing: standing
            .failing
            .iter()
            .map(|(webhook, health)| FailingShown {
                webhook_id: webhook.id.to_string(),
                name: webhook.name.clone(),
                consecutive_failures: health.consecutive_failures,
                failing_since: health.failing_since.map(|time| time.to_string()),
                last_success: health.last_success.map(|time| time.to_string()),
            })
            .collect(),
        failed: standing.failed.iter().map(delivery).collect(),
    }
}

fn hour_shown(standing: &Standing, hour: u32) -> HourShown {
    let from = standing.since.plus(std::time::Duration::from_secs(3600) * hour);
    let mut shown = HourShown { from: from.to_string(), ..HourShown::default() };
    for each in standing.numbers.hours.iter().filter(|each| each.hour == hour) {
        let field = match each.status {
            DeliveryStatus::Delivered => &mut shown.delivered,
            DeliveryStatus::Failed => &mut shown.failed,
            DeliveryStatus::Pending => &mut shown.pending,
            DeliveryStatus::Dropped => &mut shown.dropped,
            DeliveryStatus::Cancelled => &mut shown.cancelled,
        };
        *field += each.count;
    }
    shown
}
