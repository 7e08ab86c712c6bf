//! What happened, in the lines that a person would write down.

use std::fmt::Write as _;

use waxwing::model::attempt::{Attempt, Outcome, Trigger};
use waxwing::model::delivery::{Delivery, DeliveryStatus};
use waxwing::retry::shown;

use super::World;

pub(super) async fn history(world: &World) -> String {
    let mut told = String::new();
    for delivery in world.deliveries().await {
        let webhook =
            world.directory.webhook(delivery.webhook).map_or("(deleted)".into(), |webhook| webhook.name.clone());
        writeln!(told, "{} -> {webhook}: {}", delivery.event_type, standing(&delivery)).unwrap();
        for attempt in world.store.attempts(delivery.id).await.unwrap() {
            writeln!(told, "  {}  {}", attempt.number, what_came(&attempt)).unwrap();
        }
    }
    told
}

fn standing(delivery: &Delivery) -> String {
    let status = delivery.status.as_str();
    match (delivery.status, &delivery.reason, delivery.next_at) {
        (DeliveryStatus::Pending, _, None) => format!("{status}, waiting"),
        (DeliveryStatus::Pending, _, Some(_)) | (_, None, _) => status.into(),
        (_, Some(reason), _) => format!("{status} ({reason})"),
    }
}

fn what_came(attempt: &Attempt) -> String {
    let came = match &attempt.outcome {
        Outcome::Delivered | Outcome::Rejected { .. } => {
            attempt.response.as_ref().map_or("?".into(), |response| response.status.to_string())
        }
        Outcome::Unreachable { error } => error.kind.as_str().into(),
        Outcome::Dropped { .. } => "dropped".into(),
        Outcome::TransformFailed { fault } => fault.to_string(),
        Outcome::FormatFailed { code, .. } => code.clone(),
    };
    let again = attempt.next_at.map(|at| format!("  again in {}", shown(at.since(attempt.ended_at))));
    let by_hand = if attempt.trigger == Trigger::Manual { "  by hand" } else { "" };
    format!("{came}{}{by_hand}", again.unwrap_or_default())
}
