//! The first start: a token for whoever started the server, so that nothing need be configured and nothing stands open.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::key::write_private;
use crate::model::secret::Secret;
use crate::service::Services;

const FILE: &str = "admin-token";

/// An admin's token, and the file that holds it for later.
#[derive(Clone, Debug)]
pub struct FirstToken {
    pub token: Secret,
    pub file: PathBuf,
}

/// The new token, if one was needed. An old file of that name opens nothing any more then (no admin token was left), and is
/// replaced.
pub(super) async fn admin_token(services: &Services, data: &Path) -> anyhow::Result<Option<FirstToken>> {
    let Some(token) = services.first_admin_token().await.context("the first token can't be made")? else {
        return Ok(None);
    };
    let file = data.join(FILE);
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("can't replace {}", file.display()));
        }
        _ => write_private(&file, &format!("{}\n", token.expose()))?,
    }
    Ok(Some(FirstToken { token, file }))
}
