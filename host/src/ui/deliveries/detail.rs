//! One delivery, from acceptance to its end, as a timeline.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};

use crate::model::attempt::Attempt;
use crate::model::delivery::Delivery;
use crate::model::event::Event;
use crate::model::ids::DeliveryId;
use crate::model::page::{Page as Rows, PageRequest};
use crate::model::time::Timestamp;
use crate::model::webhook::Webhook;
use crate::service::{Caller, DeliveryBody, DeliveryFilter, ServiceError, Services};
use crate::ui::code::{Code, readable};
use crate::ui::diff::Diff;
use crate::ui::failure::Failure;
use crate::ui::layout::{CsrfField, Layout};
use crate::ui::query::Query;
use crate::ui::session::Signed;
use crate::ui::show::{Badge, Moment};
use crate::ui::units::size;
use crate::ui::{Answer, Ui, live};

use super::list::WebhookNamed;
use super::stages::Stage;
use super::timeline::AttemptShown;
use super::{LIST, actions, badge_of, curl, path_of};

/// The newest attempts that are shown: by hand, there may be any number.
const ATTEMPTS_MAX: usize = 50;
/// As many replays.
const REPLAYS_MAX: u32 = 50;

#[derive(Template)]
#[template(path = "deliveries/detail.html", blocks = ["live"])]
struct Page {
    at: Layout,
    csrf: CsrfField,
    may_change: bool,
    id: String,
    path: String,
    badge: Badge,
    event_type: String,
    is_test: bool,
    webhook: WebhookNamed,
    event: String,
    external_id: Option<String>,
    event_is_gone: bool,
    tenant: String,
    environment: String,
    reason: Option<String>,
    revision: Option<String>,
    accepted: Moment,
    accepted_at: String,
    ended: Option<Moment>,
    ended_at: Option<String>,
    next: Option<Moment>,
    is_waiting: bool,
    attempt_count: u32,
    /// The page of what it repeats.
    replay_of: Option<(String, String)>,
    /// The newest of those that repeat it, and whether there are older ones.
    replays: Vec<(String, String, Badge)>,
    more_replays: bool,
    stages: Vec<Stage>,
    diff: Option<Diff>,
    signed: Vec<String>,
    attempts: Vec<AttemptShown>,
    attempts_left_out: usize,
    body: Option<Code>,
    body_size: String,
    curl: Option<Code>,
}

/// All that the page is made of.
struct Found {
    delivery: Delivery,
    attempts: Vec<Attempt>,
    /// `None`: the log is kept longer than the event.
    event: Option<Arc<Event>>,
    webhook: Option<Arc<Webhook>>,
    body: Option<DeliveryBody>,
    /// Those that repeat it.
    replays: Rows<Delivery>,
}

pub(super) async fn detail(State(ui): State<Ui>, signed: Signed, Path(id): Path<String>, query: Query) -> Answer {
    let found = find(&ui.services, signed.caller(), actions::named(&id)?).await?;
    let page = page(&ui, &signed, (&found, query.get("done")));
    live::shown(&signed, &page, &page.as_live())
}

async fn find(services: &Services, caller: &Caller, id: DeliveryId) -> Result<Found, Failure> {
    let (delivery, attempts) = services.delivery_with_attempts(caller, id).await?;
    let event = there(services.event(caller, delivery.event).await)?;
    let webhook = there(services.webhook(caller, delivery.webhook))?;
    let body = services.delivery_body(caller, id).await?;
    let filter =
        DeliveryFilter { event: Some(delivery.event), replay_of: Some(delivery.id), ..DeliveryFilter::default() };
    let page = PageRequest { limit: REPLAYS_MAX, before: None };
    let replays = services.deliveries(caller, filter, page).await?;
    Ok(Found { delivery, attempts, event, webhook, body, replays })
}

