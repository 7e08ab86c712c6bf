//! How events, deliveries and attempts look in answers.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::model::attempt::{Attempt, Outcome, Response};
use crate::model::delivery::Delivery;
use crate::model::event::Event;

use super::bodies::{data, text_or_base64};
use super::view::json as plain;

/// An event as it was accepted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventShown {
    #[schema(example = "evt_0a1b2c3d4e5f6")]
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    tenant: String,
    environment: String,
    /// When it happened, as its poster says.
    timestamp: String,
    accepted_at: String,
    /// The poster's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    content_type: String,
    /// JSON, byte for byte as it was posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// Data that isn't JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// A delivery: one event for one webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryShown {
    #[schema(example = "delivery_0a1b2c3d4e5f6")]
    id: String,
    event_id: String,
    webhook_id: String,
    tenant: String,
    environment: String,
    #[serde(rename = "type")]
    event_type: String,
    /// `pending`, `delivered`, `failed`, `dropped` or `cancelled`.
    status: String,
    test: bool,
    attempt_count: u32,
    /// Of the last reply.
    status_code: Option<u16>,
    /// Why it ended so, or is still pending.
    reason: Option<String>,
    /// The revision that its first attempt used.
    revision: Option<String>,
    replay_of: Option<String>,
    accepted_at: String,
    /// When the next attempt is due; absent while it waits for its webhook.
    next_at: Option<String>,
    ended_at: Option<String>,
}

/// With its attempts, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryWithAttempts {
    #[serde(flatten)]
    pub(super) delivery: DeliveryShown,
    pub(super) attempts: Vec<AttemptShown>,
}

/// One try.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptShown {
    number: u32,
    /// `automatic`, `manual` or `test`.
    #[schema(value_type = String)]
    trigger: Value,
    sent_at: String,
    received_at: String,
    /// `kind` is `delivered`, `rejected`, `unreachable`, `dropped`, `transformFailed` or `formatFailed`.
    #[schema(value_type = Object)]
    outcome: Value,
    /// The outcome in words.
    reason: String,
    /// As sent, secrets masked.
    #[schema(value_type = Option<Object>)]
    request: Option<Value>,
    #[schema(value_type = Option<Object>)]
    response: Option<Value>,
    /// Microseconds by phase; a phase that a kept connection saved is `null`.
    #[schema(value_type = Object)]
    timings: Value,
    /// Each plugin's verdict, log and cost, in the attempt that ran the chain.
    #[schema(value_type = Vec<Object>)]
    plugins: Value,
    retry_reason: Option<String>,
    next_at: Option<String>,
}

pub(super) fn event(event: &Event) -> EventShown {
    let (data, data_base64) = data(&event.data);
    EventShown {
        id: event.id.to_string(),
        event_type: event.event_type.to_string(),
        tenant: event.tenant.to_string(),
        environment: event.environment.to_string(),
        timestamp: event.occurred_at.to_string(),
        accepted_at: event.id.time().to_string(),
        external_id: event.external_id.as_ref().map(ToString::to_string),
        content_type: event.data.content_type.as_str().to_owned(),
        data,
        data_base64,
    }
}

pub(super) fn delivery(delivery: &Delivery) -> DeliveryShown {
    DeliveryShown {
        id: delivery.id.shown(delivery.test),
        event_id: delivery.event.to_string(),
        webhook_id: delivery.webhook.to_string(),
        tenant: delivery.tenant.to_string(),
        environment: delivery.environment.to_string(),
        event_type: delivery.event_type.to_string(),
        status: delivery.status.as_str().to_owned(),
        test: delivery.test,
        attempt_count: delivery.attempts,
        status_code: delivery.last_status,
        reason: delivery.reason.clone(),
        revision: delivery.revision.map(|revision| revision.to_string()),
        replay_of: delivery.replay_of.map(|id| id.to_string()),
        accepted_at: delivery.id.time().to_string(),
        next_at: delivery.next_at.map(|time| time.to_string()),
        ended_at: delivery.ended_at.map(|time| time.to_string()),
    }
}

pub(super) fn attempt(attempt: &Attempt) -> AttemptShown {
    AttemptShown {
        number: attempt.number,
        trigger: plain(&attempt.trigger),
        sent_at: attempt.started_at.to_string(),
        received_at: attempt.ended_at.to_string(),
        outcome: plain(&attempt.outcome),
        reason: reason(&attempt.outcome),
        request: attempt.sent.as_ref().map(plain),
        response: attempt.response.as_ref().map(response),
        timings: plain(&attempt.timings),
        plugins: plain(&attempt.stages),
        retry_reason: attempt.retry_reason.clone(),
        next_at: attempt.next_at.map(|time| time.to_string()),
    }
}

pub(super) fn response(response: &Response) -> Value {
    let (body, encoding) = text_or_base64(&response.body);
    json!({
        "status": response.status, "headers": plain(&response.headers), "body": body, "bodyEncoding": encoding,
        "truncated": response.truncated,
    })
}

/// An outcome in one line.
pub(super) fn reason(outcome: &Outcome) -> String {
    outcome.to_string()
}
