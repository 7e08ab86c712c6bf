//! Stopping: what is under way ends, what isn't begins after the next start.

use std::collections::HashSet;

use serde_json::json;

use crate::world::{World, seconds, sent_header};

#[tokio::test]
async fn a_gentle_stop_ends_what_is_under_way_and_loses_and_repeats_nothing() {
    let mut world = World::start().await;
    world.webhook("shop").subscribe("*").await;
    let running = world.deliver.start().await.unwrap();
    world.sinks.hang("shop.example", true);
    for order in 0..30 {
        world.publish("order.paid", json!(order)).await;
    }
    world.sinks.wait_for("shop.example", 1).await;

    let mut drain = Box::pin(running.drain(seconds(30)));
    tokio::select! {
        biased;
        left = &mut drain => panic!("it didn't wait: {left} were under way"),
        () = std::future::ready(()) => {}
    }
    let begun = world.sinks.received("shop.example").len();
    world.sinks.hang("shop.example", false);
    assert_eq!(drain.await, 0, "all that was under way has ended");
    assert_eq!(world.sinks.received("shop.example").len(), begun, "nothing was begun meanwhile");
    assert!(begun < 30);

    world.restart().await;
    world.run_due().await;
    let requests = world.sinks.received("shop.example");
    let distinct: HashSet<_> = requests.iter().map(|request| sent_header(request, "webhook-id")).collect();
    assert_eq!((distinct.len(), requests.len()), (30, 30));
}

#[tokio::test]
async fn in_the_background_a_retry_is_made_when_it_is_due() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([seconds(60)]).answering([500]).await;
    let running = world.deliver.start().await.unwrap();
    world.publish("order.paid", json!({})).await;
    world.until_recorded(1).await;
    world.advance(seconds(60));
    world.sinks.wait_for(&shop.host, 2).await;
    assert_eq!(running.drain(seconds(30)).await, 0);
    let told = world.history().await;
    assert!(told.starts_with("order.paid -> shop: delivered"), "{told}");
}
