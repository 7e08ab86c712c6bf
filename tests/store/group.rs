//! Stories of the group commit: many callers share a transaction, and none suffers for another.

use std::sync::Arc;

use waxwing::store::{Appended, NewEvent, Start, Store, StoreError};

use crate::fixture::Fixture;
use crate::samples::claimed;

pub(crate) async fn one_bad_batch_does_not_hurt_its_group(f: Fixture) {
    let taken = f.to(f.event("order.paid"), &[1], Start::Claimed);
    f.store.append(f.batch(vec![taken.clone()])).await.unwrap();

    // One of thirty that are handed in together bears an id that is taken, which no caller of ours would do.
    let mut batches: Vec<NewEvent> = (0..30).map(|_| f.to(f.event("order.paid"), &[1], Start::Claimed)).collect();
    batches[17] = taken.clone();
    let good: Vec<_> = batches.iter().map(|new| new.event.id).collect();
    let mut callers = tokio::task::JoinSet::new();
    for (index, new) in batches.into_iter().enumerate() {
        let (store, batch): (Arc<dyn Store>, _) = (Arc::clone(&f.store), f.batch(vec![new]));
        callers.spawn(async move { (index, store.append(batch).await) });
    }
    for (index, answer) in callers.join_all().await {
        match answer {
            Ok(answer) => assert!(index != 17 && answer == Appended::Stored, "{index}: {answer:?}"),
            Err(error) => assert!(index == 17 && matches!(error, StoreError::Conflict { .. }), "{index}: {error}"),
        }
    }
    for event in good {
        assert!(f.store.event(None, event).await.unwrap().is_some());
    }
    assert_eq!(f.store.depth().await.unwrap().claimed, 30);
}

pub(crate) async fn of_a_batch_that_fails_nothing_is_written(f: Fixture) {
    let taken = f.to(f.event("order.paid"), &[1], Start::Claimed);
    f.store.append(f.batch(vec![taken.clone()])).await.unwrap();
    let fresh = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let fresh_id = fresh.event.id;
    f.store.append(f.batch(vec![fresh, taken])).await.unwrap_err();
    assert_eq!(f.store.event(None, fresh_id).await.unwrap(), None);
    assert_eq!(
        f.store.append(f.batch(vec![f.to(f.event("a"), &[1], Start::Claimed)])).await.unwrap(),
        Appended::Stored
    );
}

pub(crate) async fn appends_and_completions_of_many_callers_all_come_true(f: Fixture) {
    let mut callers = tokio::task::JoinSet::new();
    let f = Arc::new(f);
    for _ in 0..200 {
        let f = Arc::clone(&f);
        callers.spawn(async move {
            let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
            let in_hand = claimed(&new);
            assert_eq!(f.store.append(f.batch(vec![new])).await.unwrap(), Appended::Stored);
            assert!(f.store.complete(f.delivered(&in_hand)).await.unwrap());
            in_hand.id
        });
    }
    for id in callers.join_all().await {
        assert_eq!(f.store.attempts(id).await.unwrap().len(), 1);
    }
    assert_eq!(f.store.depth().await.unwrap().claimed, 0);
}
