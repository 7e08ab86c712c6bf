//! What plugins may decide, and what becomes of a delivery when they fail.

use bytes::Bytes;
use expect_test::expect;
use serde_json::json;
use waxwing::model::attempt::Judgement;
use waxwing::model::fault::FaultKind;
use waxwing::model::plugin::{Classifies, OnError, Stage};
use waxwing::model::request::RequestDraft;
use waxwing::model::secret::Secret;
use waxwing::model::webhook::{DisabledReason, Status};
use waxwing::transform::Verdict;

use crate::world::{World, header, minutes, placeholder_in, send, sent_header};

#[tokio::test]
async fn a_guests_fault_ends_the_delivery_and_a_manual_retry_runs_the_mended_chain() {
    let world = World::start().await;
    let broken = world.plugins.add("broken", |_| Err(FaultKind::Trap { message: "unreachable".into() }));
    let mended = world.plugins.add("mended", |_| Ok(Verdict::Pass));
    let shop = world.webhook("shop").subscribe("*").through(&broken).retry([minutes(5)]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(60)).run_due().await;
    assert!(shop.received().is_empty());

    shop.edit(|_, revision| revision.chain = vec![mended]).await;
    world.deliver.retry(world.deliveries().await[0].id).await.unwrap();
    world.run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  plugin broken@1.0.0: trapped: unreachable
          2  200  by hand
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn a_hosts_fault_is_retried_by_the_policy() {
    let world = World::start().await;
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let busy = world.plugins.add("busy", move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Err(FaultKind::Host { message: "no slot".into() }),
        _ => Ok(Verdict::Pass),
    });
    world.webhook("shop").subscribe("*").through(&busy).retry([minutes(5)]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(5)).run_due().await;
    expect![[r#"
        order.paid -> shop: delivered
          1  plugin busy@1.0.0: could not be run (not its fault): no slot  again in 5m
          2  200
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn skip_passes_on_what_the_failing_stage_was_given_and_nothing_earlier() {
    let world = World::start().await;
    let redact = world.plugins.add("redact", |_| Ok(Verdict::Replace(Bytes::from_static(br#"{"name":"***"}"#))));
    let mut flaky = world.plugins.add("flaky", |_| Err(FaultKind::Failure { message: "not today".into() }));
    flaky.on_error = OnError::Skip;
    let shop = world.webhook("shop").subscribe("*").through(&redact).through(&flaky).await;
    world.publish("user.created", json!({ "name": "Ada" })).await;
    world.run_due().await;
    assert!(shop.bodies()[0].ends_with(r#""data":{"name":"***"}}"#), "{:?}", shop.bodies());
}

#[tokio::test]
async fn a_drop_is_an_end_of_its_own() {
    let world = World::start().await;
    let small = world.plugins.add("only-big", |_| Ok(Verdict::Drop("small order".into())));
    let shop = world.webhook("shop").subscribe("*").through(&small).retry([minutes(5)]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    assert!(shop.received().is_empty());
    expect![[r#"
        order.paid -> shop: dropped (dropped by only-big@1.0.0: small order)
          1  dropped
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn what_replaces_json_must_be_json() {
    let world = World::start().await;
    let breaker = world.plugins.add("breaker", |_| Ok(Verdict::Replace(Bytes::from_static(b"{\"a\":"))));
    let shop = world.webhook("shop").subscribe("*").through(&breaker).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    assert!(shop.received().is_empty());
    let told = world.history().await;
    assert!(told.contains("isn't JSON"), "{told}");
}

#[tokio::test]
async fn the_plugin_that_drafted_the_request_judges_the_reply() {
    let world = World::start().await;
    let chat = world.plugins.add("chat", |_| Ok(send("{}")));
    let strict = world.plugins.judging(chat, |reply| {
        let gone = || Judgement::DisableWebhook { reason: "no_service".into() };
        let later = || Judgement::Retry { after_ms: Some(600_000) };
        Ok(match reply.status {
            207 => Some(later()),
            404 => Some(gone()),
            _ => None,
        })
    });
    let shop = world.webhook("shop").subscribe("*").through(&strict).retry([minutes(5)]).answering([207, 404]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    world.advance(minutes(10)).run_due().await;
    assert_eq!(shop.webhook().revision.status, Status::Disabled(DisabledReason::Gone));
    expect![[r#"
        order.paid -> shop: failed (404: no_service)
          1  207  again in 10m
          2  404
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn a_plugin_that_judges_only_failures_is_not_asked_about_a_success() {
    let world = World::start().await;
    let chat = world.plugins.add("chat", |_| Ok(send("{}")));
    let judge = world.plugins.judging(chat, |_| Ok(Some(Judgement::Fail { reason: "asked".into() })));
    let relaxed = Stage { classifies: Classifies::Failures, ..judge };
    world.webhook("shop").subscribe("*").through(&relaxed).answering([204, 500]).await;
    for _ in 0..2 {
        world.publish("order.paid", json!({})).await;
        world.run_due().await;
    }
    expect![[r#"
        order.paid -> shop: delivered
          1  204
        order.paid -> shop: failed (500: asked)
          1  500
    "#]]
    .assert_eq(&world.history().await);
}

#[tokio::test]
async fn a_fault_in_classify_falls_back_to_the_status_and_is_logged() {
    let world = World::start().await;
    let chat = world.plugins.add("chat", |_| Ok(send("{}")));
    let faulty = world.plugins.judging(chat, |_| Err(FaultKind::Trap { message: "oh".into() }));
    world.webhook("shop").subscribe("*").through(&faulty).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    let delivery = &world.deliveries().await[0];
    let attempt = &world.store.attempts(delivery.id).await.unwrap()[0];
    assert_eq!(delivery.status.as_str(), "delivered");
    assert_eq!(attempt.stages.len(), 2, "the chain's run, and the fault of its classify");
}

#[tokio::test]
async fn a_secret_is_filled_in_on_the_wire_and_nowhere_else() {
    let world = World::start().await;
    let mut crm = world.plugins.add("crm", |input| {
        let Verdict::Send(draft) = send("{}") else { unreachable!() };
        let token = format!("Bearer {}", placeholder_in(input.settings, "token"));
        Ok(Verdict::Send(RequestDraft { headers: vec![header("authorization", &token)], ..draft }))
    });
    crm.secrets.insert("/token".into(), Secret::new("hunter2-hunter2"));
    let echo = crate::world::Answer::from(200).with("x-echo", "you said Bearer hunter2-hunter2");
    let shop = world.webhook("shop").subscribe("*").through(&crm).answering([echo]).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;

    assert_eq!(sent_header(&shop.received()[0], "authorization"), "Bearer hunter2-hunter2");
    let attempt = &world.store.attempts(world.deliveries().await[0].id).await.unwrap()[0];
    assert!(!format!("{attempt:?}").contains("hunter2"), "{attempt:?}");
}

#[tokio::test]
async fn a_test_ignores_status_and_subscription_and_counts_nowhere() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("order.*").answering([410]).await;
    shop.set(Status::Paused).await;
    let event = world.event("user.created", json!({ "id": 1 }));
    let tested = world.deliver.test(&shop.webhook(), event).await.unwrap();
    assert_eq!(tested.attempt.response.unwrap().status, 410);
    assert_eq!(shop.webhook().revision.status, Status::Paused, "a test disables nothing");
    assert_eq!(world.store.health(shop.id).await.unwrap().consecutive_failures, 0);
    assert!(world.deliveries().await[0].test);
}

#[tokio::test]
async fn a_preview_shows_the_signed_request_with_placeholders_and_sends_nothing() {
    let world = World::start().await;
    let mut crm = world
        .plugins
        .add("crm", |input| Ok(send(format!(r#"{{"key":"{}"}}"#, placeholder_in(input.settings, "token")))));
    crm.secrets.insert("/token".into(), Secret::new("hunter2-hunter2"));
    let shop = world.webhook("shop").subscribe("*").through(&crm).await;
    let webhook = shop.webhook();
    let preview = world.deliver.preview(&webhook, &webhook.revision, &world.event("order.paid", json!({}))).await;
    let waxwing::deliver::PreviewEnd::Request { sent, body } = preview.end else { panic!("{preview:?}") };
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.starts_with(r#"{"key":"wxs_"#) && !body.contains("hunter2"), "{body}");
    assert!(sent.headers.iter().any(|header| &*header.name == "webhook-signature"));
    assert!(shop.received().is_empty() && world.deliveries().await.is_empty());
}
