//! Why a use case was refused: one enum for the whole layer. What status each has over HTTP is `api`'s to say.

use crate::ingest::IngestError;
use crate::store::StoreError;
use crate::transform::BadComponent;

pub(in crate::service) type Result<T, E = ServiceError> = std::result::Result<T, E>;

/// Nothing of a refused call was written.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It doesn't exist, or belongs to a tenant that the caller may not see: the answer is the same.
    #[error("there is no {what} '{id}'")]
    NotFound { what: &'static str, id: String },
    #[error("a token with the role {needs} is needed for this; yours has the role {has}")]
    Forbidden { needs: &'static str, has: &'static str },
    /// The token is bound to another tenant.
    #[error("this token is bound to the tenant '{bound}'")]
    OtherTenant { bound: String },
    #[error("{}", summary(.0))]
    Invalid(Vec<Issue>),
    #[error("the tenant has {used} of {limit} webhooks: delete one, or have an admin raise its `maxWebhooks`")]
    Quota { limit: u32, used: u32 },
    #[error(
        "the {what} was changed by somebody else meanwhile, and nothing of this was saved: load it again, and change what it is now"
    )]
    Conflict { what: &'static str },
    /// Something still needs what was to be deleted, or its state doesn't allow this.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String },
    #[error("{0}")]
    BadComponent(#[from] BadComponent),
    /// An event wasn't accepted; it has its own codes and places.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Too many of these at once; worth another try a little later.
    #[error("too many of these at once: try again in {after_seconds} s")]
    Busy { after_seconds: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed on the way: what was done before stays done.
    #[error("the database stopped answering after {done} new deliveries; they will be sent, the rest was not made")]
    Partly {
        done: usize,
        #[source]
        source: StoreError,
    },
}

/// One fault of what was sent, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// A JSON Pointer into the request's body; a parameter's name with `?` before it for the query.
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}

impl Issue {
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl ToString) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.to_string() }
    }
}

impl ServiceError {
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl ToString) -> Self {
        Self::Invalid(vec![Issue::new(pointer, code, detail)])
    }

    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }
}

/// Gathers faults, so that a caller learns of all at once.
#[derive(Debug, Default)]
pub(super) struct Issues(Vec<Issue>);

impl Issues {
    pub(super) fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl ToString) {
        self.0.push(Issue::new(pointer, code, detail));
    }

    /// The value, or `None` with its fault noted.
    pub(super) fn take<T, E: ToString>(
        &mut self,
        pointer: &str,
        code: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.add(pointer, code, error.to_string())).ok()
    }

    /// What another check found; anything but faults of the request goes straight up.
    pub(super) fn absorb<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(ServiceError::Invalid(more)) => {
                self.0.extend(more);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    pub(super) fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(self.0)) }
    }
}

/// One step of a JSON Pointer (RFC 6901, section 3).
pub(super) fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn summary(issues: &[Issue]) -> String {
    match issues {
        [only] if only.pointer.is_empty() => only.detail.clone(),
        [only] => format!("{}: {}", only.pointer, only.detail),
        many => format!("{} faults; see `errors`", many.len()),
    }
}
