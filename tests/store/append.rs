//! Stories of acceptance: durable, all or nothing, and the same thing only once.

use std::future::poll_fn;
use std::task::Poll;

use waxwing::model::delivery::DeliveryStatus;
use waxwing::model::event::{ContentType, Event, Payload};
use waxwing::model::name::Tenant;
use waxwing::store::admission::scope_of;
use waxwing::store::{Appended, IdempotencyClaim, NewBatch, Result, SeenExternalId, Start};

use crate::fixture::{Fixture, hours};

pub(crate) async fn an_event_and_its_deliveries_are_read_back_as_they_were_given(f: Fixture) {
    let new = f.to(f.event("order.paid"), &[1, 2], Start::Claimed);
    let (event, first) = (new.event.clone(), new.deliveries[0].clone());
    f.store.append(f.batch(vec![new])).await.unwrap();

    assert_eq!(f.store.event(None, event.id).await.unwrap(), Some(event.clone()));
    let delivery = f.store.delivery(None, first.id).await.unwrap().unwrap();
    assert_eq!((delivery.event, delivery.webhook), (event.id, first.webhook));
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 0));
    assert_eq!(delivery.event_type, event.event_type);
    let other = "other".parse().unwrap();
    assert_eq!(f.store.event(Some(&other), event.id).await.unwrap(), None);
    assert_eq!(f.store.delivery(Some(&other), first.id).await.unwrap(), None);
}

pub(crate) async fn a_repeat_with_the_same_key_and_body_gets_the_first_answer(mut f: Fixture) {
    let first = keyed(&f, "k1", [1; 32], "first answer");
    assert_eq!(f.store.append(first.clone()).await.unwrap(), Appended::Stored);
    f.advance(hours(23));
    let repeat = keyed(&f, "k1", [1; 32], "second answer");
    let event = repeat.events[0].event.id;
    let answer = "first answer".into();
    assert_eq!(f.store.append(repeat).await.unwrap(), Appended::Repeat { answer });
    assert_eq!(f.store.event(None, event).await.unwrap(), None, "nothing was written");
    assert_eq!(f.store.append(keyed(&f, "k1", [2; 32], "")).await.unwrap(), Appended::KeyReused);

    let elsewhere = |tenant: &Tenant, path: &str| {
        let mut batch = keyed(&f, "k1", [2; 32], "");
        batch.idempotency.iter_mut().for_each(|claim| claim.scope = scope_of(tenant, path, "k1"));
        batch
    };
    let other_path = elsewhere(&Tenant::default_tenant(), "/api/other");
    assert_eq!(f.store.append(other_path).await.unwrap(), Appended::Stored, "keys are scoped to the path");
    let other_tenant = elsewhere(&"other".parse().unwrap(), "/api/events");
    assert_eq!(f.store.append(other_tenant).await.unwrap(), Appended::Stored, "and to the tenant");
}

pub(crate) async fn a_key_is_forgotten_after_a_day(mut f: Fixture) {
    f.store.append(keyed(&f, "k1", [1; 32], "first answer")).await.unwrap();
    f.advance(hours(24));
    assert_eq!(f.store.append(keyed(&f, "k1", [2; 32], "new")).await.unwrap(), Appended::Stored);
    let repeat = f.store.append(keyed(&f, "k1", [2; 32], "")).await.unwrap();
    assert_eq!(repeat, Appended::Repeat { answer: "new".into() }, "the new one is remembered from now on");
}

pub(crate) async fn of_concurrent_twins_one_is_written_and_all_get_its_answer(f: Fixture) {
    let twins: Vec<_> = (0..8).map(|n| keyed(&f, "twin", [1; 32], &format!("answer {n}"))).collect();
    let events: Vec<_> = twins.iter().map(|twin| twin.events[0].event.id).collect();
    let answers = join_all(twins.into_iter().map(|twin| f.store.append(twin))).await;
    let written = answers.iter().position(|answer| *answer == Appended::Stored).unwrap();
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != written) {
        assert_eq!(*answer, Appended::Repeat { answer: format!("answer {written}").into() }, "twin {n}");
    }
    for (n, event) in events.iter().enumerate() {
        assert_eq!(f.store.event(None, *event).await.unwrap().is_some(), n == written, "twin {n}");
    }
}

