//! What machines ask: is it up, is it ready, how does it do, which public key is this.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::AccessError;

use super::Api;
use super::document::Refused;
use super::extract::{Query, bearer};
use super::problem::{Answer, Problem};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics)).routes(routes!(jwks))
}

/// What a worker answers, too.
pub(super) fn is_one(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// The process is up
#[utoipa::path(get, path = "/healthz", tag = "probes", security(()), responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers
#[utoipa::path(get, path = "/readyz", tag = "probes", security(()), responses((status = 200, body = String), Refused))]
async fn readyz(State(api): State<Api>) -> Answer<&'static str> {
    let ready = api.services.ready().await;
    ready.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "the database doesn't answer"))?;
    Ok("ready\n")
}

/// Metrics in Prometheus' text format
///
/// Off loopback a viewer's token is needed. Labels never carry a URL, tenant or webhook.
#[utoipa::path(get, path = "/metrics", tag = "probes", security((), ("token" = [])),
    responses((status = 200, body = String), Refused))]
async fn metrics(State(api): State<Api>, parts: Parts) -> Answer<Response> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    // A proxy on this machine speaks for others: what it forwards is not from here.
    let forwarded = parts.headers.contains_key("x-forwarded-for") || parts.headers.contains_key(header::FORWARDED);
    let local = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) && !forwarded;
    if !local {
        let caller = api.services.authenticate(bearer(&parts.headers).ok_or(AccessError::Missing)?)?;
        api.services.may_see_metrics(&caller)?;
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((headers, (api.metrics)()).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Key {
    /// The key's name: its RFC 7638 thumbprint, a webhook's `keyId`.
    kid: String,
}

/// A public key by its name
///
/// There is no list: who knows a key's name has seen the key.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "probes", security(()), params(Key),
    responses((status = 200, body = Object), Refused))]
async fn jwks(State(api): State<Api>, Query(Key { kid }): Query<Key>) -> Json<Value> {
    let keys: Vec<Value> = api.services.public_key(&kid).into_iter().collect();
    Json(json!({ "keys": keys }))
}
