//! Several nodes on one database: what two of them are posted at once, who has what in hand, and how they hear of each other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use waxwing::model::delivery::DeliveryStatus;
use waxwing::model::ids::DeliveryId;
use waxwing::store::postgres::PostgresStore;
use waxwing::store::{Appended, Events, NewBatch, News, Nodes, Pulse, Queue, Start, Store, StoreError};

use crate::append;
use crate::fixture::{Fixture, hours};
use crate::postgres::count;
use crate::samples::{claimed, ids};

async fn expire(f: &Fixture, node: &PostgresStore) {
    let number = i16::try_from(node.number()).unwrap();
    let expire =
        sqlx::query("UPDATE nodes SET expires_at = now() - INTERVAL '1 second' WHERE number = $1").bind(number);
    assert_eq!(expire.execute(&mut f.database().connect().await).await.unwrap().rows_affected(), 1);
}

fn keyed(f: &Fixture, key: &str, answer: &str) -> NewBatch {
    append::keyed(f, key, [1; 32], answer)
}

fn named(f: &Fixture, ids: &[&str]) -> NewBatch {
    let event = |id: &&str| {
        let mut event = f.event("order.paid");
        event.external_id = Some((*id).into());
        f.to(event, &[1], Start::Claimed)
    };
    f.batch(ids.iter().map(event).collect())
}

story!(two_nodes_share_a_queue_and_never_claim_the_same_row, f, {
    let new: Vec<_> = (0..120).map(|_| f.to(f.event("order.paid"), &[1], Start::Scheduled(f.now))).collect();
    let all: HashSet<DeliveryId> = new.iter().map(|new| new.deliveries[0].id).collect();
    f.store.append(f.batch(new)).await.unwrap();
    let other: Arc<dyn Store> = f.another_node().await;
    let mut nodes = tokio::task::JoinSet::new();
    for store in [Arc::clone(&f.store), other] {
        let now = f.now;
        nodes.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let claimed = store.claim_due(now, 7).await.unwrap();
                if claimed.is_empty() {
                    return (taken, store);
                }
                taken.extend(ids(&claimed));
            }
        });
    }
    let taken: Vec<_> = nodes.join_all().await;
    let each: Vec<DeliveryId> = taken.iter().flat_map(|(ids, _)| ids.iter().copied()).collect();
    assert_eq!(each.len(), all.len(), "none was taken twice");
    assert_eq!(each.into_iter().collect::<HashSet<_>>(), all);
});

story!(of_two_nodes_that_are_posted_the_same_key_at_once_one_writes, f, {
    let other = f.another_node().await;
    for round in 0..20 {
        let key = format!("key {round}");
        let (mine, theirs) = (keyed(&f, &key, "mine"), keyed(&f, &key, "theirs"));
        let (left, right) = tokio::join!(f.store.append(mine), other.append(theirs));
        let answers = (left.unwrap(), right.unwrap());
        let mine_first = (Appended::Stored, Appended::Repeat { answer: "mine".into() });
        let theirs_first = (Appended::Repeat { answer: "theirs".into() }, Appended::Stored);
        assert!(answers == mine_first || answers == theirs_first, "{answers:?}");
    }
    assert_eq!(count(&f, "SELECT count(*) FROM events").await, 20);
    assert_eq!(count(&f, "SELECT count(*) FROM queue").await, 20);
    f.advance(hours(25));
    let (left, right) = tokio::join!(f.store.append(keyed(&f, "key 1", "a")), other.append(keyed(&f, "key 1", "b")));
    let stored = [left.unwrap(), right.unwrap()].into_iter().filter(|answer| *answer == Appended::Stored).count();
    assert_eq!(stored, 1, "one that has expired is taken once, too");
});

