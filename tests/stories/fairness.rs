//! One slow or greedy webhook holds nobody up.

use std::sync::Arc;

use serde_json::json;
use waxwing::deliver::Limits;

use crate::world::{Answer, World, seconds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_never_answer_do_not_hold_up_the_others() {
    let world = World::start().await;
    let hosts: Vec<_> = (0..5).map(|index| format!("dead{index}.example")).collect();
    for index in 0..5 {
        world.webhook(&format!("dead{index}")).subscribe("*").await;
    }
    hosts.iter().for_each(|host| world.sinks.hang(host, true));
    world.webhook("healthy").subscribe("*").await;
    for order in 0..200 {
        world.publish("order.paid", json!(order)).await;
    }

    let deliver = Arc::clone(&world.deliver);
    let running = tokio::spawn(async move { deliver.run_due().await });
    world.sinks.wait_for("healthy.example", 200).await;
    for host in &hosts {
        assert!(world.sinks.received(host).len() <= 16, "{host} holds more than its cap");
    }
    hosts.iter().for_each(|host| world.sinks.hang(host, false));
    running.await.unwrap().unwrap();
    for host in &hosts {
        assert_eq!(world.sinks.received(host).len(), 200, "{host} got all of it in the end");
    }
}

#[tokio::test]
async fn what_a_silent_receiver_cannot_take_waits_in_the_database() {
    let world = World::start().await;
    let dead = world.webhook("dead").subscribe("*").retry([seconds(60)]).answering(vec![Answer::Timeout; 500]).await;
    for order in 0..40 {
        world.publish("order.paid", json!(order)).await;
    }
    world.run_due().await;
    for order in 0..40 {
        world.publish("order.paid", json!(order)).await;
    }
    let depth = world.store.depth().await.unwrap();
    assert!(depth.waiting >= 30, "{depth:?}: only a few may be in memory");
    world.run_due().await;
    assert_eq!(dead.received().len(), 80, "each of them gets its attempt all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_while_memory_is_full_is_taken_as_soon_as_there_is_room() {
    let world = World::limited(Limits { rows: 20, ..Limits::default() }).await;
    let shop = world.webhook("shop").subscribe("*").retry([seconds(60)]).answering(vec![500; 400]).await;
    for order in 0..400 {
        world.publish("order.paid", json!(order)).await;
    }
    world.run_due().await;
    assert_eq!(world.store.depth().await.unwrap().scheduled, 400);
    world.advance(seconds(60));
    // Nobody looks on their behalf: the background goes on by itself, with a clock that stands still.
    let running = world.deliver.start().await.unwrap();
    world.sinks.wait_for(&shop.host, 800).await;
    assert_eq!(running.drain(seconds(30)).await, 0);
    assert_eq!(world.store.depth().await.unwrap().scheduled, 0);
}

#[tokio::test]
async fn what_waits_is_taken_as_far_as_there_is_room_for_its_data() {
    let world = World::limited(Limits { bytes: 8 * 1024, ..Limits::default() }).await;
    let shops = [world.webhook("one").subscribe("*").await, world.webhook("two").subscribe("*").await];
    for order in 0..40 {
        let note = "x".repeat(if order == 20 { 20_000 } else { 1000 });
        world.publish("order.paid", json!({ "order": order, "note": note })).await;
    }
    let waiting = world.store.depth().await.unwrap().waiting;
    assert!(waiting > 60, "{waiting} of 80 wait: there is room for 8");
    world.run_due().await;
    assert_eq!(shops.map(|shop| shop.received().len()), [40, 40]);
    assert_eq!(world.store.depth().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_rate_limit_spreads_deliveries_over_time() {
    let world = World::start().await;
    let slow = world.webhook("slow").subscribe("*").at_most(2).await;
    for order in 0..6 {
        world.publish("order.paid", json!(order)).await;
    }
    let mut counts = Vec::new();
    for _ in 0..4 {
        world.run_due().await;
        counts.push(slow.received().len());
        world.advance(seconds(1));
    }
    assert_eq!(counts, [2, 4, 6, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_webhook_never_has_more_under_way_than_the_server_allows() {
    for per_webhook in [1, 2, 40] {
        let world = World::limited(Limits { per_webhook, ..Limits::default() }).await;
        let shop = world.webhook("shop").subscribe("order.*").await;
        world.webhook("other").subscribe("user.*").await;
        // By answering, a receiver wins as many places as it may have.
        world.sinks.hang_after(&shop.host, 100);
        for order in 0..200 {
            world.publish("order.paid", json!(order)).await;
        }
        world.publish("user.created", json!({})).await;
        let deliver = Arc::clone(&world.deliver);
        let running = tokio::spawn(async move { deliver.run_due().await });
        world.sinks.wait_for(&shop.host, 100 + per_webhook).await;
        world.sinks.wait_for("other.example", 1).await;
        assert_eq!(shop.received().len(), 100 + per_webhook);
        world.sinks.hang(&shop.host, false);
        running.await.unwrap().unwrap();
        assert_eq!(shop.received().len(), 200);
    }
}
