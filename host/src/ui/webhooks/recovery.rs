//! Bringing back what a webhook missed: counted first, made by a second press, and by more of them where one go doesn't take all.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;

use crate::model::time::Timestamp;
use crate::service::{Place, REPLAYS_MAX, Recover, Recovered};
use crate::ui::field::{Faults, Field, Kind, Summary};
use crate::ui::form::Posted;
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::units::count;
use crate::ui::{Answer, Ui};

use super::actions::named;
use super::{LIST, detail};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// What is recovered, without where to go on.
const PERIOD: [&str; 3] = ["since", "until", "missed"];

/// The form, what was counted, and what one go left.
pub(super) struct Recovery {
    pub(super) faults: Summary,
    pub(super) fields: [Field; 2],
    pub(super) missed: bool,
    pub(super) counted: Option<Counted>,
    pub(super) rest: Option<Rest>,
}

pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) more: bool,
}

/// What the button posts that goes on where one go ended: of the same time, whatever is typed meanwhile.
pub(super) struct Rest {
    pub(super) hidden: Vec<(&'static str, String)>,
    /// As many as one go looks at.
    pub(super) one_go: String,
}

impl Recovery {
    /// Since a day ago, if nothing is typed yet.
    pub(super) fn new(typed: &Posted, now: Timestamp) -> Self {
        Self::judged(typed, (&Faults::default(), now))
    }

    /// As an address has it that [`onwards`] made.
    pub(super) fn asked(query: &Query, now: Timestamp) -> Self {
        let typed = Posted::of_fields(&PERIOD.map(|name| (name, query.get(name).unwrap_or_default())));
        let rest = query.parsed("after").map(|place| Rest::new(&typed, place));
        Self { rest, ..Self::new(&typed, now) }
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
        Self { faults: summary, fields, missed: typed.get("missed") == "yes", counted: None, rest: None }
    }
}

impl Rest {
    fn new(typed: &Posted, place: Place) -> Self {
        let period = PERIOD.into_iter().filter_map(|name| Some((name, typed.filled(name)?.to_owned())));
        let hidden = period.chain([("after", place.to_string())]).collect();
        Self { hidden, one_go: count(u64::from(REPLAYS_MAX)) }
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
            let rest = next.filter(|_| count == 0).map(|next| Rest::new(&posted, next));
            let counted = Some(Counted { count, more: next.is_some() });
            let recovery = Recovery { counted, rest, ..Recovery::new(&posted, now) };
            detail::with_recovery(&ui, &signed, (&webhook, recovery)).await
        }
        Ok(recovered) => {
            Ok(Redirect::to(&onwards(&format!("{LIST}/{}", webhook.id), &posted, recovered)).into_response())
        }
        Err(faults) => {
            let recovery = Recovery::judged(&posted, (&faults, now));
            let page = detail::with_recovery(&ui, &signed, (&webhook, recovery)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

/// The webhook's page, with the rest to go on with if one go wasn't all.
fn onwards(page: &str, typed: &Posted, recovered: Recovered) -> String {
    match recovered {
        Recovered { count: 0, next: None } => saying(page, "none-recovered"),
        Recovered { next: None, .. } => saying(page, "recovered"),
        Recovered { next: Some(next), .. } => {
            let rest = Rest::new(typed, next).hidden;
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
            format!("{}#rest", saying(&format!("{page}?{query}"), "part-recovered"))
        }
    }
}

fn input(typed: &Posted, dry_run: bool) -> Result<Recover, Faults> {
    let mut faults = Faults::default();
    let since = faults.parsed("/since", Some(typed.get("since").trim()), str::parse);
    let until = faults.parsed("/until", typed.filled("until"), str::parse);
    let after = faults.parsed("/after", typed.filled("after"), str::parse);
    let missed = typed.get("missed") == "yes";
    match since {
        Some(since) if faults.is_empty() => Ok(Recover { since, until, missed, dry_run, after }),
        _ => Err(faults),
    }
}
