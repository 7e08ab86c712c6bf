//! Stories of retention: what expires goes, what is pending is never dropped silently. A database may take whole days together: what
//! has expired is gone two days later at the latest, and never before.

use waxwing::model::attempt::Trigger;
use waxwing::model::delivery::{DeliveryStatus, Fixed, FixedBody};
use waxwing::model::ids::RevisionId;
use waxwing::model::tenant::{Retention, TenantProfile};
use waxwing::store::{Completion, NewDelivery, Start};

use crate::fixture::{Fixture, days, hours};
use crate::samples::claimed;

pub(crate) async fn an_event_goes_with_all_that_hangs_on_it_when_its_class_says(mut f: Fixture) {
    let year = TenantProfile { retention: Retention::Year, ..TenantProfile::new("careful".parse().unwrap(), f.now) };
    f.store.save_tenant(&year).await.unwrap();
    let old = f.accepted(Start::Claimed).await;
    let made = Some(Fixed { revision: RevisionId::from(9), body: FixedBody::Replaced("{}".into()) });
    f.store.complete(Completion { fixed: made, ..f.delivered(&old) }).await.unwrap();
    let mut kept = f.event("order.paid");
    kept.tenant = "careful".parse().unwrap();
    let kept = f.to(kept, &[1], Start::Claimed);
    let (kept_event, kept_claim) = (kept.event.id, claimed(&kept));
    f.store.append(f.batch(vec![kept])).await.unwrap();
    f.store.complete(f.delivered(&kept_claim)).await.unwrap();

    f.advance(days(29));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0);
    f.advance(days(3));
    assert!(f.store.purge(f.now, 1000).await.unwrap().rows > 0);
    assert_eq!(f.store.event(None, old.event.id).await.unwrap(), None);
    assert_eq!(f.store.delivery(None, old.id).await.unwrap(), None);
    assert!(f.store.attempts(old.id).await.unwrap().is_empty());
    assert_eq!(f.store.fixed(old.id).await.unwrap(), None);
    assert!(f.store.event(None, kept_event).await.unwrap().is_some(), "its tenant keeps a year");
    assert!(f.store.delivery(None, kept_claim.id).await.unwrap().is_some());
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0);
}

pub(crate) async fn what_still_waits_when_its_event_expires_ends_visibly_first(mut f: Fixture) {
    let waiting = f.accepted(Start::Waiting).await;
    f.advance(days(31));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 1);
    let delivery = f.store.delivery(None, waiting.id).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Cancelled, Some("expired")));
    f.advance(days(1).saturating_sub(hours(1)));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0, "it is shown for a day");
    f.advance(hours(2));
    assert!(f.store.purge(f.now, 1000).await.unwrap().rows > 0);
    assert_eq!(f.store.delivery(None, waiting.id).await.unwrap(), None);
    assert_eq!(f.store.event(None, waiting.event.id).await.unwrap(), None);
}

pub(crate) async fn what_somebody_works_on_keeps_its_event(mut f: Fixture) {
    let held = f.accepted(Start::Claimed).await;
    let again = f.accepted(Start::Claimed).await;
    f.store.complete(f.failed(&again)).await.unwrap();
    f.advance(days(29));
    let replay = NewDelivery {
        id: f.id(),
        webhook: again.webhook,
        start: Start::Waiting,
        trigger: Trigger::Automatic,
        replay_of: Some(again.id),
    };
    f.store.enqueue(vec![(again.event.id, replay.clone())], f.now).await.unwrap();
    f.advance(days(20));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap().rows, 0);
    for event in [held.event.id, again.event.id] {
        assert!(f.store.event(None, event).await.unwrap().is_some(), "something of it is pending");
    }
    assert!(f.store.complete(f.delivered(&held)).await.unwrap());
    assert_eq!(f.store.cancel_pending(again.webhook, "deleted", f.now, 9).await.unwrap(), 1);
    assert!(f.store.purge(f.now, 1000).await.unwrap().rows > 0);
    for event in [held.event.id, again.event.id] {
        assert_eq!(f.store.event(None, event).await.unwrap(), None);
    }
    assert_eq!(f.store.delivery(None, replay.id).await.unwrap(), None);
}
