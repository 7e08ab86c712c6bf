//! Sharing a version, and deleting one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::service::ServiceError;
use crate::service::webhooks::UseVersion;
use crate::ui::failure::{Failure, sentence};
use crate::ui::form::Posted;
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::LIST;
use super::detail::Refused;

type Version = Path<(String, String)>;

pub(super) async fn share(State(ui): State<Ui>, signed: Signed, version: Version, _: Posted) -> Answer {
    set_shared(&ui, &signed, (&version, true)).await
}

pub(super) async fn unshare(State(ui): State<Ui>, signed: Signed, version: Version, _: Posted) -> Answer {
    set_shared(&ui, &signed, (&version, false)).await
}

async fn set_shared(ui: &Ui, signed: &Signed, (Path((name, version)), shared): (&Version, bool)) -> Answer {
    let caller = signed.caller();
    let plugin = ui.services.plugin_version(caller, name, version)?;
    ui.services.share_plugin(caller, &plugin, shared).await?;
    let done = if shared { "shared" } else { "unshared" };
    Ok(Redirect::to(&saying(&place(name, version), done)).into_response())
}

/// A webhook is moved to this version, or back to it.
pub(super) async fn use_version(
    State(ui): State<Ui>,
    signed: Signed,
    Path((name, version)): Version,
    posted: Posted,
) -> Answer {
    let webhook_id = posted.get("webhook").parse().map_err(|_| Failure::not_found())?;
    match ui.services.use_version(signed.caller(), (&name, &version), UseVersion { webhook_id }).await {
        Ok(_) => Ok(Redirect::to(&saying(&place(&name, &version), "moved")).into_response()),
        Err(ServiceError::Invalid(issues)) => {
            let said = issues.iter().map(|issue| format!("{}: {}", issue.pointer, issue.detail));
            let why = said.collect::<Vec<_>>().join("; ");
            super::detail::refused(
                &ui,
                &signed,
                (&name, &version),
                Refused { move_of: Some(why), ..Refused::default() },
            )
            .await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn delete(State(ui): State<Ui>, signed: Signed, Path((name, version)): Version, _: Posted) -> Answer {
    match ui.services.delete_plugin(signed.caller(), &name, &version).await {
        Ok(()) => Ok(Redirect::to(&saying(LIST, "deleted")).into_response()),
        // What needs it is said beside the button.
        Err(ServiceError::Refused { detail, .. }) => {
            let refused = Refused { deletion: Some(sentence(&detail)), ..Refused::default() };
            super::detail::refused(&ui, &signed, (&name, &version), refused).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Of this version.
pub(super) fn place(name: &str, version: &str) -> String {
    Query::new(&format!("{LIST}/{name}"), "").with("version", version)
}
