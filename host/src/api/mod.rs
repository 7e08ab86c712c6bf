//! The native REST API: a face of the services, over HTTP. Holds no rule of its own.
//!
//! One file a resource, each with its routes, its answers' shapes and its part of the OpenAPI document. Who asks is found in
//! [`extract`], what is refused is told in [`problem`]. Never sees the store, the network or a plugin.

mod accounts;
mod bodies;
mod catalogue;
mod deliveries;
mod document;
mod events;
mod extract;
mod intake;
mod log;
mod overview;
mod page;
mod plugin_uses;
mod plugins;
mod portal;
mod probes;
mod problem;
mod sinks;
mod trials;
mod view;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::service::Services;

/// What every handler has at hand.
#[derive(Clone)]
pub struct Api {
    services: Arc<Services>,
    /// Renders the metrics.
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    document: Arc<Value>,
    /// What comes to sinks, while it is read and kept.
    receiving: Arc<Semaphore>,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Everything,
    /// Whether it is up and ready, and its metrics: a worker has nothing else to say.
    Probes,
}

/// Whoever only reads is told after so long that nothing comes: a database whose machine is gone says nothing at all.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The whole API: takes a request, gives its answer.
pub struct Face {
    api: Api,
    router: Router,
    /// The pages for people, below [`PORTAL`]; another room's.
    portal: Router,
    shows: Shows,
}

const PORTAL: &str = "/admin";

impl Face {
    /// `metrics` renders what `/metrics` shows; `portal` has headers of its own.
    pub fn new(
        services: Arc<Services>,
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
        portal: Router,
        shows: Shows,
    ) -> Self {
        let (router, openapi) = described().split_for_parts();
        let document = Arc::new(document::finish(&openapi));
        let receiving = Arc::new(Semaphore::new(sinks::AT_ONCE_MAX));
        let api = Api { services, metrics, document, receiving };
        let router = router
            .route("/openapi.json", get(document::openapi))
            .route("/docs", get(document::page))
            .fallback(async || problem::not_found())
            .method_not_allowed_fallback(async || problem::method_not_allowed())
            // Every body is read by `extract::read`, each with a bound of its own.
            .layer(DefaultBodyLimit::disable())
            .with_state(api.clone());
        Self { api, router, portal, shows }
    }

    /// The answer to what `peer` asks. Events go past the router: all the load is on their one path.
    pub async fn answer(&self, mut request: Request, peer: SocketAddr) -> Response {
        let mut response = if self.shows == Shows::Probes && !probes::is_one(request.uri().path()) {
            problem::worker_only().into_response()
        } else if request.method() == Method::POST && request.uri().path() == events::PATH {
            events::take(&self.api, request).await
        } else if sinks::is_one(request.uri().path()) {
            return sinks::receive(&self.api, request).await;
        } else if is_of_portal(request.uri().path()) {
            request.extensions_mut().insert(ConnectInfo(peer));
            return self.portal(request).await;
        } else {
            request.extensions_mut().insert(ConnectInfo(peer));
            self.route(request).await.unwrap_or_else(IntoResponse::into_response)
        };
        guard(response.headers_mut());
        response
    }

    /// What is posted there needs room, too.
    async fn portal(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        match intake::admit_if_any(&self.api, &parts.headers, body).await {
            Ok((_place, body)) => {
                let answered = self.portal.clone().oneshot(Request::from_parts(parts, body));
                answered.await.into_response()
            }
            Err(problem) => problem.into_response(),
        }
    }

    /// Whoever brings a body needs room for it until the answer is made.
    async fn route(&self, request: Request) -> Result<Response, problem::Problem> {
        let (parts, body) = request.into_parts();
        let (_place, body) = intake::admit_if_any(&self.api, &parts.headers, body).await?;
        let only_reads = parts.method == Method::GET;
        let answered = self.router.clone().oneshot(Request::from_parts(parts, body));
        if !only_reads {
            return Ok(answered.await.into_response());
        }
        let in_time = tokio::time::timeout(READ_WITHIN, answered).await;
        Ok(in_time.map_err(|_| problem::Problem::unavailable())?.into_response())
    }
}

fn is_of_portal(path: &str) -> bool {
    path.strip_prefix(PORTAL).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The OpenAPI document, for `waxwing openapi`.
pub fn openapi() -> Value {
    document::finish(&described().into_openapi())
}

fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .merge(webhooks::routes())
        .merge(trials::routes())
        .merge(events::routes())
        .merge(deliveries::routes())
        .merge(overview::routes())
        .merge(plugins::routes())
        .merge(plugin_uses::routes())
        .merge(catalogue::routes())
        .merge(accounts::routes())
        .merge(portal::routes())
        .merge(sinks::routes())
        .merge(probes::routes())
}

/// Headers of every answer: nothing is kept by caches, nothing is guessed or framed by browsers.
fn guard(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
