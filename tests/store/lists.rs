//! Stories of lists: newest first, whole, and stable while new rows come in.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use waxwing::model::delivery::{Delivery, DeliveryStatus};
use waxwing::model::ids::{DeliveryId, EventId, WebhookId};
use waxwing::model::name::Tenant;
use waxwing::model::page::{PageRequest, SCAN_MAX};
use waxwing::store::{DeliveryFilter, EventFilter, NewDelivery, Overview, Recent, Start};

use crate::fixture::{Fixture, hours, minutes};
use crate::samples::stage_run;

/// What becomes of a delivery in the stories below.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Held,
    Waiting,
    Scheduled,
    Delivered,
    Failed,
    Retried,
}

async fn live(f: &Fixture, webhook: u64, fate: Fate) -> DeliveryId {
    let start = match fate {
        Fate::Waiting => Start::Waiting,
        Fate::Scheduled => Start::Scheduled(f.now.plus(hours(1))),
        Fate::Held | Fate::Delivered | Fate::Failed | Fate::Retried => Start::Claimed,
    };
    let claimed = f.accepted_for(webhook, start).await;
    match fate {
        Fate::Held | Fate::Waiting | Fate::Scheduled => {}
        Fate::Delivered => assert!(f.store.complete(f.delivered(&claimed)).await.unwrap()),
        Fate::Failed => assert!(f.store.complete(f.failed(&claimed)).await.unwrap()),
        Fate::Retried => {
            assert!(f.store.complete(f.failed(&claimed)).await.unwrap());
            assert!(f.store.retry(claimed.id, f.now).await.unwrap().is_some());
        }
    }
    claimed.id
}

async fn listed(f: &Fixture, filter: &DeliveryFilter) -> Vec<DeliveryId> {
    let page = f.store.deliveries(filter, PageRequest { limit: 250, before: None }).await.unwrap();
    assert_eq!((page.next, page.scanned_to), (None, None));
    assert_eq!(f.store.count(filter, 1000).await.unwrap(), page.rows.len() as u64);
    page.rows.iter().map(|delivery| delivery.id).collect()
}

pub(crate) async fn pages_put_together_are_the_whole_list_while_new_rows_come_in(f: Fixture) {
    let fate = prop_oneof![
        Just(Fate::Held),
        Just(Fate::Waiting),
        Just(Fate::Scheduled),
        Just(Fate::Delivered),
        Just(Fate::Failed),
        Just(Fate::Retried),
    ];
    let strategy = (prop::collection::vec((1u64..4, fate), 1..25), 1u32..6, prop::option::of(1u64..4));
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Handle::current();
    TestRunner::new(config)
        .run(&strategy, |(lives, limit, webhook)| {
            tokio::task::block_in_place(|| runtime.block_on(page_through(&f, &lives, limit, webhook)));
            Ok(())
        })
        .unwrap();
}

async fn page_through(f: &Fixture, lives: &[(u64, Fate)], limit: u32, webhook: Option<u64>) {
    for (webhook, fate) in lives {
        live(f, *webhook, *fate).await;
    }
    let filter = DeliveryFilter { webhook: webhook.map(WebhookId::from), ..DeliveryFilter::default() };
    let whole: Vec<Delivery> = all_pages(f, &filter, 250, false).await;
    assert!(whole.is_sorted_by(|newer, older| newer.id > older.id));
    assert_eq!(all_pages(f, &filter, limit, true).await, whole);
}

async fn all_pages(f: &Fixture, filter: &DeliveryFilter, limit: u32, disturbed: bool) -> Vec<Delivery> {
    let mut rows = Vec::new();
    let mut before = None;
    loop {
        let page = f.store.deliveries(filter, PageRequest { limit, before }).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        rows.extend(page.rows);
        if page.next.is_none() {
            return rows;
        }
        before = page.next;
        if disturbed {
            live(f, 1, Fate::Delivered).await;
            live(f, 2, Fate::Waiting).await;
        }
    }
}

