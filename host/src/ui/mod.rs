//! The portal: pages for people, rendered here, over the same services as the API. Holds no rule of its own.
//!
//! One folder or file a page, each with its routes, its template's struct and its handlers. Who asks is found in [`session`], what is
//! posted is read and checked in [`form`] and shown again by [`field`], what is refused becomes a page in [`failure`], and [`layout`] is
//! around them all. Some pages go on in [`live`] while they are open; a new secret goes to its page by [`once`]. Every page works
//! without JavaScript. Never sees the store, the network or a plugin.

mod assets;
mod chain_run;
mod code;
mod deliveries;
mod diff;
mod event_types;
mod events;
mod failure;
mod field;
mod form;
mod icon;
mod json;
mod layout;
mod live;
mod once;
mod overview;
mod page;
mod plugins;
mod portal_links;
mod query;
mod session;
mod settings;
mod show;
mod sign_in;
mod sinks;
mod units;
mod webhooks;

use std::sync::Arc;

use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, middleware};
use tokio_util::sync::CancellationToken;

use crate::service::Services;

use self::failure::Failure;
use self::live::Streams;

/// What every handler has at hand.
#[derive(Clone)]
struct Ui {
    services: Arc<Services>,
}

/// What a handler gives: a page, or why there is none.
type Answer<T = axum::response::Response> = Result<T, Failure>;

/// The page that somebody sees first.
const HOME: &str = "/admin/overview";

/// All pages, below `/admin`. What streams to them ends with `stop`.
pub fn router(services: Arc<Services>, stop: CancellationToken) -> Router {
    let streams = Streams::new(Arc::clone(&services), stop);
    let ui = Ui { services };
    Router::new()
        .route("/admin", get(async || Redirect::to(HOME)))
        .route("/admin/", get(async || Redirect::to(HOME)))
        .merge(assets::routes())
        .merge(settings::routes())
        .merge(sign_in::routes())
        .merge(event_types::routes())
        .merge(overview::routes())
        .merge(plugins::routes())
        .merge(portal_links::routes())
        .merge(webhooks::routes())
        .merge(deliveries::routes())
        .merge(events::routes())
        .merge(sinks::routes())
        .fallback(failure::nothing_here)
        .method_not_allowed_fallback(async || Failure::other_method())
        .layer(middleware::from_fn_with_state(ui.clone(), session::around))
        .layer(middleware::from_fn_with_state(streams, live::around))
        .with_state(ui)
}
