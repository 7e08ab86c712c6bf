//! Errors as answers: problem details (RFC 9457), one shape for every refusal, whoever refuses.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::model::causes::WithCauses;
use crate::service::{AccessError, BadComponent, IngestError, Issue, NoRoom, ServiceError, StoreError};

/// What went wrong. `code` is stable, for programs; `detail` is for people.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A reference to the documentation of the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs#not-found")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    pub status: u16,
    pub detail: String,
    #[schema(example = "not-found")]
    pub code: String,
    /// Each fault of what was sent, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Numbers that belong to the code, such as `limit` and `used`.
    #[serde(flatten)]
    #[schema(ignore)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Fault {
    /// A JSON Pointer into the body (RFC 6901), or `?name` for a parameter of the query.
    #[schema(example = "/url")]
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

pub(super) type Answer<T> = Result<T, Problem>;

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, detail: impl ToString) -> Self {
        Self {
            kind: format!("/docs#{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.to_string(),
            code: code.to_owned(),
            errors: Vec::new(),
            more: Map::new(),
        }
    }

    pub(super) fn at(mut self, pointer: impl Into<String>, code: &str, detail: impl ToString) -> Self {
        self.errors.push(Fault { pointer: pointer.into(), code: code.to_owned(), detail: detail.to_string() });
        self
    }

    pub(super) fn unavailable() -> Self {
        let detail = "the database doesn't answer: nothing of this request counts; send it again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with("retryAfter", 2)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let after = self.more.get("retryAfter").and_then(Value::as_u64);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let code = match error {
            AccessError::Missing => "token-missing",
            AccessError::Unknown => "token-unknown",
            AccessError::Expired => "token-expired",
        };
        Self::new(StatusCode::UNAUTHORIZED, code, error)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not-found", detail),
            ServiceError::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, "role-insufficient", detail),
            ServiceError::OtherTenant { .. } => Self::new(StatusCode::FORBIDDEN, "other-tenant", detail),
            ServiceError::Invalid(issues) => {
                // One kind of fault names the whole; several are just an invalid request.
                let code = match issues.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|issue| issue.code == first.code) => first.code,
                    _ => "invalid-request",
                };
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
                issues
                    .into_iter()
                    .fold(problem, |problem, Issue { pointer, code, detail }| problem.at(pointer, code, detail))
            }
            ServiceError::Quota { limit, used } => {
                Self::new(StatusCode::FORBIDDEN, "quota-exceeded", detail).with("limit", limit).with("used", used)
            }
            ServiceError::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", detail),
            ServiceError::Refused { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            ServiceError::BadComponent(bad) => Self::from(bad),
            ServiceError::Busy { after_seconds } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).with("retryAfter", after_seconds)
            }
            ServiceError::Ingest(error) => Self::from(error),
            ServiceError::Store(error) => Self::from(error),
            ServiceError::Partly { done, source } => {
                tracing::error!(error = %WithCauses(&source), "the store failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with("count", done)
            }
        }
    }
}

impl From<NoRoom> for Problem {
    /// What is written frees room within a second, where anything is written at all.
    fn from(error: NoRoom) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", error).with("retryAfter", 1)
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        let status = match &error {
            IngestError::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            IngestError::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            IngestError::NotJson(_) | IngestError::BadKey => StatusCode::BAD_REQUEST,
            IngestError::OtherTenant { .. } => StatusCode::FORBIDDEN,
            IngestError::Invalid { .. } | IngestError::KeyReused | IngestError::IdReused { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            IngestError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let problem = Self::new(status, error.code(), &error);
        let problem = error
            .issues()
            .iter()
            .fold(problem, |problem, issue| problem.at(&issue.pointer, issue.code, &issue.message));
        match error {
            // Told to the log once, however many are posted meanwhile.
            IngestError::Store(StoreError::Unavailable(_)) => Self::unavailable(),
            IngestError::Store(error) => Self::from(error),
            IngestError::BodyTooLarge { allowed } => problem.with("limit", allowed),
            _ => problem,
        }
    }
}

impl From<StoreError> for Problem {
    /// What the database said goes to the log, never to the caller.
    fn from(error: StoreError) -> Self {
        if let StoreError::Conflict { what } = error {
            return Self::from(ServiceError::Conflict { what });
        }
        tracing::error!(error = %WithCauses(&error), "the store failed");
        match error {
            StoreError::Unavailable(_) => Self::unavailable(),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server's log says more"),
        }
    }
}

impl From<BadComponent> for Problem {
    fn from(error: BadComponent) -> Self {
        let (status, code) = match &error {
            BadComponent::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "component-too-large"),
            BadComponent::NotWasm => (StatusCode::UNPROCESSABLE_ENTITY, "not-wasm"),
            BadComponent::CoreModule => (StatusCode::UNPROCESSABLE_ENTITY, "core-module"),
            BadComponent::Malformed(_) => (StatusCode::UNPROCESSABLE_ENTITY, "component-malformed"),
            BadComponent::TooComplex(_) => (StatusCode::UNPROCESSABLE_ENTITY, "component-too-complex"),
            BadComponent::ForeignImport(_) => (StatusCode::UNPROCESSABLE_ENTITY, "foreign-import"),
            BadComponent::UnknownWorld(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-world"),
            BadComponent::MissingExport(_) => (StatusCode::UNPROCESSABLE_ENTITY, "missing-export"),
            BadComponent::CompileLimit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "compile-limit"),
            BadComponent::BadManifest(_) => (StatusCode::UNPROCESSABLE_ENTITY, "manifest-invalid"),
            BadComponent::DescribeFailed(_) => (StatusCode::UNPROCESSABLE_ENTITY, "describe-failed"),
            BadComponent::Host(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-compiled"),
        };
        let problem = Self::new(status, code, &error);
        match error {
            BadComponent::ForeignImport(name) => problem.with("import", name),
            BadComponent::TooLarge { size, allowed } => problem.with("limit", allowed).with("used", size),
            _ => problem,
        }
    }
}

/// Every code that `api` itself makes, with what it means: the rest of the list in `docs/api.md` is the services'.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", "there is nothing at this path: see /docs")
}

pub(super) fn worker_only() -> Problem {
    let detail = "this node only delivers (--role worker): ask one whose role is `api` or `all`";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "worker-only", detail)
}

pub(super) fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path knows other methods: see /docs")
}

/// For `responses(...)` of the document.
pub(super) fn example() -> Value {
    json!({
        "type": "/docs#invalid-url", "title": "Unprocessable Entity", "status": 422, "code": "invalid-url",
        "detail": "/url: must begin with https:// (the server's --allow-http admits http:// too)",
        "errors": [{ "pointer": "/url", "code": "invalid-url", "detail": "must begin with https:// (the server's --allow-http admits http:// too)" }],
    })
}
