//! Why there is no page: as a page, with the same frame around it. What a database or a plugin said goes to the log.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::model::causes::WithCauses;
use crate::service::{ServiceError, StoreError};

use super::layout::{Layout, rendered};
use super::session::Visit;

/// An answer that is refused. The page is made of it where it is known who asks.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    status: StatusCode,
    title: &'static str,
    /// Sentences that say what to do.
    detail: String,
    retry_after: Option<u32>,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    at: Layout,
    status: u16,
    title: &'static str,
    detail: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), retry_after: None }
    }

    pub(super) fn not_found() -> Self {
        let detail = "There is nothing at this address. It may have been deleted, or belong to another tenant.";
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    pub(super) fn other_method() -> Self {
        let detail = "This address doesn't take what was sent to it. Go back, and use the page's own buttons.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "That doesn't work here", detail)
    }

    pub(super) fn internal() -> Self {
        let detail = "The server's log says more. Nothing of what you asked for was done.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", detail)
    }

    pub(super) fn unavailable() -> Self {
        let detail = "The database doesn't answer at the moment. Nothing was changed: try again in a few seconds.";
        let failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not available right now", detail);
        Self { retry_after: Some(2), ..failure }
    }

    /// A form that can't be shown to come from this session's own pages.
    pub(super) fn unproven() -> Self {
        let detail =
            "This form was opened in another session, or long ago. Go back, reload the page, and send it again.";
        Self::new(StatusCode::FORBIDDEN, "Reload the page first", detail)
    }

    pub(super) fn from_elsewhere() -> Self {
        let detail = "This was sent by another site's page, so nothing was done. Open the portal itself, reload the page, and use it there.";
        Self::new(StatusCode::FORBIDDEN, "Reload the page first", detail)
    }

    pub(super) fn signed_out() -> Self {
        let detail = "You are signed out, so nothing was changed. Sign in again, then go back, reload the page, and send it once more.";
        Self::new(StatusCode::FORBIDDEN, "You are signed out", detail)
    }

    pub(super) fn busy(after_seconds: u32, detail: impl Into<String>) -> Self {
        let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too much at once", detail);
        Self { retry_after: Some(after_seconds), ..failure }
    }

    pub(super) fn page(self, visit: &Visit) -> Response {
        let Self { status, title, detail, retry_after } = self;
        let page = Page { at: visit.layout(title), status: status.as_u16(), title, detail };
        let mut response = match rendered(&page) {
            Ok(page) => (status, page).into_response(),
            Err(_) => (status, title).into_response(),
        };
        if let Some(after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

/// Whatever isn't a page.
pub(super) async fn nothing_here() -> Failure {
    Failure::not_found()
}

impl IntoResponse for Failure {
    /// Empty yet: `session::around` makes the page.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let detail = sentence(&error.to_string());
        match error {
            ServiceError::NotFound { .. } => Self::not_found(),
            ServiceError::Forbidden { .. } | ServiceError::OtherTenant { .. } => {
                Self::new(StatusCode::FORBIDDEN, "Not allowed", detail)
            }
            ServiceError::Quota { .. } => Self::new(StatusCode::FORBIDDEN, "Quota reached", detail),
            ServiceError::Conflict { .. } => Self::new(StatusCode::CONFLICT, "Somebody else was faster", detail),
            ServiceError::Refused { .. } => Self::new(StatusCode::CONFLICT, "Not in this state", detail),
            ServiceError::Invalid(_) | ServiceError::BadComponent(_) | ServiceError::Ingest(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "That can't be used", detail)
            }
            ServiceError::Busy { after_seconds } => Self::busy(after_seconds, detail),
            ServiceError::Store(error) => Self::from(error),
            ServiceError::Partly { source, .. } => {
                tracing::error!(error = %WithCauses(&source), "the store failed");
                Self { detail, ..Self::unavailable() }
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if let StoreError::Conflict { what } = error {
            return Self::from(ServiceError::Conflict { what });
        }
        tracing::error!(error = %WithCauses(&error), "the store failed");
        match error {
            StoreError::Unavailable(_) => Self::unavailable(),
            _ => Self::internal(),
        }
    }
}

/// Errors begin small and end without a full stop, so that they can stand in a line.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
