//! Bringing back what a webhook missed: counted first, made by a second press.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;

use crate::model::time::Timestamp;
use crate::service::{Recover, Recovered};
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::query::saying;
use crate::ui::session::Signed;
use crate::ui::{Answer, Ui};

use super::actions::named;
use super::{LIST, detail};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The form, and what was counted.
pub(super) struct Recovery {
    pub(super) faults: Summary,
    pub(super) fields: [Field; 2],
    pub(super) missed: bool,
    pub(super) counted: Option<Counted>,
}

pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) more: bool,
}

impl Recovery {
    /// Since a day ago, if nothing is typed yet.
    pub(super) fn new(typed: &Posted, now: Timestamp) -> Self {
        Self::judged(typed, (&Faults::default(), now))
    }

    fn judged(typed: &Posted, (faults, now): (&Faults, Timestamp)) -> Self {
        let since = typed.filled("since").map_or_else(|| now.minus(DAY).to_string(), str::to_owned);
        let line = |name, label| Field::new(name, label, Kind::Line("text")).mono();
        let fields = [
            line("since", "Since")
                .required()
                .value(since)
                .hint("In UTC, such as 2026-01-31T12:00:00Z.")
                .judged("/since", faults),
            line("until", "Until").value(typed.get("until")).hint("Now, if left empty.").judged("/until", faults),
        ];
        let summary = faults.summary(&fields.each_ref());
        Self { faults: summary, fields, missed: typed.get("missed") == "yes", counted: None }
    }
}

pub(super) async fn recover(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, posted: Posted) -> Answer {
    let webhook = ui.services.webhook_to_change(signed.caller(), named(&id)?)?;
    let now = ui.services.now();
    let dry_run = posted.get("do") != "recover";
    let answered = match input(&posted, dry_run) {
        Ok(input) => match ui.services.recover_webhook(signed.caller(), webhook.id, input).await {
            Ok(recovered) => Ok(recovered),
            Err(error) => Err(Faults::of(error)?),
        },
        Err(faults) => Err(faults),
    };
    match answered {
        Ok(Recovered { count, next }) if dry_run => {
            let counted = Some(Counted { count, more: next.is_some() });
            let recovery = Recovery { counted, ..Recovery::new(&posted, now) };
            detail::with_recovery(&ui, &signed, (&webhook, recovery)).await
        }
        Ok(_) => Ok(Redirect::to(&saying(&format!("{LIST}/{}", webhook.id), "recovered")).into_response()),
        Err(faults) => {
            let recovery = Recovery::judged(&posted, (&faults, now));
            let page = detail::with_recovery(&ui, &signed, (&webhook, recovery)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

fn input(typed: &Posted, dry_run: bool) -> Result<Recover, Faults> {
    let mut faults = Faults::default();
    let since = faults.parsed("/since", Some(typed.get("since").trim()), str::parse);
    let until = faults.parsed("/until", typed.filled("until"), str::parse);
    let missed = typed.get("missed") == "yes";
    match since {
        Some(since) if faults.is_empty() => Ok(Recover { since, until, missed, dry_run, after: None }),
        _ => Err(faults),
    }
}
