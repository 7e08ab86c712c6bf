//! `/admin/deliveries`: the log, one delivery as a timeline, and doing it once more.

mod actions;
mod curl;
mod detail;
mod filter;
mod list;
mod phases;
mod replay;
mod rerun;
mod stages;
mod timeline;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::model::delivery::{Delivery, DeliveryStatus};

use super::Ui;
use super::show::Badge;

pub(super) use self::filter::{all, moment, tenants, time};
pub(super) use self::list::Row;
pub(super) use self::stages::Stage;
pub(super) use self::timeline::Request;

/// Where the list is.
pub(super) const LIST: &str = "/admin/deliveries";

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(LIST, get(list::list))
        .route("/admin/deliveries/retry", post(actions::retry_chosen))
        .route("/admin/deliveries/replay", get(replay::ask).post(replay::replay))
        .route("/admin/deliveries/{id}", get(detail::detail))
        .route("/admin/deliveries/{id}/rerun", get(rerun::rerun))
        .route("/admin/deliveries/{id}/retry", post(actions::retry))
        .route("/admin/deliveries/{id}/replay", post(actions::replay))
        .route("/admin/webhook-deliveries", get(async |RawQuery(query)| moved("", query)))
        .route("/admin/webhook-deliveries/{id}", get(async |Path(id): Path<String>, RawQuery(query)| moved(&id, query)))
}

/// From the address that other documents give.
fn moved(id: &str, query: Option<String>) -> Redirect {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let slash = if id.is_empty() { "" } else { "/" };
    Redirect::permanent(&format!("{LIST}{slash}{id}{query}"))
}

/// How it stands with a delivery.
pub(super) fn badge_of(delivery: &Delivery) -> Badge {
    let badge = match delivery.status {
        DeliveryStatus::Pending => Badge::info("Pending"),
        DeliveryStatus::Delivered => Badge::good("Delivered"),
        DeliveryStatus::Failed => Badge::bad("Failed"),
        DeliveryStatus::Dropped => Badge::idle("Dropped"),
        DeliveryStatus::Cancelled => Badge::warn("Cancelled"),
    };
    badge.titled(delivery.reason.clone().unwrap_or_default())
}

/// The page of a delivery.
pub(in crate::ui) fn path_of(delivery: &Delivery) -> String {
    format!("{LIST}/{}", delivery.id.shown(delivery.test))
}
