//! Receivers that are gone are disabled, and the operator hears of it.

use expect_test::expect;
use serde_json::json;
use waxwing::deliver::OPERATOR;
use waxwing::model::webhook::{DisabledReason, Status};

use crate::world::{World, days, hours};

#[tokio::test]
async fn a_receiver_that_says_410_is_disabled_at_once_and_the_operator_is_told() {
    let world = World::start().await;
    let operator = world.webhook("operator").of(OPERATOR).subscribe("waxwing.*").await;
    let shop = world.webhook("shop").subscribe("*").retry([hours(1)]).answering([500, 410]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.publish("order.sent", json!({})).await;
    world.run_due().await;

    assert_eq!(shop.webhook().revision.status, Status::Disabled(DisabledReason::Gone));
    expect![[r#"
        order.paid -> shop: cancelled (the webhook is disabled (gone))
          1  500  again in 1h
        order.sent -> shop: failed (410: the receiver is gone)
          1  410
        waxwing.webhook.disabled -> operator: delivered
          1  200
    "#]]
    .assert_eq(&world.history().await);
    let told = &operator.bodies()[0];
    assert!(told.contains(r#""disabledReason":"gone""#) && told.contains(&shop.id.to_string()), "{told}");
    assert!(!told.contains("/hook"), "the URL is a secret: {told}");
}

#[tokio::test]
async fn five_days_without_a_success_disable_and_one_success_starts_them_anew() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").answering([500, 500, 200, 500, 500, 500]).await;
    for (wait, disabled) in [(0, false), (4, false), (0, false), (1, false), (4, false), (1, true)] {
        world.advance(days(wait));
        world.publish("order.paid", json!({})).await;
        world.run_due().await;
        let status = shop.webhook().revision.status;
        assert_eq!(status == Status::Disabled(DisabledReason::Failing), disabled, "{status:?} after {wait} days more");
    }
    let saved = world.store.webhooks().await.unwrap();
    assert_eq!(saved[0].revision.status, Status::Disabled(DisabledReason::Failing));
}
