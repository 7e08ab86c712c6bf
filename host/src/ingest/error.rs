//! Why an event wasn't accepted: a stable code for programs, a sentence for people, and where in the body it is.

use crate::store::StoreError;

/// One fault of what was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// A JSON Pointer into the body, such as `/3/type`; empty for the whole.
    pub pointer: String,
    /// Stable: `unknown-field`, `missing-field`, `invalid-type`, ….
    pub code: &'static str,
    pub message: String,
}

/// Nothing of the request was written.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the body is larger than {allowed} bytes: send less at once")]
    BodyTooLarge { allowed: usize },
    #[error("content type '{0}' is not understood here: post application/json, or a CloudEvent")]
    ContentType(String),
    #[error("the body is not the JSON that is expected here: {0}")]
    NotJson(super::json::BadJson),
    #[error("{}", summary(issues))]
    Invalid { issues: Vec<Issue> },
    /// The caller's token is bound to one tenant, and the event names another.
    #[error("this token posts for the tenant '{own}' only")]
    OtherTenant { own: String, issue: Issue },
    #[error("this Idempotency-Key was used within 24 hours with another body: another request needs another key")]
    KeyReused,
    #[error("an event with this id was accepted within 24 hours, with another type or other data")]
    IdReused { issues: Vec<Issue> },
    #[error("an Idempotency-Key is 1 to {} characters of visible ASCII", super::KEY_MAX)]
    BadKey,
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
}

impl IngestError {
    /// Stable: clients may decide by it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BodyTooLarge { .. } => "body-too-large",
            Self::ContentType(_) => "unsupported-content-type",
            Self::NotJson(bad) => match bad.problem {
                super::json::Problem::TooDeep => "too-deep",
                super::json::Problem::DuplicateKey(_) => "duplicate-key",
                _ => "not-json",
            },
            Self::Invalid { .. } => "invalid-event",
            Self::OtherTenant { .. } => "other-tenant",
            Self::KeyReused => "idempotency-key-reused",
            Self::IdReused { .. } => "id-reused",
            Self::BadKey => "invalid-idempotency-key",
            Self::Store(_) => "unavailable",
        }
    }

    pub fn issues(&self) -> &[Issue] {
        match self {
            Self::Invalid { issues } | Self::IdReused { issues } => issues,
            Self::OtherTenant { issue, .. } => std::slice::from_ref(issue),
            _ => &[],
        }
    }
}

fn summary(issues: &[Issue]) -> String {
    match issues {
        [only] if only.pointer.is_empty() => only.message.clone(),
        [only] => format!("{}: {}", only.pointer, only.message),
        many => format!("{} faults in what was posted; see `errors`", many.len()),
    }
}