story!(of_two_nodes_that_are_posted_the_same_ids_at_once_one_writes, f, {
    let other = f.another_node().await;
    for round in 0..20 {
        let ids = [format!("a{round}"), format!("b{round}"), format!("c{round}")];
        let mut names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mine = named(&f, &names);
        names.reverse();
        let theirs = named(&f, &names);
        // In opposite order, and yet nobody waits for the other in a circle.
        let (left, right) = tokio::join!(f.store.append(mine), other.append(theirs));
        match (left.unwrap(), right.unwrap()) {
            (Appended::Stored, Appended::ExternalIds { seen, same: true })
            | (Appended::ExternalIds { seen, same: true }, Appended::Stored) => assert_eq!(seen.len(), 3),
            odd => panic!("{odd:?}"),
        }
    }
    assert_eq!(count(&f, "SELECT count(*) FROM events").await, 60);
});

story!(what_is_refused_leaves_nothing_behind, f, {
    assert_eq!(f.store.append(named(&f, &["known"])).await.unwrap(), Appended::Stored);
    let claim = keyed(&f, "key", "never given").idempotency;
    let refused = NewBatch { idempotency: claim.clone(), ..named(&f, &["fresh", "known"]) };
    // Another that waits beside it is written: the group isn't rolled back.
    let (answer, beside) = tokio::join!(f.store.append(refused), f.store.append(named(&f, &["beside"])));
    assert!(matches!(answer.unwrap(), Appended::ExternalIds { .. }));
    assert_eq!(beside.unwrap(), Appended::Stored);
    assert_eq!(count(&f, "SELECT count(*) FROM idempotency_keys").await, 0);
    assert_eq!(count(&f, "SELECT count(*) FROM external_ids").await, 2);
    let now = NewBatch { idempotency: claim, ..named(&f, &["fresh"]) };
    assert_eq!(f.store.append(now).await.unwrap(), Appended::Stored);
});

story!(a_dead_nodes_rows_come_back_and_its_late_completion_changes_nothing, f, {
    let dead = f.another_node().await;
    let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let held = claimed(&new);
    dead.append(f.batch(vec![new])).await.unwrap();
    let alive = Pulse { rejoined: false, freed: 0, delivering: 2 };
    assert_eq!(f.store.pulse(f.now).await.unwrap(), alive, "its lease holds");
    expire(&f, &dead).await;
    assert_eq!(f.store.pulse(f.now).await.unwrap(), Pulse { rejoined: false, freed: 1, delivering: 1 });
    let again = f.store.claim_due(f.now, 9).await.unwrap();
    assert_eq!((ids(&again), again[0].fence), (vec![held.id], 2));

    assert!(!dead.complete(f.failed(&held)).await.unwrap());
    assert!(f.store.complete(f.delivered(&again[0])).await.unwrap());
    assert_eq!(f.store.delivery(None, held.id).await.unwrap().unwrap().status, DeliveryStatus::Delivered);
    assert_eq!(f.store.attempts(held.id).await.unwrap().len(), 2, "both tries were real");
    assert_eq!(f.store.health(held.webhook).await.unwrap().consecutive_failures, 0);
});

story!(a_node_that_was_taken_for_dead_joins_anew_and_says_so_once, f, {
    let sleeper = f.another_node().await;
    let number = sleeper.number();
    expire(&f, &sleeper).await;
    assert_eq!(f.store.recover(f.now).await.unwrap(), 0);

    // What it accepts now is in its hands, under its new name.
    let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let held = claimed(&new);
    assert_eq!(sleeper.append(f.batch(vec![new])).await.unwrap(), Appended::Stored);
    assert_ne!(sleeper.number(), number);
    assert!(sleeper.complete(f.again(&held, f.now)).await.unwrap());
    assert_eq!(ids(&sleeper.claim_due(f.now, 9).await.unwrap()), [held.id]);
    assert!(sleeper.pulse(f.now).await.unwrap().rejoined);
    assert!(!sleeper.pulse(f.now).await.unwrap().rejoined, "once");
    assert_eq!(count(&f, "SELECT count(*) FROM nodes").await, 2);
});

