//! Retention at work beside everything else.

use serde_json::json;

use crate::world::{FailingStore, Moment, World, days, seconds};

#[tokio::test]
async fn while_what_has_expired_is_deleted_everything_else_goes_on() {
    let mut stands = None;
    let world = World::start_with(|store| {
        let store = FailingStore::new(store, Moment::Before);
        store.never_ends_to_purge();
        stands = Some(store.clone());
        store
    })
    .await;
    let shop = world.webhook("shop").subscribe("*").retry([seconds(60)]).answering([500]).await;
    let running = world.deliver.start().await.unwrap();
    stands.unwrap().until_it_purges().await;
    world.publish("order.paid", json!({})).await;
    world.until_recorded(1).await;
    world.advance(seconds(60));
    world.sinks.wait_for(&shop.host, 2).await;
    assert_eq!(running.drain(seconds(30)).await, 0, "and a stop doesn't wait for it");
    let told = world.history().await;
    assert!(told.starts_with("order.paid -> shop: delivered"), "{told}");
}

#[tokio::test]
async fn what_has_expired_is_gone_after_a_while_however_much_it_was() {
    let world = World::start().await;
    world.webhook("shop").subscribe("*").await;
    for number in 0..400 {
        world.publish("order.paid", json!(number)).await;
    }
    world.run_due().await;
    assert_eq!(world.deliveries().await.len(), 250, "a page of them");
    world.advance(days(33)).run_due().await;
    assert_eq!(world.deliveries().await, []);
}
