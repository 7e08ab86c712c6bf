//! `/api/events`.

use reqwest::Method;
use serde_json::json;

use crate::world::{ADMIN, World, pointers};

#[tokio::test]
async fn an_event_is_accepted_listed_and_shown_byte_for_byte() {
    let world = World::start().await;
    world.webhook(&["order.*"]).await;
    let request =
        world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("content-type", "application/json");
    let accepted = world.send(request.body(r#"{"event":"order.paid","data":{"b":1.50,  "a":1e3},"id":"mine"}"#)).await;
    assert_eq!((accepted.status, &accepted.body["deliveries"]), (202, &json!(1)));
    let id = accepted.body["id"].as_str().unwrap();
    let raw = world
        .request(Method::GET, &format!("/api/events/{id}"))
        .bearer_auth(ADMIN)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(raw.contains(r#""data":{"b":1.50,  "a":1e3}"#), "{raw}");
    let listed = world.get("/api/events?type=order.paid&externalId=mine").await.ok();
    assert_eq!(listed["data"][0]["id"], json!(id));
    assert_eq!(world.get("/api/events?type=order.unpaid").await.ok()["data"], json!([]));
    world.get("/api/events/evt_0000000000000").await.refused(404, "not-found");
    world.get("/api/events/nonsense").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_batch_is_accepted_whole_or_refused_whole() {
    let world = World::start().await;
    let good = world.post("/api/events", json!([{ "type": "a", "data": 1 }, { "type": "b", "data": 2 }])).await;
    assert_eq!((good.status, good.body["events"].as_array().unwrap().len()), (202, 2));
    let bad = world
        .post("/api/events", json!([{ "type": "a", "data": 1 }, { "type": "..", "data": 2 }, { "data": 3 }]))
        .await;
    assert_eq!(pointers(&bad.refused(422, "invalid-event")), ["/1/type", "/2/type"]);
    assert_eq!(world.get("/api/events").await.ok()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_brings_the_first_answer_back_and_another_body_is_refused() {
    let world = World::start().await;
    let post = |body: &'static str| {
        let request = world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("idempotency-key", "k-1");
        request.header("content-type", "application/json").body(body)
    };
    let first = world.send(post(r#"{"type":"a","data":1}"#)).await;
    let again = world.send(post(r#"{"type":"a","data":1}"#)).await;
    assert_eq!((first.status, again.status, &first.body), (202, 202, &again.body));
    world.send(post(r#"{"type":"a","data":2}"#)).await.refused(422, "idempotency-key-reused");
    assert_eq!(world.get("/api/events").await.ok()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_of_ones_own_is_taken_once() {
    let world = World::start().await;
    let first = world.post("/api/events", json!({ "type": "a", "data": 1, "id": "x" })).await.ok();
    let again = world.post("/api/events", json!({ "type": "a", "data": 1, "id": "x" })).await.ok();
    assert_eq!(first, again);
    world.post("/api/events", json!({ "type": "a", "data": 2, "id": "x" })).await.refused(422, "id-reused");
}

#[tokio::test]
async fn a_cloud_event_is_accepted_in_all_three_shapes() {
    let world = World::start().await;
    let event = |id: &str| json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "order.paid", "data": { "n": 1 } });
    let post =
        |kind: &'static str| world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("content-type", kind);
    let structured = post("application/cloudevents+json").body(event("1").to_string());
    let batch = post("application/cloudevents-batch+json").body(json!([event("2"), event("3")]).to_string());
    let binary =
        post("application/json").header("ce-specversion", "1.0").header("ce-id", "4").header("ce-source", "/shop");
    let binary = binary.header("ce-type", "order.paid").body(r#"{"n":1}"#);
    for request in [structured, batch, binary] {
        let accepted = world.send(request).await;
        assert_eq!(accepted.status, 202, "{:#}", accepted.body);
    }
    let listed = world.get("/api/events?type=order.paid").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn explain_tells_of_each_webhook_as_it_was_then() {
    let world = World::start().await;
    let matched = world.webhook_with(json!({ "events": ["order.*"], "name": "matched" })).await;
    world.webhook_with(json!({ "events": ["user.*"], "name": "other type" })).await;
    world.webhook_with(json!({ "events": ["*"], "environment": "staging", "name": "other environment" })).await;
    world.webhook_with(json!({ "events": ["*"], "isActive": false, "name": "disabled" })).await;
    let event = world.publish("order.paid", json!({})).await;
    world.deliver().await;
    let id = matched["id"].as_str().unwrap();
    world.patch(&format!("/api/webhooks/{id}"), json!({ "events": ["user.*"] })).await.ok();
    world.webhook_with(json!({ "events": ["*"], "name": "made later" })).await;
    let told = world.get(&format!("/api/events/{event}/explain")).await.ok();
    let mut codes: Vec<(&str, &str)> = told["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    assert_eq!(codes.remove(0), ("matched", "matched"));
    codes.sort_unstable();
    assert_eq!(
        codes,
        [("disabled", "disabled"), ("other environment", "other-environment"), ("other type", "not-subscribed")]
    );
    assert_eq!(told["webhooks"][0]["deliveries"][0]["status"], json!("delivered"));
    assert_eq!(told["webhooks"][0]["revision"]["events"], json!(["order.*"]));
}
