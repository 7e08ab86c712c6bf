//! `/api/portal`: ways into the portal, for people and for products that show it to their customers.

use axum::Json as Shown;
use axum::extract::State;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::{Caller, PortalLinkInput};

use super::Api;
use super::document::Refused;
use super::extract::MaybeJson;
use super::problem::Answer;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_link))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LinkCreated {
    /// Signs in once. In no other answer.
    #[schema(example = "https://waxwing.example.com/admin/sign-in/0a1b2c…")]
    url: String,
    expires_at: String,
}

/// Makes a link that signs in to the portal once
///
/// For a person (`admin`, `viewer`), or for a customer of a product that shows him his own webhooks (`tenant`, in a frame of
/// `allowedOrigin`). Whoever signed in by it is out when the token that made the link is taken back.
#[utoipa::path(post, path = "/api/portal/links", tag = "portal", request_body = PortalLinkInput,
    responses((status = 201, body = LinkCreated), Refused))]
async fn create_link(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    MaybeJson(input): MaybeJson<PortalLinkInput>,
) -> Answer<(StatusCode, Shown<LinkCreated>)> {
    let link = api.services.create_portal_link(&caller, input).await?;
    let url = match api.services.public_url() {
        Some(site) => link.url(site.as_str()),
        None => link.url(&site_asked(&headers)),
    };
    Ok((StatusCode::CREATED, Shown(LinkCreated { url, expires_at: link.expires_at.to_string() })))
}

/// As the caller names this server, who is told so to say `--public-url` where that is another name than browsers use.
fn site_asked(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{}", text(header::HOST.as_str()).unwrap_or("localhost"))
}
