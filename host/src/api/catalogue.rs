//! `/api/event-types` and `/api/templates`: what can happen, and what to do with it.

use axum::Json as Shown;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::catalogue::CatalogueEntry;
use crate::model::name::EventType;
use crate::service::{Caller, EventTypeInput, Template};

use super::Api;
use super::document::Refused;
use super::extract::{CreatedAt, MaybeJson, Named};
use super::page::{Listed, all};
use super::problem::Answer;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete)).routes(routes!(templates))
}

/// One type of event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventTypeShown {
    #[serde(rename = "type")]
    #[schema(example = "license.activated")]
    event_type: String,
    description: String,
    /// JSON Schema 2020-12 of the data.
    #[schema(value_type = Option<Object>)]
    schema: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    sample: Option<Box<RawValue>>,
    deprecated: bool,
    updated_at: String,
}

/// Lists the catalogue of event types
#[utoipa::path(get, path = "/api/event-types", tag = "catalogue",
    responses((status = 200, body = Listed<EventTypeShown>), Refused))]
async fn list(State(api): State<Api>, caller: Caller) -> Answer<Shown<Listed<EventTypeShown>>> {
    Ok(all(api.services.event_types(&caller), shown))
}

/// Shows an event type
#[utoipa::path(get, path = "/api/event-types/{name}", tag = "catalogue", params(("name" = String, Path)),
    responses((status = 200, body = EventTypeShown), Refused))]
async fn get(State(api): State<Api>, caller: Caller, Named(name): Named<EventType>) -> Answer<Shown<EventTypeShown>> {
    Ok(Shown(shown(api.services.event_type(&caller, &name)?)))
}

/// Adds an event type, or changes it
#[utoipa::path(put, path = "/api/event-types/{name}", tag = "catalogue", params(("name" = String, Path)),
    request_body = EventTypeInput,
    responses((status = 200, body = EventTypeShown), (status = 201, body = EventTypeShown), Refused))]
async fn put(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<EventType>,
    MaybeJson(input): MaybeJson<EventTypeInput>,
) -> Answer<Response> {
    let place = format!("/api/event-types/{name}");
    let (entry, is_new) = api.services.put_event_type(&caller, name, input).await?;
    let shown = shown(entry);
    Ok(if is_new { CreatedAt(place, shown).into_response() } else { Shown(shown).into_response() })
}

/// Removes an event type
///
/// Events of it are accepted all the same, but for a strict tenant.
#[utoipa::path(delete, path = "/api/event-types/{name}", tag = "catalogue", params(("name" = String, Path)),
    responses((status = 204), Refused))]
async fn delete(State(api): State<Api>, caller: Caller, Named(name): Named<EventType>) -> Answer<StatusCode> {
    api.services.delete_event_type(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists integration templates
#[utoipa::path(get, path = "/api/templates", tag = "catalogue", responses((status = 200, body = Listed<Template>), Refused))]
async fn templates(State(api): State<Api>, caller: Caller) -> Answer<Shown<Listed<Template>>> {
    Ok(all(api.services.templates(&caller)?, Template::clone))
}

fn shown(entry: CatalogueEntry) -> EventTypeShown {
    // Both were JSON when they were saved.
    let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
    EventTypeShown {
        event_type: entry.event_type.to_string(),
        description: entry.description,
        schema: raw(entry.schema),
        sample: raw(entry.sample),
        deprecated: entry.deprecated,
        updated_at: entry.updated_at.to_string(),
    }
}
