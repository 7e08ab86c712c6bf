//! The first start: a token for whoever started the server, so that nothing need be configured and nothing stands open.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::key::write_private;
use crate::model::secret::Secret;
use crate::service::Services;

const FILE: &str = "admin-token";

/// The new token, if one was needed, and the file that holds it. An old file of that name is no longer worth anything then (no
/// admin token was left), and is replaced.
pub(super) async fn admin_token(services: &Services, data: &Path) -> anyhow::Result<(Option<Secret>, PathBuf)> {
    let path = data.join(FILE);
    let made = services.first_admin_token().await.context("the first token can't be made")?;
    if let Some(token) = &made {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't replace {}", path.display()));
            }
            _ => write_private(&path, &format!("{}\n", token.expose()))?,
        }
    }
    Ok((made, path))
}
