//! The machine's clock is set, forward or back, while everything goes on: what was to be waited for is waited for, once, and nothing is
//! taken for old because a clock says so for a while.

use expect_test::expect;
use serde_json::json;
use waxwing::model::ids::EventId;
use waxwing::model::webhook::Status;

use crate::world::{World, days, hours, minutes, seconds};

#[tokio::test]
async fn a_retry_waits_as_long_as_it_was_to_wait_whatever_the_clock_does() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5), minutes(30)]).answering([500, 500, 200]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;

    world.clock.set_forward(days(1));
    world.run_due().await;
    assert_eq!(shop.received().len(), 1, "it isn't brought forward");
    world.advance(minutes(5)).run_due().await;
    assert_eq!(shop.received().len(), 2, "and not put off");

    world.clock.set_back(days(1) + hours(1));
    world.run_due().await;
    world.advance(minutes(29)).run_due().await;
    assert_eq!(shop.received().len(), 2);
    world.advance(minutes(1)).run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  500  again in 5m
          2  500  again in 30m
          3  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn what_was_put_off_by_a_clock_that_was_years_ahead_comes_when_it_is_right_again() {
    let mut world = World::start().await;
    world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500, 200]).await;
    world.clock.set_forward(days(3650));
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    // Nobody is there who sees it jump back.
    world.clock.set_back(days(3650));
    world.restart().await;
    world.run_due().await;
    world.run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  500  again in 5m
          2  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn after_a_jump_back_a_limited_rate_and_a_backlog_go_on() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").at_most(2).await;
    for number in 0..6 {
        world.publish("order.paid", json!(number)).await;
    }
    world.run_due().await;
    let before = shop.received().len();
    assert!(before < 6, "the rate holds them back");
    world.clock.set_back(days(1));
    for _ in 0..6 {
        world.advance(seconds(1)).run_due().await;
    }
    assert_eq!(shop.received().len(), 6, "nobody waits for a time that comes in a day");
}

#[tokio::test]
async fn nothing_expires_and_nobody_is_disabled_because_the_clock_was_ahead_for_a_while() {
    let world = World::start().await;
    world.webhook("shop").subscribe("order.*").await;
    let down =
        world.webhook("down").subscribe("user.*").retry([minutes(5), minutes(5)]).answering([500, 500, 500]).await;
    let kept = world.publish("order.paid", json!({})).await;
    world.publish("user.created", json!({})).await;
    world.run_due().await;

    world.clock.set_forward(days(400));
    for _ in 0..3 {
        world.advance(minutes(5)).run_due().await;
    }
    world.clock.set_back(days(400));
    world.advance(minutes(5)).run_due().await;
    assert!(world.store.event(None, kept).await.unwrap().is_some());
    expect![[r#"
        order.paid -> shop: delivered
          1  200
        user.created -> down: failed (500; no attempt is left after 3)
          1  500  again in 5m
          2  500  again in 5m
          3  500
    "#]]
    .assert_eq(&world.history().await);
    assert_eq!(down.webhook().revision.status, Status::Active);
}

#[tokio::test]
async fn a_clock_that_stays_ahead_is_believed_after_a_day() {
    let world = World::start().await;
    world.webhook("shop").subscribe("*").await;
    let old = world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.clock.set_forward(days(40));
    world.run_due().await;
    world.advance(hours(23)).run_due().await;
    assert!(world.store.event(None, old).await.unwrap().is_some());
    world.advance(hours(2)).run_due().await;
    assert_eq!(world.store.event(None, old).await.unwrap(), None);
}

#[tokio::test]
async fn ids_are_unique_and_in_order_through_every_jump() {
    let world = World::start().await;
    world.webhook("shop").subscribe("*").await;
    let mut events: Vec<EventId> = Vec::new();
    let jumps: [fn(&World); 4] = [
        |_| (),
        |world| world.clock.set_forward(days(1)),
        |world| world.clock.set_back(days(1) + hours(1)),
        |world| world.clock.set_forward(days(36_500)),
    ];
    for jump in jumps {
        jump(&world);
        for number in 0..3 {
            events.push(world.publish("order.paid", json!(number)).await);
        }
        world.run_due().await;
    }
    assert!(events.is_sorted_by(|one, next| one < next), "{events:?}");
    assert_eq!(world.deliveries().await.len(), events.len());
}