pub(crate) async fn each_filter_shows_what_it_says(mut f: Fixture) {
    let old = live(&f, 1, Fate::Failed).await;
    f.advance(minutes(10));
    let delivered = live(&f, 1, Fate::Delivered).await;
    let held = live(&f, 1, Fate::Held).await;
    let retried = live(&f, 2, Fate::Retried).await;
    let failed = live(&f, 2, Fate::Failed).await;
    let all = DeliveryFilter::default();
    assert_eq!(listed(&f, &all).await, [failed, retried, held, delivered, old]);

    let webhook = Some(WebhookId::from(2));
    assert_eq!(listed(&f, &DeliveryFilter { webhook, ..all.clone() }).await, [failed, retried]);
    let status = |status| DeliveryFilter { status: Some(status), ..all.clone() };
    assert_eq!(listed(&f, &status(DeliveryStatus::Pending)).await, [retried, held]);
    assert_eq!(listed(&f, &status(DeliveryStatus::Failed)).await, [failed, old], "the retried one is pending now");
    assert_eq!(listed(&f, &status(DeliveryStatus::Delivered)).await, [delivered]);
    assert_eq!(listed(&f, &DeliveryFilter { webhook, ..status(DeliveryStatus::Failed) }).await, [failed]);
    assert_eq!(listed(&f, &DeliveryFilter { http_class: Some(5), ..all.clone() }).await, [failed, retried, old]);
    assert_eq!(listed(&f, &DeliveryFilter { http_class: Some(0), ..all.clone() }).await, [held]);
    assert_eq!(
        listed(&f, &DeliveryFilter { since: Some(f.now), ..all.clone() }).await,
        [failed, retried, held, delivered]
    );
    let until = Some(f.now.minus(minutes(10)));
    assert_eq!(listed(&f, &DeliveryFilter { until, ..all.clone() }).await, [old]);

    let tenant = |name: &str| DeliveryFilter { tenant: Some(name.parse().unwrap()), ..all.clone() };
    assert_eq!(listed(&f, &tenant("default")).await.len(), 5);
    assert_eq!(listed(&f, &tenant("other")).await, []);
    assert_eq!(listed(&f, &DeliveryFilter { webhook, ..tenant("other") }).await, []);
    let event_type = |name: &str| DeliveryFilter { event_type: Some(name.parse().unwrap()), ..all.clone() };
    assert_eq!(listed(&f, &event_type("order.paid")).await.len(), 5);
    assert_eq!(listed(&f, &event_type("order")).await, []);
    let environment = Some("staging".parse().unwrap());
    assert_eq!(listed(&f, &DeliveryFilter { environment, ..all.clone() }).await, []);
}

pub(crate) async fn an_events_deliveries_are_found_wherever_they_were_made(f: Fixture) {
    let other = f.accepted(Start::Claimed).await;
    let new = f.to(f.event("order.paid"), &[1, 2, 3], Start::Claimed);
    let event = new.event.id;
    let mut expected: Vec<DeliveryId> = new.deliveries.iter().map(|delivery| delivery.id).collect();
    let third = crate::samples::claimed(&new);
    f.store.append(f.batch(vec![new])).await.unwrap();
    f.store.complete(f.delivered(&third)).await.unwrap();
    f.accepted(Start::Claimed).await;
    let replay = NewDelivery {
        id: f.id(),
        webhook: WebhookId::from(1),
        start: Start::Waiting,
        trigger: waxwing::model::attempt::Trigger::Automatic,
        replay_of: Some(expected[0]),
    };
    expected.push(replay.id);
    f.store.enqueue(vec![(event, replay)], f.now).await.unwrap();
    expected.reverse();
    let of = |event| DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
    assert_eq!(listed(&f, &of(event)).await, expected);
    let repeating = |id| DeliveryFilter { replay_of: Some(id), ..of(event) };
    assert_eq!(listed(&f, &repeating(expected[3])).await, [expected[0]]);
    assert_eq!(listed(&f, &repeating(expected[2])).await, []);
    assert_eq!(listed(&f, &of(other.event.id)).await, [other.id]);
    assert_eq!(listed(&f, &of(f.id())).await, []);
}

pub(crate) async fn a_scan_that_finds_nothing_says_how_far_it_went(f: Fixture) {
    let wanted = f.to(f.event("rare.one"), &[], Start::Claimed);
    let wanted_id = wanted.event.id;
    f.store.append(f.batch(vec![wanted])).await.unwrap();
    for _ in 0..20 {
        let many = (0..=SCAN_MAX / 20).map(|_| f.to(f.event("order.paid"), &[], Start::Claimed)).collect();
        f.store.append(f.batch(many)).await.unwrap();
    }
    let filter = EventFilter { event_type: Some("rare.one".parse().unwrap()), ..EventFilter::default() };
    let first = f.store.events(&filter, PageRequest { limit: 10, before: None }).await.unwrap();
    assert!(first.rows.is_empty());
    assert!(first.scanned_to.is_some() && first.next == first.scanned_to);
    let second = f.store.events(&filter, PageRequest { limit: 10, before: first.next }).await.unwrap();
    assert_eq!(second.rows.iter().map(|event| event.id).collect::<Vec<_>>(), [wanted_id]);
    assert_eq!((second.next, second.scanned_to), (None, None));
}

