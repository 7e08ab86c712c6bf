//! `/admin/plugins` and `/admin/templates`: what there is to put into a chain, tried out before it is.

mod actions;
mod detail;
mod facts;
mod list;
mod playground;
mod templates;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::Ui;

const LIST: &str = "/admin/plugins";
/// No plugin can be called so: names begin with a letter or digit.
const UPLOAD: &str = "/admin/plugins/-/upload";

/// What was done, as the address says it, and as the page does.
const DONE: [(&str, &str); 6] = [
    ("uploaded", "The plugin was checked and compiled: webhooks can use it now."),
    ("known", "This very component was here already: nothing changed."),
    ("shared", "Tenants may use this version from now on."),
    ("unshared", "Tenants can’t choose this version any more. Webhooks that have it keep it."),
    ("moved", "The webhook uses this version from now on, with the settings that it had."),
    ("deleted", "The version was deleted."),
];

fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

pub(super) fn routes() -> Router<Ui> {
    // The upload bounds its body itself.
    let upload = get(upload::form).post(upload::upload).layer(DefaultBodyLimit::disable());
    Router::new()
        .route(LIST, get(list::list))
        .route(UPLOAD, upload)
        .route("/admin/plugins/{name}", get(detail::detail))
        .route("/admin/plugins/{name}/run", post(detail::run))
        .route("/admin/plugins/{name}/{version}/share", post(actions::share))
        .route("/admin/plugins/{name}/{version}/unshare", post(actions::unshare))
        .route("/admin/plugins/{name}/{version}/use", post(actions::use_version))
        .route("/admin/plugins/{name}/{version}/delete", post(actions::delete))
        .route("/admin/templates", get(templates::gallery))
}

/// In the unit that people say it in.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
