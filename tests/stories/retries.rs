//! Trying again: when, how often, and when not.

use expect_test::expect;
use serde_json::json;

use crate::world::{Answer, World, hours, minutes, seconds};

#[tokio::test]
async fn a_failing_webhook_recovers_on_the_third_attempt() {
    let world = World::start().await;
    let shop =
        world.webhook("shop").subscribe("order.paid").retry([minutes(5), minutes(30)]).answering([500, 503, 200]).await;

    let event = world.publish("order.paid", json!({ "order": 7 })).await;
    world.run_due().await;
    world.advance(minutes(5)).run_due().await;
    world.advance(minutes(30)).run_due().await;

    shop.assert_all_signed_with(event);
    expect![[r#"
        order.paid -> shop: delivered
          1  500  again in 5m
          2  503  again in 30m
          3  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_due_and_the_last_attempt_fails_the_delivery() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500, 500]).await;

    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(5).saturating_sub(seconds(1))).run_due().await;
    assert_eq!(shop.received().len(), 1);
    world.advance(seconds(1)).run_due().await;
    world.advance(hours(100)).run_due().await;

    expect![[r#"
        order.paid -> shop: failed (500; no attempt is left after 2)
          1  500  again in 5m
          2  500
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn a_receiver_can_put_a_retry_off_but_not_bring_it_forward() {
    let world = World::start().await;
    let later = || Answer::from(429).with("retry-after", "3600");
    let sooner = || Answer::from(503).with("retry-after", "1");
    world.webhook("shop").subscribe("*").retry([minutes(5), minutes(5)]).answering([later(), sooner()]).await;

    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(hours(1)).run_due().await;
    world.advance(minutes(5)).run_due().await;

    expect![[r#"
        order.paid -> shop: delivered
          1  429  again in 1h
          2  503  again in 5m
          3  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn no_answer_is_a_failure_like_any_other() {
    let world = World::start().await;
    world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([Answer::Timeout]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(5)).run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  timeout  again in 5m
          2  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn a_manual_attempt_that_fails_is_not_followed_by_others() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500, 500, 500, 200]).await;
    let event = world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(5)).run_due().await;

    let failed = world.deliveries().await[0].id;
    world.deliver.retry(failed).await.unwrap();
    world.run_due().await;
    world.advance(hours(48)).run_due().await;
    expect![[r#"
        order.paid -> shop: failed (500; a manual attempt is not followed by others)
          1  500  again in 5m
          2  500
          3  500  by hand
    "#]]
    .assert_eq(&world.history().await);

    world.deliver.retry(failed).await.unwrap();
    world.run_due().await;
    shop.assert_all_signed_with(event);
    assert!(world.history().await.starts_with("order.paid -> shop: delivered\n"));
}

#[tokio::test]
async fn a_retry_is_the_same_delivery_and_a_replay_is_a_new_one_of_the_same_event() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").answering([500, 200, 200]).await;
    let event = world.publish("order.paid", json!({ "order": 7 })).await;
    world.run_due().await;
    let first = world.deliveries().await[0].id;
    world.deliver.retry(first).await.unwrap();
    world.run_due().await;
    world.replay(first).await;
    world.advance(seconds(1)).run_due().await;

    shop.assert_all_signed_with(event);
    let bodies = shop.bodies();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let told: Vec<_> =
        world.deliveries().await.into_iter().map(|delivery| (delivery.replay_of, delivery.attempts)).collect();
    assert_eq!(told, [(None, 2), (Some(first), 1)]);
}
