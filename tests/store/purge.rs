//! Stories of retention: what expires goes, what is pending is never dropped silently.

use waxwing::model::delivery::{DeliveryStatus, Fixed, FixedBody};
use waxwing::model::ids::RevisionId;
use waxwing::model::name::Tenant;
use waxwing::model::tenant::{Retention, TenantProfile};
use waxwing::store::{Completion, Start};

use crate::fixture::{Fixture, days, hours};
use crate::samples::claimed;

pub(crate) async fn an_event_goes_with_all_that_hangs_on_it_when_its_class_says(mut f: Fixture) {
    let old = f.accepted(Start::Claimed).await;
    let made = Some(Fixed { revision: RevisionId::from(9), body: FixedBody::Replaced("{}".into()) });
    f.store.complete(Completion { fixed: made, ..f.delivered(&old) }).await.unwrap();
    let mut kept = f.event("order.paid");
    kept.tenant = "careful".parse().unwrap();
    let kept = f.to(kept, &[1], Start::Claimed);
    let (kept_event, kept_claim) = (kept.event.id, claimed(&kept));
    f.store.append(f.batch(vec![kept])).await.unwrap();
    f.store.complete(f.delivered(&kept_claim)).await.unwrap();
    let year = TenantProfile { retention: Retention::Year, ..TenantProfile::new("careful".parse().unwrap(), f.now) };
    f.store.save_tenant(&year).await.unwrap();

    f.advance(days(29));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap(), 0);
    f.advance(days(2));
    assert!(f.store.purge(f.now, 1000).await.unwrap() > 0);
    assert_eq!(f.store.event(None, old.event.id).await.unwrap(), None);
    assert_eq!(f.store.delivery(None, old.id).await.unwrap(), None);
    assert!(f.store.attempts(old.id).await.unwrap().is_empty());
    assert_eq!(f.store.fixed(old.id).await.unwrap(), None);
    assert!(f.store.event(None, kept_event).await.unwrap().is_some(), "its tenant keeps a year");
    assert!(f.store.delivery(None, kept_claim.id).await.unwrap().is_some());
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap(), 0);
}

pub(crate) async fn what_still_waits_when_its_event_expires_ends_visibly_first(mut f: Fixture) {
    let waiting = f.accepted(Start::Waiting).await;
    let held = f.accepted(Start::Claimed).await;
    f.advance(days(31));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap(), 1);
    let delivery = f.store.delivery(None, waiting.id).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Cancelled, Some("expired")));
    f.advance(days(1).saturating_sub(hours(1)));
    assert_eq!(f.store.purge(f.now, 1000).await.unwrap(), 0, "it is shown for a day");
    f.advance(hours(2));
    assert!(f.store.purge(f.now, 1000).await.unwrap() > 0);
    assert_eq!(f.store.delivery(None, waiting.id).await.unwrap(), None);

    assert!(f.store.event(None, held.event.id).await.unwrap().is_some(), "somebody works on it");
    assert!(f.store.complete(f.delivered(&held)).await.unwrap());
    assert!(f.store.purge(f.now, 1000).await.unwrap() > 0);
    assert_eq!(f.store.event(None, held.event.id).await.unwrap(), None);
}

pub(crate) async fn purging_goes_in_steps_of_a_bounded_number_of_rows(mut f: Fixture) {
    let new = f.to(f.event("order.paid"), &[1; 40], Start::Waiting);
    let event = new.event.id;
    f.store.append(f.batch(vec![new])).await.unwrap();
    for _ in 0..10 {
        let claimed = f.accepted(Start::Claimed).await;
        f.store.complete(f.delivered(&claimed)).await.unwrap();
    }
    f.store.cancel_pending(1.into(), "deleted", f.now, 1000).await.unwrap();
    f.advance(days(60));
    let mut steps = Vec::new();
    loop {
        let step = f.store.purge(f.now, 20).await.unwrap();
        if step == 0 {
            break;
        }
        steps.push(step);
    }
    assert!(steps.iter().all(|step| *step <= 24), "{steps:?}");
    assert!(steps.len() >= 5, "{steps:?}");
    assert_eq!(f.store.event(None, event).await.unwrap(), None);
    assert!(f.store.delete_tenant(&Tenant::default_tenant()).await.is_ok());
}
