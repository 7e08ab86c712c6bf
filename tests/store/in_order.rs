//! Where the order of a webhook's deliveries counts, over several nodes on one PostgreSQL.

use waxwing::model::ids::WebhookId;
use waxwing::store::{Queue, Start};

use crate::fixture::{Fixture, minutes};
use crate::samples::ids;

const WEBHOOK: u64 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_at_a_time_has_them_in_hand() {
    let f = Fixture::postgres().await;
    let webhook = WebhookId::from(WEBHOOK);
    let mut accepted = Vec::new();
    for _ in 0..4 {
        accepted.push(f.accepted_for(WEBHOOK, Start::Waiting).await.id);
    }
    let other = f.another_node().await;
    let mine = f.store.claim_in_order(webhook, 2).await.unwrap().unwrap();
    assert_eq!(ids(&mine), accepted[..2]);
    assert!(other.claim_in_order(webhook, 9).await.unwrap().is_none(), "it is not its turn");
    for claimed in &mine {
        assert!(f.store.complete(f.delivered(claimed)).await.unwrap());
    }
    let theirs = other.claim_in_order(webhook, 9).await.unwrap().unwrap();
    assert_eq!(ids(&theirs), accepted[2..]);
    assert!(f.store.claim_in_order(webhook, 9).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_ask_at_once_one_gets_them() {
    let f = Fixture::postgres().await;
    let other = f.another_node().await;
    for round in 1..=20 {
        let webhook = WebhookId::from(round);
        let first = f.accepted_for(round, Start::Waiting).await.id;
        f.accepted_for(round, Start::Waiting).await;
        let (mine, theirs) = tokio::join!(f.store.claim_in_order(webhook, 1), other.claim_in_order(webhook, 1));
        let taken: Vec<_> = [mine.unwrap(), theirs.unwrap()].into_iter().flatten().map(|got| ids(&got)).collect();
        assert_eq!(taken, [vec![first]], "one of them, and only the first");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_in_another_nodes_hands_holds_them_up() {
    let f = Fixture::postgres().await;
    let webhook = WebhookId::from(WEBHOOK);
    for _ in 0..2 {
        f.accepted_for(WEBHOOK, Start::Waiting).await;
    }
    let first = f.store.claim_in_order(webhook, 1).await.unwrap().unwrap().pop().unwrap();
    f.store.complete(f.again(&first, f.now.plus(minutes(1)))).await.unwrap();
    let other = f.another_node().await;
    let retried = other.claim_due(f.now.plus(minutes(1)), 9).await.unwrap().pop().unwrap();
    assert!(f.store.claim_in_order(webhook, 9).await.unwrap().is_none());
    assert!(other.complete(f.delivered(&retried)).await.unwrap());
    assert_eq!(f.store.claim_in_order(webhook, 9).await.unwrap().unwrap().len(), 1);
}
