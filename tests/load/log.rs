//! A log of many deliveries in a server's database, as if it had made them: written by the store's own verbs before it starts.
//!
//! 200 webhooks of 20 tenants, one of which has nine of ten deliveries; types, environments and ends that are common, rare, or there are none of.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxwing::clock::{Clock as _, Rng, SystemClock, SystemRng};
use waxwing::model::attempt::{Attempt, Outcome, Response, Timings, Trigger};
use waxwing::model::delivery::{Claimed, DeliveryStatus, Fixed, FixedBody, Next};
use waxwing::model::event::{Event, Payload};
use waxwing::model::ids::{IdSource, RevisionId, WebhookId};
use waxwing::model::name::Tenant;
use waxwing::store::sqlite::{SqliteOptions, SqliteStore};
use waxwing::store::{
    Appended, Completed, Completion, Events as _, NewBatch, NewDelivery, NewEvent, Nodes as _, Queue as _, Start,
};
use waxwing::vault::Vault;

pub(crate) const TYPES: [&str; 20] = [
    "license.created",
    "license.activated",
    "license.renewed",
    "license.expired",
    "license.suspended",
    "license.revoked",
    "activation.created",
    "activation.failed",
    "activation.removed",
    "contract.created",
    "contract.signed",
    "contract.ended",
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.returned",
    "telemetry.flagged",
    "user.created",
    "user.changed",
    "user.deleted",
];
/// Of every so many, one is there.
const RARE: usize = 40_000;
const AT_ONCE: usize = 1000;

/// A webhook of the log with its tenant; the first owns nine tenths of it.
pub(crate) struct Owner {
    pub(crate) webhook: WebhookId,
    pub(crate) tenant: Tenant,
}

pub(crate) async fn fill(data: &Path, owners: &[Owner], deliveries: usize) {
    let key = std::fs::read_to_string(data.join("key")).unwrap();
    let key: [u8; 32] = STANDARD.decode(key.trim()).unwrap().try_into().unwrap();
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let (path, options, vault) = (data.join("waxwing.db"), SqliteOptions::default(), Arc::new(Vault::new(key)));
    let store = SqliteStore::open(&path, options, vault, rng, &SystemClock).await.unwrap();
    let ids = IdSource::new(store.number(), store.highest_id().await.unwrap());
    for from in (0..deliveries).step_by(AT_ONCE) {
        let now = SystemClock.now();
        let some: Vec<_> = (from..deliveries.min(from + AT_ONCE)).map(|number| new(&ids, owners, number)).collect();
        let events = some.iter().map(|(event, _)| event.clone()).collect();
        let appended = store.append(NewBatch { events, idempotency: None, now }).await.unwrap();
        assert_eq!(appended, Appended::Stored);
        let ends = some.into_iter().enumerate().map(|(index, (_, claimed))| Arc::new(end(claimed, from + index)));
        store.complete_all(ends.collect()).await.unwrap();
    }
    store.close().await;
}

fn new(ids: &IdSource, owners: &[Owner], number: usize) -> (NewEvent, Claimed) {
    let now = SystemClock.now();
    let owner = &owners[if number.is_multiple_of(10) { 1 + number / 10 % (owners.len() - 1) } else { 0 }];
    let event_type = if number % RARE == 7 { "rare.seen" } else { TYPES[number % TYPES.len()] };
    let environment =
        if number % RARE == 11 { "canary" } else { ["production", "staging"][usize::from(number.is_multiple_of(5))] };
    let data = format!(
        r#"{{"number":{number},"license":"AAAA-{number:08}","seats":{},"note":"{}"}}"#,
        number % 50,
        "x".repeat(160)
    );
    let event = Arc::new(Event {
        id: ids.next(now),
        event_type: event_type.parse().unwrap(),
        tenant: owner.tenant.clone(),
        environment: environment.parse().unwrap(),
        occurred_at: now,
        data: Payload::json(data),
        external_id: None,
    });
    let (id, webhook, trigger) = (ids.next(now), owner.webhook, Trigger::Automatic);
    let delivery = NewDelivery { id, webhook, start: Start::Claimed, trigger, replay_of: None };
    let claimed = Claimed {
        id,
        event: Arc::clone(&event),
        webhook,
        attempts: 0,
        trigger,
        replay_of: None,
        fixed: None,
        fence: 1,
    };
    (NewEvent { event, deliveries: vec![delivery] }, claimed)
}

/// Of a hundred, ninety are delivered, six fail, two are dropped, one is cancelled, and one is still to be tried again.
fn end(claimed: Claimed, number: usize) -> Completion {
    let now = SystemClock.now();
    let (status, outcome) = match number % 100 {
        0..6 => {
            (Some([500, 404, 302][number % 3]), Outcome::Rejected { status: [500, 404, 302][number % 3], judged: None })
        }
        6 | 7 => (None, Outcome::Dropped { plugin: "filter@0.1.0".to_owned(), reason: "not wanted".to_owned() }),
        9 => (Some(503), Outcome::Rejected { status: 503, judged: None }),
        _ => (Some(200), Outcome::Delivered),
    };
    let ended = |status| Next::Ended { status, reason: None };
    let at = now.plus(Duration::from_secs(24 * 3600));
    let next = match number % 100 {
        0..6 => ended(DeliveryStatus::Failed),
        6 | 7 => ended(DeliveryStatus::Dropped),
        8 => ended(DeliveryStatus::Cancelled),
        9 => Next::Again { at, reason: "answered 503".to_owned() },
        _ => ended(DeliveryStatus::Delivered),
    };
    let response = status.map(|status| Response { status, headers: Vec::new(), body: "ok".into(), truncated: false });
    let attempt = Attempt {
        delivery: claimed.id,
        number: 1,
        trigger: claimed.trigger,
        started_at: now,
        ended_at: now,
        outcome,
        sent: None,
        response,
        timings: Timings { total: Some(Duration::from_micros(700)), ..Timings::default() },
        stages: Vec::new(),
        retry_reason: None,
        next_at: None,
    };
    let fixed = Some(Fixed { revision: RevisionId::from(1), body: FixedBody::Rebuilt });
    Completion {
        claimed,
        attempt: Some(attempt),
        fixed,
        next: Completed::Next(next),
        health: None,
        awaited: false,
        now,
    }
}
