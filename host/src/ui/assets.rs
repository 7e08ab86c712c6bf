//! Style and scripts, from the binary. Their names hold a hash of what is in them, so that a browser may keep them for good.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, header};
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::{Answer, Ui};

pub(super) struct Asset {
    /// Where it is: `/admin/assets/portal-0a1b2c3d4e5f6071.css`.
    pub(super) path: String,
    content_type: &'static str,
    content: &'static str,
}

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("portal", ("css", "text/css; charset=utf-8"), include_str!("../../assets/portal.css")));
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("portal", ("js", "text/javascript; charset=utf-8"), include_str!("../../assets/portal.js"))
});
pub(super) static MARK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark", ("svg", "image/svg+xml"), include_str!("../../assets/mark.svg")));

const FOLDER: &str = "/admin/assets/";

impl Asset {
    fn new(name: &str, (ending, content_type): (&str, &'static str), content: &'static str) -> Self {
        let hash = hex::encode(Sha256::digest(content));
        let path = format!("{FOLDER}{name}-{}.{ending}", hash.get(..16).unwrap_or(&hash));
        Self { path, content_type, content }
    }
}

pub(super) fn routes() -> Router<Ui> {
    Router::new().route("/admin/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Answer {
    let all = [&*STYLE, &*SCRIPT, &*MARK];
    let found = all.into_iter().find(|asset| asset.path.strip_prefix(FOLDER) == Some(&name));
    let Some(asset) = found else { return Err(Failure::not_found()) };
    Ok(served(asset))
}

fn served(asset: &'static Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.content).into_response()
}
