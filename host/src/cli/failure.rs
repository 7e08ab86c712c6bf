//! How a command ends when it doesn't end well: one line for people, a code for scripts.

/// Shown under `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 done · 1 refused or failed · 2 wrong usage or configuration · \
3 the server can't be reached · 4 the answer is no (a signature that doesn't hold, a plugin that failed, a check that found a fault)";

/// Why a command failed. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    Usage(String),
    #[error("can't reach {url}: {reason}. Is `waxwing serve` running there? --server or WAXWING_URL says where")]
    Unreachable { url: String, reason: String },
    #[error("{0}")]
    No(String),
}

impl Failure {
    /// The process's exit code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::No(_) => 4,
        }
    }

    /// What a file that can't be used is called in an error.
    pub(super) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Usage(format!("{error}{cause}"))
    }
}
