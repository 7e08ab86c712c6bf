//! Stories of acceptance: durable, all or nothing, and the same thing only once.

use waxwing::model::delivery::DeliveryStatus;
use waxwing::store::Start;

use crate::fixture::Fixture;

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