pub(crate) async fn events_are_listed_by_tenant_type_time_and_callers_id(mut f: Fixture) {
    let mut ids: Vec<EventId> = Vec::new();
    for (name, tenant, external) in
        [("a.b", "default", Some("x")), ("a.c", "default", None), ("a.b", "other", Some("x"))]
    {
        let mut event = f.event(name);
        event.tenant = tenant.parse().unwrap();
        event.external_id = external.map(Into::into);
        ids.push(event.id);
        f.store.append(f.batch(vec![f.to(event, &[1], Start::Claimed)])).await.unwrap();
        f.advance(minutes(1));
    }
    let all = EventFilter::default();
    let list = async |filter: EventFilter| {
        let page = f.store.events(&filter, PageRequest { limit: 50, before: None }).await.unwrap();
        page.rows.iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(list(all.clone()).await, [ids[2], ids[1], ids[0]]);
    let tenant = Some(Tenant::default_tenant());
    assert_eq!(list(EventFilter { tenant: tenant.clone(), ..all.clone() }).await, [ids[1], ids[0]]);
    let event_type = Some("a.b".parse().unwrap());
    assert_eq!(list(EventFilter { event_type, ..all.clone() }).await, [ids[2], ids[0]]);
    let external_id = Some("x".to_owned());
    assert_eq!(list(EventFilter { external_id, tenant, ..all.clone() }).await, [ids[0]]);
    let since = Some(f.now.minus(minutes(2)));
    assert_eq!(list(EventFilter { since, ..all.clone() }).await, [ids[2], ids[1]]);
    assert_eq!(list(EventFilter { until: since, ..all }).await, [ids[1], ids[0]]);
}

pub(crate) async fn the_stats_are_of_real_attempts_only(mut f: Fixture) {
    for fate in [Fate::Delivered, Fate::Delivered, Fate::Failed] {
        live(&f, 1, fate).await;
    }
    let dropped = f.accepted(Start::Claimed).await;
    let mut attempt = f.attempt(&dropped, 200);
    attempt.outcome =
        waxwing::model::attempt::Outcome::Dropped { plugin: "filter@1.0.0".into(), reason: "small".into() };
    attempt.stages = vec![stage_run()];
    f.store
        .complete(f.completion(&dropped, Some(attempt), crate::samples::ended(DeliveryStatus::Dropped)))
        .await
        .unwrap();

    let webhook = WebhookId::from(1);
    let stats = f.store.stats(webhook, f.now.minus(hours(1))).await.unwrap();
    assert_eq!((stats.attempts, stats.successes), (3, 2));
    assert_eq!((stats.p50_ms, stats.p95_ms, stats.truncated), (Some(40), Some(40), false));
    f.advance(minutes(1));
    assert_eq!(f.store.stats(webhook, f.now).await.unwrap().attempts, 0);
}

pub(crate) async fn how_the_newest_deliveries_fare_is_known_of_many_webhooks(mut f: Fixture) {
    let [busy, failing, idle] = ["busy", "failing", "idle"].map(|name| f.webhook(name));
    for webhook in [&busy, &failing, &idle] {
        f.store.save_webhook(webhook, None, None).await.unwrap();
    }
    let [busy, failing, idle] = [busy.id, failing.id, idle.id];
    live(&f, failing.number(), Fate::Delivered).await;
    f.advance(hours(2));
    let since = f.now.minus(hours(1));
    for _ in 0..Recent::MAX {
        live(&f, busy.number(), Fate::Delivered).await;
    }
    for webhook in [busy, failing] {
        for fate in [Fate::Failed, Fate::Retried, Fate::Waiting, Fate::Scheduled, Fate::Held] {
            live(&f, webhook.number(), fate).await;
        }
        let tried = f.accepted_for(webhook.number(), Start::Claimed).await;
        f.store.complete(f.again(&tried, f.now.plus(hours(1)))).await.unwrap();
    }
    live(&f, idle.number(), Fate::Waiting).await;
    let recent = f.store.recent(&[busy, failing, idle, WebhookId::from(1)], since).await.unwrap();
    let newest = Recent { tried: Recent::MAX + 1, delivered: Recent::MAX - 1 };
    assert_eq!(recent, [(busy, newest), (failing, Recent { tried: 2, delivered: 0 })].into());
    assert!(f.store.recent(&[], since).await.unwrap().is_empty());
}

pub(crate) async fn an_overview_counts_each_delivery_once_in_its_hour(mut f: Fixture) {
    let since = f.now;
    live(&f, 1, Fate::Delivered).await;
    f.advance(hours(2));
    for fate in [Fate::Failed, Fate::Retried, Fate::Waiting, Fate::Scheduled, Fate::Held] {
        live(&f, 1, fate).await;
    }
    let seen = f.store.overview(None, since).await.unwrap();
    let mut hours: Vec<_> = seen.hours.iter().map(|each| (each.hour, each.status.as_str(), each.count)).collect();
    hours.sort_unstable();
    assert_eq!(hours, [(0, "delivered", 1), (2, "failed", 1), (2, "pending", 4)]);
    assert_eq!((seen.queue.claimed, seen.queue.scheduled, seen.queue.waiting), (2, 1, 1));
    assert_eq!((seen.attempts, seen.p50_ms, seen.p95_ms), (3, Some(40), Some(40)));
    assert!(seen.queue.oldest >= Some(f.now) && !seen.truncated && !seen.queue_truncated);
    let later = f.store.overview(None, f.now).await.unwrap();
    assert_eq!((later.attempts, later.hours.iter().map(|each| each.count).sum::<u64>()), (2, 5));
    let nobody: Tenant = "nobody".parse().unwrap();
    assert_eq!(f.store.overview(Some(&nobody), since).await.unwrap(), Overview::default());
}
