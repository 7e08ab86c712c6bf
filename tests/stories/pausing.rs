//! Paused holds, disabled cancels, deleted cancels; all of it visibly.

use expect_test::expect;
use serde_json::json;
use waxwing::model::name::Tenant;
use waxwing::model::tenant::TenantProfile;
use waxwing::model::webhook::{DisabledReason, Status};

use crate::world::{World, minutes};

#[tokio::test]
async fn what_came_while_paused_is_released_in_order() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").in_order().await;
    shop.set(Status::Paused).await;
    for order in 1..=30 {
        world.publish("order.paid", json!({ "order": order })).await;
    }
    world.run_due().await;
    assert!(shop.received().is_empty());
    assert!(world.deliveries().await.iter().all(|delivery| delivery.next_at.is_none()));

    shop.set(Status::Active).await;
    world.run_due().await;
    let expected: Vec<_> = (1..=30).map(|order| format!(r#""data":{{"order":{order}}}}}"#)).collect();
    let bodies = shop.bodies();
    assert_eq!(bodies.len(), expected.len());
    assert!(bodies.iter().zip(&expected).all(|(body, end)| body.ends_with(end.as_str())), "{bodies:#?}");
}

#[tokio::test]
async fn what_was_in_memory_when_the_webhook_was_paused_is_held_too() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").await;
    world.publish("order.paid", json!({})).await;
    shop.set(Status::Paused).await;
    world.run_due().await;
    expect![[r#"
        order.paid -> shop: pending, waiting
    "#]]
    .assert_eq(&world.history().await);
    shop.set(Status::Active).await;
    world.run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn disabling_cancels_what_is_pending_and_enabling_brings_nothing_back() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.publish("order.sent", json!({})).await;
    shop.set(Status::Disabled(DisabledReason::User)).await;
    world.publish("order.lost", json!({})).await;
    world.run_due().await;
    shop.set(Status::Active).await;
    world.advance(minutes(60)).run_due().await;
    expect![[r#"
        order.paid -> shop: cancelled (the webhook is disabled (user))
          1  500  again in 5m
        order.sent -> shop: cancelled (the webhook is disabled (user))
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn deleting_cancels_what_is_pending_and_the_log_stays() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.publish("order.sent", json!({})).await;
    assert!(world.store.delete_webhook(shop.id, waxwing::clock::Clock::now(&*world.clock)).await.unwrap());
    world.directory.remove(shop.id);
    world.deliver.webhook_changed(shop.id).await.unwrap();
    world.run_due().await;
    expect![[r#"
        order.paid -> (deleted): cancelled (the webhook was deleted)
          1  500  again in 5m
        order.sent -> (deleted): cancelled (the webhook was deleted)
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn in_order_means_that_a_failing_one_holds_up_those_behind_it_over_a_restart_too() {
    let mut world = World::start().await;
    let shop =
        world.webhook("shop").subscribe("*").in_order().retry([minutes(5), minutes(5)]).answering([500, 500]).await;
    let host = shop.host.clone();
    for order in 1..=3 {
        world.publish("order.paid", json!(order)).await;
    }
    world.run_due().await;
    world.advance(minutes(5)).run_due().await;
    assert_eq!(world.sinks.received(&host).len(), 2, "only the first was tried");

    world.restart().await;
    world.run_due().await;
    assert_eq!(world.sinks.received(&host).len(), 2, "the restart lets nobody pass");
    world.advance(minutes(5)).run_due().await;
    let told: Vec<_> =
        world.sinks.received(&host).iter().map(|request| request.body.to_bytes().last_chunk::<2>().copied()).collect();
    assert_eq!(told, [*b"1}", *b"1}", *b"1}", *b"2}", *b"3}"].map(Some));
}

#[tokio::test]
async fn a_paused_webhook_holds_as_many_as_its_tenant_may_and_cancels_the_newest_beyond() {
    let world = World::start().await;
    let now = waxwing::clock::Clock::now(&*world.clock);
    let tenant = TenantProfile { max_held: 2, ..TenantProfile::new(Tenant::default_tenant(), now) };
    world.store.save_tenant(&tenant).await.unwrap();
    let shop = world.webhook("shop").subscribe("*").await;
    shop.set(Status::Paused).await;
    for name in ["order.first", "order.second", "order.third"] {
        world.publish(name, json!({})).await;
    }
    world.run_due().await;
    expect![[r#"
        order.first -> shop: pending, waiting
        order.second -> shop: pending, waiting
        order.third -> shop: cancelled (the webhook is paused and holds its 2 deliveries already)
    "#]]
    .assert_eq(&world.history().await);
}
