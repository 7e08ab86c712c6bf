//! Replaying all that match a filter: the page says how many first, and what will be done.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;

use crate::model::page::{cursor, place_of};
use crate::service::{REPLAYS_MAX, Replayed};
use crate::ui::failure::Failure;
use crate::ui::field::Faults;
use crate::ui::form::Posted;
use crate::ui::layout::{CsrfField, Layout, rendered};
use crate::ui::query::{Query, saying};
use crate::ui::session::Signed;
use crate::ui::units::count;
use crate::ui::{Answer, Ui};

use super::LIST;
use super::filter::{self, FILTERS};

const PATH: &str = "/admin/deliveries/replay";

#[derive(Template)]
#[template(path = "deliveries/replay.html")]
struct Page {
    at: Layout,
    csrf: CsrfField,
    count: String,
    is_one: bool,
    is_none: bool,
    /// What matches and can't be sent.
    skipped: Option<String>,
    /// There is more than one call looks at: how many that is.
    more: Option<String>,
    /// What is posted with the form.
    hidden: Vec<(&'static str, String)>,
    /// The filter in words.
    facts: Vec<(&'static str, String)>,
    /// The list of what matches.
    list: String,
}

pub(super) async fn ask(State(ui): State<Ui>, signed: Signed, query: Query) -> Answer {
    let (mut filter, faults) = filter::read(|name| query.get(name));
    readable(&faults)?;
    // What comes meanwhile wasn't counted, and isn't replayed.
    let until = *filter.until.get_or_insert(ui.services.now());
    let after = query.get("after");
    let counted = ui.services.replay_many(signed.caller(), filter, after.and_then(place_of), true).await?;
    let Replayed { count: found, skipped, next } = counted;
    let mut hidden: Vec<(&'static str, String)> =
        FILTERS.iter().filter_map(|name| Some((*name, query.get(name)?.to_owned()))).collect();
    hidden.retain(|(name, _)| *name != "until");
    hidden.push(("until", until.to_string()));
    hidden.extend(after.map(|after| ("after", after.to_owned())));
    let page = Page {
        csrf: signed.csrf(),
        count: count(found),
        is_one: found == 1,
        is_none: found == 0,
        skipped: (skipped > 0).then(|| count(skipped)),
        more: next.map(|_| count(u64::from(REPLAYS_MAX))),
        hidden,
        facts: facts(&query),
        list: Query::new(LIST, "").with_all(&query, &FILTERS),
        at: signed.0.layout("Replay deliveries").done(query.get("done").and_then(super::actions::sentence_of)),
    };
    Ok(rendered(&page)?.into_response())
}

pub(super) async fn replay(State(ui): State<Ui>, signed: Signed, posted: Posted) -> Answer {
    let (filter, faults) = filter::read(|name| posted.filled(name));
    readable(&faults)?;
    let before = posted.filled("after").and_then(place_of);
    let query = posted_query(&posted);
    let Replayed { next, .. } = ui.services.replay_many(signed.caller(), filter, before, false).await?;
    let to = match next {
        Some(next) => saying(&query.with("after", &cursor(next)), "part-replayed"),
        None => saying(LIST, "all-replayed"),
    };
    Ok(Redirect::to(&to).into_response())
}

fn posted_query(posted: &Posted) -> Query {
    let pairs = FILTERS.iter().filter_map(|name| Some((*name, posted.filled(name)?)));
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Query::new(PATH, &text)
}

/// A filter that isn't understood would match more than is meant.
fn readable(faults: &Faults) -> Result<(), Failure> {
    let Some(fault) = FILTERS.iter().find_map(|name| Some((*name, faults.at(&format!("/{name}"))?))) else {
        return Ok(());
    };
    let detail = format!("The filter “{}” can’t be used. {} Go back to the list, and mend it there.", fault.0, fault.1);
    Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "That can't be used", detail))
}

fn facts(query: &Query) -> Vec<(&'static str, String)> {
    let label = |name: &str| match name {
        "webhook" => "Webhook",
        "event" => "Event",
        "type" => "Event type",
        "status" => "Status",
        "httpClass" => "Answer",
        "environment" => "Environment",
        "tenant" => "Tenant",
        "since" => "Accepted since",
        _ => "Accepted until",
    };
    FILTERS
        .iter()
        .filter_map(|name| Some((label(name), query.get(name)?.to_owned())))
        .map(|(label, value)| {
            let shown = match (label, value.as_str()) {
                ("Answer", "0") => "none".to_owned(),
                ("Answer", class) => format!("{class}xx"),
                _ => value,
            };
            (label, shown)
        })
        .collect()
}
