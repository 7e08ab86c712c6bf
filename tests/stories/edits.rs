//! Which configuration a delivery uses when the webhook is edited while it is pending.

use bytes::Bytes;
use expect_test::expect;
use serde_json::json;
use waxwing::model::secret::{Secret, SigningSecret};
use waxwing::model::webhook::{FormatName, SecretUrl, Status};
use waxwing::route::{Past, Why, explain};
use waxwing::transform::Verdict;

use crate::world::{World, minutes, send};

#[tokio::test]
async fn body_format_and_chain_are_those_of_the_first_attempt_and_the_rest_is_as_it_is_now() {
    let world = World::start().await;
    let old = world.plugins.add("shout", |_| Ok(Verdict::Replace(Bytes::from_static(br#"{"by":"old"}"#))));
    let new = world.plugins.add("shout-2", |_| Ok(Verdict::Replace(Bytes::from_static(br#"{"by":"new"}"#))));
    let shop = world.webhook("shop").subscribe("*").through(&old).retry([minutes(5)]).answering([500]).await;
    let event = world.publish("order.paid", json!({})).await;
    world.run_due().await;

    shop.edit(|current, revision| {
        current.url = SecretUrl::new("https://moved.example/other".parse().unwrap());
        current.secrets = vec![crate::world::secret("another")];
        revision.chain = vec![new.clone()];
        revision.format.name = FormatName::Github;
    })
    .await;
    world.publish("order.sent", json!({})).await;
    world.advance(minutes(5)).run_due().await;

    assert_eq!(shop.received().len(), 1, "nothing more goes to the old address");
    let moved = world.sinks.received("moved.example");
    let bodies: Vec<_> =
        moved.iter().map(|request| String::from_utf8(request.body.to_bytes().to_vec()).unwrap()).collect();
    assert!(bodies.contains(&shop.bodies()[0]), "the retry sends the very bytes of the first attempt: {bodies:?}");
    assert!(bodies.contains(&r#"{"by":"new"}"#.to_owned()), "the later event goes the new way: {bodies:?}");
    assert_eq!((world.plugins.runs(&old), world.plugins.runs(&new)), (1, 1), "a chain runs once a delivery");

    let retried =
        moved.iter().find(|request| request.headers.iter().any(|header| &*header.name == "webhook-id")).unwrap();
    let key = standardwebhooks::Webhook::new(shop.webhook().current.secrets[0].secret.expose()).unwrap();
    let timestamp = crate::world::sent_header(retried, "webhook-timestamp").parse().unwrap();
    let expected = key.sign(&event.to_string(), timestamp, &retried.body.to_bytes()).unwrap();
    assert_eq!(crate::world::sent_header(retried, "webhook-signature"), expected, "signed with the new secret");
}

#[tokio::test]
async fn explain_tells_an_event_before_the_edit_as_it_was_then() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("order.*").await;
    let before = world.publish("order.paid", json!({})).await;
    world.advance(minutes(1));
    shop.edit(|_, revision| {
        let pattern = "user.*".parse().unwrap();
        revision.subscription = waxwing::model::name::Subscription::new(vec![pattern]).unwrap();
    })
    .await;
    let after = world.publish("order.paid", json!({})).await;

    let revisions = world.store.revisions(shop.id).await.unwrap();
    let past = Past { revisions: &revisions, deleted_at: None };
    let (before, after) =
        (world.store.event(None, before).await.unwrap(), world.store.event(None, after).await.unwrap());
    assert_eq!(explain(past, &before.unwrap()), Some(Why::Matched { held: false }));
    let why = explain(past, &after.unwrap()).unwrap();
    expect!["it was subscribed to user.* only"].assert_eq(&why.to_string());
}

#[tokio::test]
async fn a_drafted_request_is_sent_again_as_it_was_to_the_new_address_with_the_new_headers() {
    let world = World::start().await;
    let formatter = world.plugins.add("chat", |input| Ok(send(input.data.clone())));
    let shop = world.webhook("shop").subscribe("*").through(&formatter).retry([minutes(5)]).answering([503]).await;
    world.publish("order.paid", json!({ "text": "hello" })).await;
    world.run_due().await;
    shop.edit(|current, revision| {
        current.headers = vec![crate::world::header("x-shop", "7")];
        revision.chain.clear();
    })
    .await;
    world.advance(minutes(5)).run_due().await;

    assert_eq!(shop.bodies(), [r#"{"text":"hello"}"#; 2]);
    assert_eq!(crate::world::sent_header(&shop.received()[1], "x-shop"), "7");
    assert_eq!(world.plugins.runs(&formatter), 1);
}

#[tokio::test]
async fn a_body_that_names_the_address_keeps_naming_the_one_of_the_first_attempt() {
    let world = World::start().await;
    let shop = world.webhook("shop").subscribe("*").retry([minutes(5)]).answering([500]).await;
    shop.edit(|current, revision| {
        (revision.format.name, revision.format.options.account) = (FormatName::Keygen, Some("acme".into()));
        let secret = Secret::new("whsk_TEQ8MhaFHuIDf2gbDaOk8aOjtEPrCO9aXc0uxS1mx6M=");
        current.secrets = vec![SigningSecret { secret, until: None }];
    })
    .await;
    world.publish("license.created", json!({})).await;
    world.run_due().await;
    shop.edit(|current, _| current.url = SecretUrl::new("https://moved.example/other".parse().unwrap())).await;
    world.publish("license.created", json!({})).await;
    world.advance(minutes(5)).run_due().await;

    let endpoint = |body: &[u8]| {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        body["data"]["attributes"]["endpoint"].as_str().unwrap().to_owned()
    };
    let (first, moved) = (shop.received().remove(0), world.sinks.received("moved.example"));
    let bodies: Vec<Bytes> = moved.iter().map(|request| request.body.to_bytes()).collect();
    assert_eq!(endpoint(&first.body.to_bytes()), "https://shop.example/hook");
    assert_eq!(bodies.len(), 2);
    assert!(bodies.contains(&first.body.to_bytes()), "the retry sends the very bytes of the first attempt");
    assert!(
        bodies.iter().any(|body| endpoint(body) == "https://moved.example/other"),
        "a later delivery names the new one"
    );
}

#[tokio::test]
async fn what_was_held_before_its_first_attempt_goes_out_as_everything_is_now() {
    let world = World::start().await;
    let old = world.plugins.add("old", |_| Ok(Verdict::Replace(Bytes::from_static(br#"{"by":"old"}"#))));
    let new = world.plugins.add("new", |_| Ok(Verdict::Replace(Bytes::from_static(br#"{"by":"new"}"#))));
    let shop = world.webhook("shop").subscribe("*").through(&old).await;
    shop.set(Status::Paused).await;
    world.publish("order.paid", json!({})).await;
    world.run_due().await;
    shop.edit(|current, revision| {
        current.url = SecretUrl::new("https://moved.example/other".parse().unwrap());
        (revision.chain, revision.format.name) = (vec![new.clone()], FormatName::Github);
    })
    .await;
    shop.set(Status::Active).await;
    world.run_due().await;

    assert!(shop.received().is_empty());
    let moved = world.sinks.received("moved.example");
    assert_eq!(moved[0].body.to_bytes(), r#"{"by":"new"}"#);
    assert!(moved[0].headers.iter().any(|header| &*header.name == "x-hub-signature-256"));
    assert_eq!(world.deliveries().await[0].revision, Some(shop.webhook().revision.id));
    assert_eq!((world.plugins.runs(&old), world.plugins.runs(&new)), (0, 1));
}
