//! `/api/deliveries`.

use serde_json::json;

use crate::world::{World, pointers};

#[tokio::test]
async fn a_delivery_carries_its_attempts_with_all_that_was_said() {
    let world = World::start().await;
    world.webhook(&["*"]).await;
    world.sink.answers(&[503]);
    let event = world.publish("order.paid", json!({ "n": 1 })).await;
    world.deliver().await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/api/deliveries/{id}")).await.ok();
    assert_eq!(
        (&shown["status"], &shown["attemptCount"], &shown["statusCode"]),
        (&json!("pending"), &json!(1), &json!(503))
    );
    let attempt = &shown["attempts"][0];
    assert_eq!(attempt["outcome"]["kind"], json!("rejected"));
    assert_eq!((&attempt["reason"], &attempt["trigger"]), (&json!("answered 503"), &json!("automatic")));
    assert_eq!((&attempt["response"]["status"], &attempt["response"]["body"]), (&json!(503), &json!("seen")));
    assert!(
        attempt["timings"]["total"].is_u64() && attempt["nextAt"].is_string() && attempt["retryReason"].is_string()
    );
    assert!(!attempt["request"]["url"].as_str().unwrap().contains("secret-path"), "{attempt:#}");
    world.get("/api/deliveries/delivery_0000000000000").await.refused(404, "not-found");
}

#[tokio::test]
async fn the_log_is_filtered_by_everything_it_can_be() {
    let world = World::start().await;
    let webhook = world.webhook(&["order.*"]).await;
    world.sink.answers(&[200, 404]);
    let good = world.publish("order.paid", json!({})).await;
    world.deliver().await;
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    let count =
        async |query: &str| world.get(&format!("/api/deliveries?{query}")).await.ok()["data"].as_array().unwrap().len();
    assert_eq!(count("").await, 2);
    assert_eq!(count(&format!("webhook={webhook}")).await, 2);
    assert_eq!(count(&format!("event={good}")).await, 1);
    assert_eq!(count("type=order.lost").await, 1);
    assert_eq!(count("status=delivered").await, 1);
    assert_eq!(count("httpClass=4").await, 1);
    assert_eq!(count("environment=staging").await, 0);
    assert_eq!(count("since=2100-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2100-01-01T00:00:00Z&tenant=default").await, 2);
    let misspelt = world.get("/api/deliveries?webhok=x").await;
    assert_eq!(pointers(&misspelt.refused(422, "unknown-parameter")), ["?webhok"]);
    let bad = world.get("/api/deliveries?httpClass=6").await;
    assert_eq!(pointers(&bad.refused(422, "out-of-bounds")), ["?httpClass"]);
    let bad = world.get("/api/deliveries?limit=many").await;
    assert_eq!(pointers(&bad.refused(422, "invalid-parameter")), ["?limit"]);
}

#[tokio::test]
async fn a_retry_is_the_same_delivery_and_a_replay_is_a_new_one() {
    let world = World::start().await;
    world.webhook(&["*"]).await;
    world.sink.answers(&[500, 500]);
    let event = world.publish("order.paid", json!({})).await;
    world.deliver().await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    assert_eq!(world.post(&format!("/api/deliveries/{id}/retry"), json!({})).await.status, 202);
    world.deliver().await;
    let retried = world.get(&format!("/api/deliveries/{id}")).await.ok();
    assert_eq!((&retried["attemptCount"], &retried["attempts"][1]["trigger"]), (&json!(2), &json!("manual")));
    let replayed = world.post(&format!("/api/deliveries/{id}/replay"), json!({})).await;
    assert_eq!((replayed.status, &replayed.body["replayOf"]), (202, &json!(id)));
    world.deliver().await;
    let new = world.get(&format!("/api/deliveries/{}", replayed.body["id"].as_str().unwrap())).await.ok();
    assert_eq!((&new["status"], &new["eventId"]), (&json!("delivered"), &json!(event)));
    let bodies: Vec<String> = world.sink.requests().into_iter().map(|(_, body)| body).collect();
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn many_are_counted_first_and_then_replayed() {
    let world = World::start().await;
    world.webhook_with(json!({ "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[500, 500, 200]);
    for _ in 0..3 {
        world.publish("order.paid", json!({})).await;
        world.deliver().await;
    }
    let filter = |dry_run: bool| json!({ "status": "failed", "dryRun": dry_run });
    let counted = world.post("/api/deliveries/replay", filter(true)).await.ok();
    assert_eq!(counted, json!({ "count": 2, "skipped": 0, "more": false }));
    assert_eq!(world.sink.requests().len(), 3);
    assert_eq!(world.post("/api/deliveries/replay", filter(false)).await.ok()["count"], json!(2));
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 5);
    let unknown = world.post("/api/deliveries/replay", json!({ "statuss": "failed" })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-field")), ["/statuss"]);
}

#[tokio::test]
async fn a_rerun_makes_the_same_bytes_again_and_sends_nothing() {
    let world = World::start().await;
    let chain = json!([{ "plugin": "redact", "settings": { "remove": ["/card"] } }]);
    world.webhook_with(json!({ "events": ["*"], "plugins": chain })).await;
    let event = world.publish("order.paid", json!({ "card": "4111", "n": 1 })).await;
    world.deliver().await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let rerun = world.post(&format!("/api/deliveries/{id}/rerun"), json!({})).await.ok();
    assert_eq!(rerun["same"], json!(true), "{rerun:#}");
    let sent = world.sink.requests().remove(0).1;
    assert!(sent.ends_with(r#""data":{"n":1}}"#), "{sent}");
    assert!(rerun["now"]["request"]["body"].as_str().unwrap().ends_with(r#""data":{"n":1}}"#));
    assert_eq!(world.sink.requests().len(), 1);
    let unknown = world.post(&format!("/api/deliveries/{id}/rerun"), json!({ "plugins": ["slack"] })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-plugin")), ["/plugins/0"]);
}

#[tokio::test]
async fn the_body_is_shown_as_it_is_sent_and_what_the_chain_made_of_the_data() {
    let world = World::start().await;
    let redact = json!({ "plugin": "redact", "settings": { "remove": ["/card"] } });
    let keygen =
        json!({ "events": ["*"], "format": "keygen", "formatOptions": { "account": "acme" }, "plugins": [redact] });
    world.webhook_with(keygen).await;
    let event = world.publish("order.paid", json!({ "card": "4111", "n": 1 })).await;
    let path = format!("/api/deliveries/{}/body", world.delivery_of(&event).await["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.ok(), json!({ "body": null, "bodyEncoding": null, "changed": null }));
    world.deliver().await;
    let shown = world.get(&path).await.ok();
    assert_eq!(shown["body"], json!(world.sink.requests()[0].1));
    assert_eq!((&shown["bodyEncoding"], &shown["changed"]), (&json!("text"), &json!("{\"n\":1}")));
    assert!(shown["body"].as_str().unwrap().contains("secret-path"));
    let viewer = world.token("viewer", None).await;
    let masked = world.send(world.request(reqwest::Method::GET, &path).bearer_auth(viewer)).await.ok();
    assert!(masked["body"].as_str().unwrap().contains("acme") && !masked["body"].as_str().unwrap().contains("secret"));
    world.get("/api/deliveries/delivery_0000000000000/body").await.refused(404, "not-found");
}
