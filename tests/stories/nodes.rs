//! Several nodes on one database: whose turn it is, and what becomes of what a dead one had in hand.

use serde_json::json;
use waxwing::store::Pulse;

use crate::world::{World, days, minutes};

async fn publish(world: &World, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        world.publish("order.paid", json!(number)).await;
        // Identifiers tell the order of acceptance to the millisecond.
        world.advance(std::time::Duration::from_millis(1));
    }
}

/// What the receiver got, by its data.
fn sent(bodies: &[String]) -> Vec<String> {
    let data = |body: &String| body.split(r#""data":"#).nth(1).unwrap().trim_end_matches('}').to_owned();
    bodies.iter().map(data).collect()
}

#[tokio::test]
async fn the_order_of_a_webhook_holds_over_two_nodes_and_a_failing_first_delivery() {
    let one = World::start().await;
    let shop = one.webhook("shop").subscribe("*").in_order().retry([minutes(5)]).answering([500]).await;
    let other = one.beside().await;
    publish(&one, 1..=3).await;
    publish(&other, 4..=5).await;
    other.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1"], "it took all of them, and stopped at the failure");
    publish(&one, 6..=6).await;
    one.run_due().await;
    one.advance(minutes(5));
    one.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1", "1"], "the retry is anybody's, what comes after it is the other's");
    other.run_due().await;
    one.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1", "1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn the_order_of_a_webhook_holds_when_the_node_that_had_them_dies() {
    let one = World::start().await;
    let shop = one.webhook("shop").subscribe("*").in_order().retry([minutes(5)]).answering([500]).await;
    let other = one.beside().await;
    publish(&one, 1..=4).await;
    one.run_due().await;
    one.is_taken_for_dead().await;
    let pulse = other.store.pulse(one.clock_now()).await.unwrap();
    assert_eq!(pulse, Pulse { rejoined: false, freed: 3, delivering: 1 });
    other.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1"], "the retry isn't due, and nothing goes before it");
    other.advance(minutes(5)).run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_node_that_stood_still_lets_go_of_what_others_took_over() {
    let one = World::start().await;
    let shop = one.webhook("shop").subscribe("*").await;
    let other = one.beside().await;
    publish(&one, 1..=3).await;
    one.is_taken_for_dead().await;
    assert_eq!(other.store.pulse(one.clock_now()).await.unwrap().freed, 3);
    // It went on and took something before it heard.
    publish(&one, 4..=4).await;
    other.run_due().await;
    let pulse = one.store.pulse(one.clock_now()).await.unwrap();
    assert!(pulse.rejoined, "{pulse:?}");
    one.deliver.let_go().await;
    one.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1", "2", "3", "4"], "each once: {}", one.history().await);
    assert_eq!(one.store.depth().await.unwrap().claimed, 0, "nothing is left in a hand that forgot it");
}

#[tokio::test]
async fn nodes_share_a_webhooks_rate() {
    let one = World::start().await;
    let shop = one.webhook("shop").subscribe("*").at_most(10).await;
    one.deliver.share_rates(4);
    for number in 0..20 {
        one.publish("order.paid", json!(number)).await;
    }
    one.run_due().await;
    assert_eq!(shop.bodies().len(), 2, "a quarter of ten a second");
    one.deliver.share_rates(1000);
    one.advance(minutes(1)).run_due().await;
    assert_eq!(shop.bodies().len(), 3, "one a second, however many share it");
}

#[tokio::test]
async fn a_node_whose_clock_jumps_keeps_its_lease_and_takes_nothing_before_its_time() {
    let one = World::start().await;
    let shop = one.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500, 200]).await;
    let other = one.beside().await;
    let alive = Pulse { rejoined: false, freed: 0, delivering: 2 };
    for node in [&one, &other] {
        node.deliver.share_rates(2);
        node.run_due().await;
    }
    publish(&one, 1..=1).await;
    one.run_due().await;
    for (jump, back) in [(days(1), false), (days(1) + minutes(60), true)] {
        if back {
            one.clock.set_back(jump)
        } else {
            one.clock.set_forward(jump)
        }
        for node in [&one, &other] {
            assert_eq!(node.store.pulse(node.clock_now()).await.unwrap(), alive, "leases run by the database's clock");
            node.run_due().await;
        }
        assert_eq!(shop.received().len(), 1, "the others' clocks may be right");
    }
    one.advance(minutes(65));
    other.run_due().await;
    assert_eq!(sent(&shop.bodies()), ["1", "1"]);
}