story!(after_the_database_stood_still_nobody_is_buried_at_once, f, {
    let other = f.another_node().await;
    let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    other.append(f.batch(vec![new])).await.unwrap();
    sqlx::query("UPDATE nodes SET expires_at = now() - INTERVAL '1 minute'")
        .execute(&mut f.database().connect().await)
        .await
        .unwrap();
    assert_eq!(f.store.pulse(f.now).await.unwrap().freed, 0, "its own lease ran out too");
    assert!(!other.pulse(f.now).await.unwrap().rejoined, "it came back in time");
    assert_eq!(f.store.pulse(f.now).await.unwrap(), Pulse { rejoined: false, freed: 0, delivering: 2 });
});

story!(a_node_that_leaves_hands_over_at_once, f, {
    let leaver = f.another_node().await;
    let new = f.to(f.event("order.paid"), &[1], Start::Claimed);
    let held = claimed(&new);
    leaver.append(f.batch(vec![new])).await.unwrap();
    leaver.leave(f.now).await.unwrap();
    leaver.leave(f.now).await.unwrap();
    assert_eq!(ids(&f.store.claim_due(f.now, 9).await.unwrap()), [held.id]);
    let refused = leaver.append(f.batch(vec![f.to(f.event("a"), &[1], Start::Claimed)])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
});

story!(numbers_are_given_in_turn_and_to_one_node_at_a_time, f, {
    let second = f.another_node().await;
    assert_eq!((f.store.number(), second.number()), (0, 1));
    second.close().await;
    let third = f.another_node().await;
    assert_eq!(third.number(), 2, "not one that was just in use");
    let last = "UPDATE counters SET value = 1022 WHERE name = 'number'";
    sqlx::query(last).execute(&mut f.database().connect().await).await.unwrap();
    let (fourth, fifth) = (f.another_node().await, f.another_node().await);
    assert_eq!((fourth.number(), fifth.number()), (1023, 1), "and from the beginning again, where it is free");
});

/// Half a minute means that they won't come.
const LONG: Duration = Duration::from_secs(30);

async fn until(node: &PostgresStore, wanted: News) {
    let heard = async { while node.news().await != wanted {} };
    tokio::time::timeout(LONG, heard).await.unwrap();
}

story!(a_node_says_when_it_leaves_work_and_when_it_changes_something, f, {
    let pool = sqlx::PgPool::connect(&f.database().url()).await.unwrap();
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen("waxwing").await.unwrap();
    f.accepted(Start::Claimed).await;
    f.accepted(Start::Waiting).await;
    let said = listener.recv().await.unwrap();
    assert!(said.payload().starts_with("work:"), "{said:?}");
    f.store.save_webhook(&f.webhook("shop"), None, None).await.unwrap();
    let said = listener.recv().await.unwrap();
    assert!(said.payload().starts_with("configuration:") && said.payload().ends_with(":1"), "{said:?}");
    assert!(listener.next_buffered().is_none(), "nothing was said of what is in hand");
});

story!(a_node_hears_what_another_says, f, {
    let other = f.another_node().await;
    // Said again until it listens; the counter stays as it is, so that it can't be seen otherwise.
    let say = async {
        let mut admin = f.database().connect().await;
        loop {
            sqlx::query("SELECT pg_notify('waxwing', 'configuration:somebody:0')").execute(&mut admin).await.unwrap();
        }
    };
    tokio::select! {
        () = until(&other, News::Configuration) => {}
        () = say => {}
    }
    f.accepted(Start::Waiting).await;
    until(&other, News::Work).await;
});

story!(changes_are_heard_of_without_a_notification_too, f, {
    let other = f.another_node().await;
    let silently = "UPDATE counters SET value = value + 1 WHERE name = 'configuration'";
    sqlx::query(silently).execute(&mut f.database().connect().await).await.unwrap();
    until(&other, News::Configuration).await;
    f.database().throws_everybody_out().await;
    // Nobody listened for a moment: there may be work.
    until(&other, News::Work).await;
});
