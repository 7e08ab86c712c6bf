//! `/api/plugins/…`: how a plugin fares, and which version a webhook uses of it.

use axum::Json as Shown;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::webhooks::UseVersion;
use crate::service::{Caller, PluginFares};

use super::Api;
use super::document::Refused;
use super::extract::Json;
use super::log::{DeliveryShown, delivery};
use super::problem::Answer;
use super::view::{self, WebhookShown};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stats)).routes(routes!(use_version))
}

/// How a plugin fared in the newest 200 deliveries of webhooks that use it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FaresShown {
    /// How many there were.
    deliveries: u64,
    /// How many of them failed by a fault of it.
    faults: u64,
    /// 0 to 1; absent without deliveries.
    fault_rate: Option<f64>,
    /// The newest of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fault: Option<DeliveryShown>,
}

/// Shows how a plugin fares
#[utoipa::path(get, path = "/api/plugins/{name}/stats", tag = "plugins", params(("name" = String, Path)),
    responses((status = 200, body = FaresShown), Refused))]
async fn stats(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer<Shown<FaresShown>> {
    let PluginFares { deliveries, faults, last } = api.services.plugin_fares(&caller, &name).await?;
    #[allow(clippy::cast_precision_loss, reason = "a rate of numbers far below 2^52")]
    let fault_rate = (deliveries > 0).then(|| faults as f64 / deliveries as f64);
    Ok(Shown(FaresShown { deliveries, faults, fault_rate, last_fault: last.as_ref().map(delivery) }))
}

/// Moves a webhook to this version
///
/// Wherever its chain has another version of the plugin. Settings and secrets stay; where this version doesn't take them, they are named and
/// nothing changes. The same call with the version before moves it back.
#[utoipa::path(post, path = "/api/plugins/{name}/versions/{version}/use", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)), request_body = UseVersion,
    responses((status = 200, body = WebhookShown), Refused))]
async fn use_version(
    State(api): State<Api>,
    caller: Caller,
    Path((name, version)): Path<(String, String)>,
    Json(input): Json<UseVersion>,
) -> Answer<Shown<WebhookShown>> {
    let moved = api.services.use_version(&caller, (&name, &version), input).await?;
    Ok(Shown(view::webhook(&caller, &moved)))
}