pub(crate) async fn a_callers_id_is_taken_once_a_day_per_tenant_and_environment(mut f: Fixture) {
    let named = |f: &Fixture, change: fn(&mut Event)| {
        let mut event = f.event("order.paid");
        event.external_id = Some("order-7".into());
        change(&mut event);
        f.batch(vec![f.to(event, &[1, 2], Start::Claimed)])
    };
    let first = named(&f, |_| {});
    let first_id = first.events[0].event.id;
    assert_eq!(f.store.append(first).await.unwrap(), Appended::Stored);
    f.advance(hours(23));

    let seen = |same| SeenExternalId { index: 0, first: first_id, first_deliveries: 2, same };
    let repeat = f.store.append(named(&f, |_| {})).await.unwrap();
    assert_eq!(repeat, Appended::ExternalIds { seen: vec![seen(true)], same: true });
    let other_data = f.store.append(named(&f, |event| event.data = Payload::json("{}"))).await.unwrap();
    assert_eq!(other_data, Appended::ExternalIds { seen: vec![seen(false)], same: false });
    let other_type = f.store.append(named(&f, |event| event.event_type = "order.x".parse().unwrap())).await.unwrap();
    assert_eq!(other_type, Appended::ExternalIds { seen: vec![seen(false)], same: false });

    let staging = named(&f, |event| event.environment = "staging".parse().unwrap());
    assert_eq!(f.store.append(staging).await.unwrap(), Appended::Stored);
    let other_tenant = named(&f, |event| event.tenant = "other".parse().unwrap());
    assert_eq!(f.store.append(other_tenant).await.unwrap(), Appended::Stored);
    f.advance(hours(1));
    assert_eq!(f.store.append(named(&f, |_| {})).await.unwrap(), Appended::Stored, "a day is over");
}

pub(crate) async fn a_batch_with_one_known_id_is_not_written_at_all(f: Fixture) {
    let named = |id: &str| {
        let mut event = f.event("order.paid");
        event.external_id = Some(id.into());
        f.to(event, &[1], Start::Claimed)
    };
    let first = named("a");
    let first_id = first.event.id;
    f.store.append(f.batch(vec![first])).await.unwrap();
    let mixed = f.batch(vec![named("b"), named("a")]);
    let fresh = mixed.events[0].event.id;
    let answer = f.store.append(mixed).await.unwrap();
    let seen = SeenExternalId { index: 1, first: first_id, first_deliveries: 1, same: true };
    assert_eq!(answer, Appended::ExternalIds { seen: vec![seen], same: false }, "it held something new too");
    assert_eq!(f.store.event(None, fresh).await.unwrap(), None);

    let doubled = f.batch(vec![named("c"), named("c")]);
    let answer = f.store.append(doubled).await.unwrap();
    assert!(matches!(answer, Appended::ExternalIds { same: false, .. }), "{answer:?}");
    assert_eq!(f.store.append(f.batch(vec![named("c")])).await.unwrap(), Appended::Stored);
}

pub(crate) async fn data_that_is_not_json_keeps_its_type_and_its_bytes(f: Fixture) {
    let mut event = f.event("file.added");
    event.data = Payload { content_type: ContentType::Other("text/csv".into()), bytes: vec![0, 159, 146, 150].into() };
    event.external_id = Some("ä/ö".into());
    let new = f.to(event, &[], Start::Claimed);
    let given = new.event.clone();
    f.store.append(f.batch(vec![new])).await.unwrap();
    assert_eq!(f.store.event(None, given.id).await.unwrap(), Some(given));
}

pub(crate) async fn what_was_answered_is_there_after_a_restart(f: Fixture) {
    let new: Vec<_> = (0..300).map(|_| f.to(f.event("order.paid"), &[1, 2], Start::Claimed)).collect();
    let events: Vec<_> = new.iter().map(|new| new.event.id).collect();
    assert_eq!(f.store.append(f.batch(new)).await.unwrap(), Appended::Stored);
    let f = f.reopened().await;
    for event in events {
        assert!(f.store.event(None, event).await.unwrap().is_some());
    }
    let depth = f.store.depth().await.unwrap();
    assert_eq!(depth.claimed + depth.scheduled, 600, "in somebody's hands or due");
}

pub(crate) fn keyed(f: &Fixture, key: &str, body_digest: [u8; 32], answer: &str) -> NewBatch {
    let scope = scope_of(&Tenant::default_tenant(), "/api/events", key);
    let claim = IdempotencyClaim { scope, body_digest, answer: answer.to_owned().into() };
    NewBatch { idempotency: Some(claim), ..f.batch(vec![f.to(f.event("order.paid"), &[1], Start::Claimed)]) }
}

/// All at once, on this task; the answers in order.
async fn join_all<T>(calls: impl Iterator<Item = impl Future<Output = Result<T>>>) -> Vec<T> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut answers: Vec<Option<T>> = calls.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (call, answer) in calls.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(result) = call.as_mut().poll(context) {
                *answer = Some(result.unwrap());
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}
