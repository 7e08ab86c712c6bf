//! `/admin/settings`: the server's defaults, tenants, tokens, and who changed what.

mod audit;
mod server;
mod tenants;
mod tokens;

use axum::Router;
use axum::routing::{get, post};

use crate::service::Caller;

use super::Ui;

const SERVER: &str = "/admin/settings";
const TENANTS: &str = "/admin/settings/tenants";
/// No tenant can be called so: names begin with a letter or digit.
const NEW_TENANT: &str = "/admin/settings/tenants/-/new";
const TOKENS: &str = "/admin/settings/tokens";
const AUDIT: &str = "/admin/settings/audit";

/// What was done, as the address says it, and as the page does.
const DONE: [(&str, &str); 5] = [
    ("changed", "The settings were changed: what is made from now on goes by them."),
    ("tenant-created", "The tenant was made."),
    ("tenant-changed", "The tenant’s plan was changed."),
    ("tenant-deleted", "The tenant was deleted."),
    ("token-deleted", "The token was taken back: it opens nothing any more."),
];

fn sentence_of(done: &str) -> Option<&'static str> {
    DONE.iter().find(|(name, _)| *name == done).map(|(_, sentence)| *sentence)
}

pub(super) fn routes() -> Router<Ui> {
    Router::new()
        .route(SERVER, get(server::show).post(server::change))
        .route(TENANTS, get(tenants::list))
        .route(NEW_TENANT, get(tenants::new).post(tenants::create))
        .route("/admin/settings/tenants/{name}", get(tenants::edit).post(tenants::change))
        .route("/admin/settings/tenants/{name}/delete", post(tenants::delete))
        .route(TOKENS, get(tokens::list).post(tokens::create))
        .route("/admin/settings/tokens/{id}/delete", get(tokens::ask_to_delete).post(tokens::delete))
        .route(AUDIT, get(audit::list))
}

/// The way to one of the settings' pages.
struct Tab {
    label: &'static str,
    path: &'static str,
    current: bool,
}

/// Those that the caller may open.
fn tabs(caller: &Caller, current: &str) -> Vec<Tab> {
    let all = [
        ("Server", SERVER, false),
        ("Tenants", TENANTS, false),
        ("Tokens", TOKENS, true),
        ("Portal links", "/admin/portal-links", true),
        ("Audit log", AUDIT, true),
    ];
    let open = all.into_iter().filter(|(.., for_admins)| !for_admins || caller.is_admin());
    open.map(|(label, path, _)| Tab { label, path, current: path == current }).collect()
}
