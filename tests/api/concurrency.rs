//! Several at work on one webhook: nobody undoes what another did without having seen it.

use serde_json::{Value, json};

use crate::world::{World, pointers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_rotations_at_the_same_time_all_hold() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let rotate = async || {
        let rotated = world.post(&format!("{path}/rotate-secret"), json!({ "overlapSeconds": 3600 })).await;
        rotated.ok()["secret"].as_str().unwrap().to_owned()
    };
    let edit = async |change: Value| world.patch(&path, change).await.ok();
    let (first, _, second, _, _) = tokio::join!(
        rotate(),
        edit(json!({ "name": "renamed" })),
        rotate(),
        edit(json!({ "headers": { "x-key": "abc" } })),
        edit(json!({ "timeoutSeconds": 33 })),
    );
    let now = world.get(&path).await.ok();
    assert_eq!(
        (&now["name"], &now["headers"], &now["timeoutSeconds"]),
        (&json!("renamed"), &json!({ "x-key": "abc" }), &json!(33))
    );
    assert_eq!(now["signingSecrets"], json!(3), "the old one, and both new ones");
    assert_eq!(world.get(&format!("{path}/revisions")).await.ok()["data"].as_array().unwrap().len(), 6);

    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    let (headers, body) = world.sink.requests().remove(0);
    let header = |name: &str| headers[name].to_str().unwrap();
    for secret in [first, second] {
        let key = standardwebhooks::Webhook::new(&secret).unwrap();
        let timestamp = header("webhook-timestamp").parse().unwrap();
        let expected = key.sign(header("webhook-id"), timestamp, body.as_bytes()).unwrap();
        assert!(header("webhook-signature").split(' ').any(|signature| signature == expected));
    }
}

#[tokio::test]
async fn a_change_that_was_meant_for_an_older_state_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let seen = world.get(&path).await.ok()["revision"].clone();
    world.post(&format!("{path}/rotate-secret"), json!({ "revision": seen })).await.ok();
    let before = world.get(&path).await.ok();
    assert_ne!(before["revision"], seen, "a rotation is a change like any other");

    let late = world.patch(&path, json!({ "revision": seen, "headers": {}, "name": "late" })).await;
    let told = late.refused(409, "conflict");
    assert!(told["detail"].as_str().unwrap().contains("load it again"), "{told:#}");
    let late = world.post(&format!("{path}/rotate-secret"), json!({ "revision": seen })).await;
    late.refused(409, "conflict");
    assert_eq!(world.get(&path).await.ok(), before);

    let current = before["revision"].clone();
    assert_eq!(world.patch(&path, json!({ "revision": current, "name": "now" })).await.ok()["name"], json!("now"));
    let bad = world.patch(&path, json!({ "revision": "yesterday's" })).await;
    assert_eq!(pointers(&bad.refused(422, "invalid-value")), ["/revision"]);
    let new = json!({ "url": "https://example.com", "events": ["*"], "revision": current });
    assert_eq!(pointers(&world.post("/api/webhooks", new).await.refused(422, "not-changeable")), ["/revision"]);
}
