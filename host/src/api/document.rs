//! The OpenAPI 3.1 document, made from the handlers themselves, and the page that shows it.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::problem::{Fault, Problem, example};

const PAGE: &str = include_str!("docs.html");

/// The answer of every call that is refused.
pub(super) struct Refused;

impl utoipa::IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
        content.example = Some(example());
        let response = ResponseBuilder::new()
            .description("Refused: problem details (RFC 9457)")
            .content("application/problem+json", content)
            .build();
        BTreeMap::from([("default".to_owned(), RefOr::T(response))])
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Waxwing",
        description = "Webhook delivery with WebAssembly plugins. All calls but the probes take a bearer token.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem, Fault)),
    modifiers(&Bearer),
    security(("token" = []))
)]
pub(super) struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("`Authorization: Bearer wxt_…`"));
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
        }
    }
}

/// The whole document: what utoipa gathered, and `webhooks`: what we send, which utoipa can't say.
pub(super) fn finish(openapi: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    name_calls(&mut document);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("openapi".into(), "3.1.0".into());
        fields.insert("webhooks".into(), sent());
    }
    document
}

/// A call's name is its group's and its handler's: handlers of several groups may bear one name.
fn name_calls(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for call in paths
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|calls| calls.values_mut())
    {
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if let (Some(group), Some(handler)) = (text("/tags/0"), text("/operationId"))
            && let Some(fields) = call.as_object_mut()
        {
            fields.insert("operationId".into(), format!("{group}_{handler}").into());
        }
    }
}

/// What a receiver gets, in the default format.
fn sent() -> Value {
    let header = |name: &str, description: &str| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": { "type": "string" } });
    json!({
        "event": {
            "post": {
                "summary": "An event, in the format `standard`",
                "description": "Other formats have other envelopes and headers: see docs/formats.md. A plugin may send anything else.",
                "operationId": "receive_event",
                "security": [],
                "parameters": [
                    header("webhook-id", "The event's id, the same in every attempt."),
                    header("webhook-timestamp", "Unix seconds of this attempt."),
                    header("webhook-signature", "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several are separated by spaces."),
                ],
                "requestBody": {
                    "required": true,
                    "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["type", "timestamp", "data"],
                        "properties": {
                            "type": { "type": "string", "examples": ["license.activated"] },
                            "timestamp": { "type": "string", "format": "date-time" },
                            "data": { "description": "The poster's own bytes." },
                        },
                    } } },
                },
                "responses": {
                    "2XX": { "description": "Delivered." },
                    "410": { "description": "Gone for good: the webhook is disabled." },
                    "default": { "description": "Tried again by the webhook's retry policy; `Retry-After` is honoured within bounds." },
                },
            },
        },
    })
}

pub(super) async fn openapi(axum::extract::State(api): axum::extract::State<super::Api>) -> Json<Value> {
    Json(Value::clone(&api.document))
}

/// Shows `/openapi.json` and every error code; needs nothing from elsewhere.
pub(super) async fn page() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'";
    let mut response = Html(PAGE).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
