//! What was posted: read, bounded, and shown to come from our own pages. Next: [`super::field`], as which it is shown again.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use subtle::ConstantTimeEq as _;

use crate::service::Visitor;

use super::Ui;
use super::failure::Failure;
use super::session::visit_of;

/// The name of the field that every form has.
pub(super) const CSRF: &str = "csrf";
/// The most that a form may have: the settings of a whole chain.
const FORM_MAX: usize = 1024 * 1024;
const FIELDS_MAX: usize = 2000;
const FORM_WITHIN: Duration = Duration::from_secs(60);

/// The fields of a form of our own pages, in their order; a name may come several times. Whatever else was posted is refused: a
/// handler that changes anything takes this, or calls [`proven`] itself.
#[derive(Debug, Default)]
pub(super) struct Posted(Vec<(String, String)>);

impl Posted {
    /// As it was typed; empty where it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Without space around it; `None` for nothing.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Name and value of each.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Of a page whose fields are filled by what is stored.
    pub(super) fn filled_in(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// For a form that nobody has typed into yet.
    pub(super) fn of_fields(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// Where to go on: a page of ours, or else `otherwise`.
    pub(super) fn back_or<'p>(&'p self, otherwise: &'p str) -> &'p str {
        own_page(self.get("back")).unwrap_or(otherwise)
    }

    async fn read(request: Request) -> Result<Self, Failure> {
        let is_form = request.headers().get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok());
        if !is_form.is_some_and(|said| said.starts_with("application/x-www-form-urlencoded")) {
            return Err(Failure::other_method());
        }
        let too_large = || {
            let detail = "The form holds more than 1 MiB or 2,000 fields. Go back, and send less.";
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "Too much", detail)
        };
        let read = tokio::time::timeout(FORM_WITHIN, to_bytes(request.into_body(), FORM_MAX)).await;
        let body = read.map_err(|_| Failure::other_method())?.map_err(|_| too_large())?;
        let fields = url::form_urlencoded::parse(&body).take(FIELDS_MAX + 1);
        let fields: Vec<_> = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if fields.len() > FIELDS_MAX { Err(too_large()) } else { Ok(Self(fields)) }
    }
}

impl FromRequest<Ui> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Ui) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visit = visit_of(&parts).map_err(IntoResponse::into_response)?;
        let Some(visitor) = &visit.visitor else { return Err(Failure::signed_out().into_response()) };
        let posted = Self::read(Request::from_parts(parts, body)).await.map_err(IntoResponse::into_response)?;
        proven(visitor, posted.get(CSRF)).map_err(IntoResponse::into_response)?;
        Ok(posted)
    }
}

/// A form for those who aren't signed in: only where it comes from is looked at.
#[derive(Debug)]
pub(super) struct PostedByAnyone(pub(super) Posted);

impl FromRequest<Ui> for PostedByAnyone {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Ui) -> Result<Self, Failure> {
        Posted::read(request).await.map(Self)
    }
}

/// Whether this came from a page that was made for this session.
pub(super) fn proven(visitor: &Visitor, said: &str) -> Result<(), Failure> {
    let same = !visitor.csrf.is_empty() && bool::from(visitor.csrf.as_bytes().ct_eq(said.as_bytes()));
    if same { Ok(()) } else { Err(Failure::unproven()) }
}

/// A path (and query) of ours, never another site.
pub(super) fn own_page(path: &str) -> Option<&str> {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_plain && (path == "/admin" || path.starts_with("/admin/")) && !path.contains("/..")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_leads_to_no_other_site() {
        for path in ["/admin", "/admin/webhooks?search=a&status=active", "/admin/webhooks/webhook_1"] {
            assert_eq!(own_page(path), Some(path));
        }
        for path in [
            "",
            "/",
            "//evil.example",
            "/admin/../api",
            "https://evil.example",
            "/adminevil",
            "/admin/\\evil",
            "/admin/a b",
        ] {
            assert_eq!(own_page(path), None, "{path}");
        }
    }
}