/// What is gone isn't a fault here.
fn there<T>(found: Result<T, ServiceError>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ServiceError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn page(ui: &Ui, signed: &Signed, (found, done): (&Found, Option<&str>)) -> Page {
    let (caller, now, delivery) = (signed.caller(), ui.services.now(), &found.delivery);
    let ran = found.attempts.iter().find(|attempt| !attempt.stages.is_empty());
    let left_out = found.attempts.len().saturating_sub(ATTEMPTS_MAX);
    let body = found.body.as_ref().map(|body| &*body.body);
    Page {
        csrf: signed.csrf(),
        may_change: caller.configures(),
        id: delivery.id.shown(delivery.test),
        path: path_of(delivery),
        badge: badge_of(delivery),
        event_type: delivery.event_type.to_string(),
        is_test: delivery.test,
        webhook: WebhookNamed::new(&ui.services, caller, delivery.webhook),
        event: delivery.event.to_string(),
        external_id: found.event.as_ref().and_then(|event| event.external_id.as_ref().map(ToString::to_string)),
        event_is_gone: found.event.is_none(),
        tenant: delivery.tenant.to_string(),
        environment: delivery.environment.to_string(),
        reason: delivery.reason.as_deref().map(crate::ui::failure::sentence),
        revision: delivery.revision.map(|revision| revision.to_string()),
        accepted: Moment::new(delivery.id.time(), now),
        accepted_at: delivery.id.time().to_string(),
        ended: delivery.ended_at.map(|at| Moment::new(at, now)),
        ended_at: delivery.ended_at.map(|at| at.to_string()),
        next: delivery.next_at.map(|at| Moment::new(at, now)),
        is_waiting: delivery.ended_at.is_none() && delivery.next_at.is_none(),
        attempt_count: delivery.attempts,
        replay_of: delivery.replay_of.map(|id| (format!("{LIST}/{id}"), id.to_string())),
        replays: found.replays.rows.iter().map(|new| (path_of(new), new.id.to_string(), badge_of(new))).collect(),
        more_replays: found.replays.next.is_some(),
        stages: ran.map(|attempt| attempt.stages.iter().map(Stage::new).collect()).unwrap_or_default(),
        diff: diff(found, ran),
        signed: signatures(&found.attempts),
        attempts: attempts(&found.attempts, left_out, now),
        attempts_left_out: left_out,
        body: body.map(|body| Code::of_bytes("Body as sent", body)),
        body_size: body.map(|body| size(body.len() as u64)).unwrap_or_default(),
        curl: command(caller, found),
        at: signed.0.layout(format!("{} · Delivery", delivery.event_type)).done(done.and_then(actions::sentence_of)),
    }
}

fn attempts(all: &[Attempt], left_out: usize, now: Timestamp) -> Vec<AttemptShown> {
    let shown = all.iter().skip(left_out);
    shown
        .map(|attempt| AttemptShown::new(attempt, all.last().is_some_and(|last| last.number == attempt.number), now))
        .collect()
}

/// The event's data beside what the chain made of it.
fn diff(found: &Found, ran: Option<&Attempt>) -> Option<Diff> {
    ran.filter(|attempt| attempt.stages.iter().any(Stage::changes))?;
    let changed = found.body.as_ref()?.changed.as_ref()?;
    let event = found.event.as_ref()?;
    Diff::new("What the plugins changed", &readable(&event.data.bytes), &readable(changed))
}

/// Which headers of the last request sign it.
fn signatures(attempts: &[Attempt]) -> Vec<String> {
    let sent = attempts.iter().rev().find_map(|attempt| attempt.sent.as_ref());
    let names = sent.into_iter().flat_map(|sent| &sent.headers).map(|header| header.name.to_string());
    names.filter(|name| name.contains("signature")).collect()
}

/// Of the last request. Whoever sees URLs gets the whole one, unless a plugin sent it elsewhere.
fn command(caller: &Caller, found: &Found) -> Option<Code> {
    let sent = found.attempts.iter().rev().find_map(|attempt| attempt.sent.as_ref())?;
    let current = found.webhook.as_ref().map(|webhook| &webhook.current.url);
    let whole = current.filter(|url| caller.sees_urls() && url.to_string() == sent.url);
    let url = whole.map_or_else(|| sent.url.clone(), |url| url.expose().to_string());
    let body = found.body.as_ref().map(|body| &*body.body);
    Some(Code::new("The last request as curl", curl::command(sent, &url, body)))
}
