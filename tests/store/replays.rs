//! Stories of replays: new deliveries of events that were accepted before.

use std::collections::HashMap;

use waxwing::model::attempt::Trigger;
use waxwing::model::delivery::DeliveryStatus;
use waxwing::model::ids::{EventId, WebhookId};
use waxwing::store::{Completion, DeliveryFilter, NewDelivery, NewEvent, Start};

use crate::fixture::Fixture;

pub(crate) async fn a_replay_is_one_more_delivery_of_the_same_event(f: Fixture) {
    let first = f.accepted(Start::Claimed).await;
    f.store.complete(f.delivered(&first)).await.unwrap();
    let replay = NewDelivery {
        id: f.id(),
        webhook: first.webhook,
        start: Start::Claimed,
        trigger: Trigger::Automatic,
        replay_of: Some(first.id),
    };
    let gone = (f.id(), NewDelivery { id: f.id(), ..replay.clone() });
    let written = f.store.enqueue(vec![gone, (first.event.id, replay.clone())], f.now).await.unwrap();
    assert_eq!(written, [replay.id], "the event of the other one isn't there");
    let delivery = f.store.delivery(None, replay.id).await.unwrap().unwrap();
    assert_eq!((delivery.event, delivery.replay_of), (first.event.id, Some(first.id)));
}

pub(crate) async fn replays_of_many_events_are_written_all_or_none(f: Fixture) {
    let many = (0..300).map(|_| f.to(f.event("order.paid"), &[1], Start::Waiting)).collect::<Vec<_>>();
    f.store.append(f.batch(many.clone())).await.unwrap();
    let new = |event: &NewEvent| NewDelivery {
        id: f.id(),
        webhook: WebhookId::from(1),
        start: Start::Scheduled(f.now),
        trigger: Trigger::Automatic,
        replay_of: Some(event.deliveries[0].id),
    };
    let mut replays: Vec<_> = many.iter().map(|event| (event.event.id, new(event))).collect();
    let twice = replays[0].clone();
    let failed = f.store.enqueue(replays.iter().cloned().chain([twice]).collect(), f.now).await;
    assert!(failed.is_err(), "an id stands once");
    assert_eq!(f.store.depth().await.unwrap().scheduled, 0, "nothing of it was written");
    replays.truncate(299);
    assert_eq!(f.store.enqueue(replays.clone(), f.now).await.unwrap().len(), 299);
    assert_eq!(f.store.depth().await.unwrap().scheduled, 299);
    let of = |event: EventId| DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
    assert_eq!(f.store.count(&of(replays[0].0), 9).await.unwrap(), 2);
}

pub(crate) async fn the_newest_delivery_of_each_event_is_found_wherever_it_stands(f: Fixture) {
    // One for each webhook; what webhook 1 has of the first is ended, replayed, and ended again.
    let events: Vec<NewEvent> = (0..3).map(|_| f.to(f.event("order.paid"), &[1, 2], Start::Claimed)).collect();
    let elsewhere = f.to(f.event("order.paid"), &[2], Start::Claimed);
    f.store.append(f.batch(events.iter().cloned().chain([elsewhere.clone()]).collect())).await.unwrap();
    let first = crate::samples::claimed(&events[0]);
    f.store.complete(f.failed(&first)).await.unwrap();
    let new = |of: &NewEvent| NewDelivery {
        id: f.id(),
        webhook: WebhookId::from(1),
        start: Start::Claimed,
        trigger: Trigger::Automatic,
        replay_of: Some(of.deliveries[0].id),
    };
    let (ended, waiting) = (new(&events[0]), new(&events[1]));
    let replays = vec![(events[0].event.id, ended.clone()), (events[1].event.id, waiting.clone())];
    f.store.enqueue(replays, f.now).await.unwrap();
    let claimed = waxwing::model::delivery::Claimed { id: ended.id, ..first };
    let next = crate::samples::ended(DeliveryStatus::Failed);
    assert!(f.store.complete(Completion { next, ..f.failed(&claimed) }).await.unwrap());

    let id = |event: &NewEvent| event.event.id;
    let asked: Vec<EventId> = events.iter().chain([&elsewhere]).map(id).chain([f.id()]).collect();
    let expected =
        [(id(&events[0]), ended.id), (id(&events[1]), waiting.id), (id(&events[2]), events[2].deliveries[0].id)];
    assert_eq!(f.store.newest(WebhookId::from(1), &asked).await.unwrap(), HashMap::from(expected));
}
