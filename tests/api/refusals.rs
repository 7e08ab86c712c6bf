//! Bad input: each kind gets its own code and place, and nothing is left half-written.

use reqwest::Method;
use serde_json::json;

use crate::world::{ADMIN, World, pointers};

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_when_to_come_again_and_reading_goes_on() {
    let world = World::start().await;
    let room = world.app.services().room();
    let all = room.take(usize::MAX / 2).unwrap();
    let event = json!({ "type": "order.paid", "data": {} });
    let webhook = json!({ "url": world.sink.url(), "events": ["*"] });
    for (path, body) in [("/api/events", &event), ("/api/webhooks", &webhook)] {
        let problem = world.post(path, body.clone()).await.refused(429, "busy");
        assert_eq!(problem["retryAfter"], 1);
    }
    assert_eq!(world.get("/api/events").await.ok()["data"], json!([]));
    drop(all);
    world.post("/api/webhooks", webhook).await.ok();
    assert_eq!(world.post("/api/events", event).await.ok()["deliveries"], 1);
    assert!(room.take(usize::MAX / 2).is_ok(), "every place was given back");
}

#[tokio::test]
async fn what_is_not_json_or_too_deep_or_too_large_is_told_apart() {
    let world = World::start().await;
    let post = |path: &str, body: String| {
        world.request(Method::POST, path).bearer_auth(ADMIN).header("content-type", "application/json").body(body)
    };
    for path in ["/api/events", "/api/webhooks"] {
        world.send(post(path, "{\"url\":".into())).await.refused(400, "not-json");
        let deep =
            format!("{{\"plugins\":[{{\"plugin\":\"x\",\"settings\":{}1{}}}]}}", "[".repeat(300), "]".repeat(300));
        let deep_event = format!("{{\"type\":\"a\",\"data\":{}1{}}}", "[".repeat(300), "]".repeat(300));
        world.send(post(path, if path == "/api/events" { deep_event } else { deep })).await.refused(400, "too-deep");
    }
    world.send(post("/api/webhooks", format!("{{}}{}", " ".repeat(3 << 20)))).await.refused(413, "body-too-large");
    world.send(post("/api/events", format!("[{}]", " ".repeat(9 << 20)))).await.refused(413, "body-too-large");
    let large = json!({ "type": "a", "data": "x".repeat(1 << 20) });
    assert_eq!(pointers(&world.post("/api/events", large).await.refused(422, "invalid-event")), ["/data"]);
    world.send(post("/api/events", r#"{"type":"a","data":{"k":1,"k":2}}"#.into())).await.refused(400, "duplicate-key");
    assert_eq!(world.get("/api/events").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_path_a_method_and_a_content_type_that_nobody_knows_are_problems_too() {
    let world = World::start().await;
    world.get("/api/nothing").await.refused(404, "no-such-route");
    world.get("/").await.refused(404, "no-such-route");
    world.put("/api/webhooks", json!({})).await.refused(405, "method-not-allowed");
    let request =
        world.request(Method::POST, "/api/webhooks").bearer_auth(ADMIN).header("content-type", "text/plain").body("{}");
    world.send(request).await.refused(415, "unsupported-content-type");
    let request =
        world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("content-type", "text/csv").body("a,b");
    world.send(request).await.refused(415, "unsupported-content-type");
}

#[tokio::test]
async fn a_url_that_would_leak_or_is_not_https_is_refused() {
    let world = World::with(&[]).await;
    for (url, reason) in [
        ("http://example.com/hook", "must begin with https://"),
        ("https://user:word@example.com/", "user name and password"),
        ("https://example.com/#part", "fragment"),
        ("ftp://example.com", "must begin with https://"),
        ("example.com", "not an absolute URL"),
    ] {
        let refused =
            world.post("/api/webhooks", json!({ "url": url, "events": ["*"] })).await.refused(422, "invalid-url");
        assert_eq!(pointers(&refused), ["/url"], "{url}");
        assert!(refused["detail"].as_str().unwrap().contains(reason), "{url}: {refused:#}");
    }
    assert_eq!(world.get("/api/webhooks").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn every_fault_of_a_webhook_is_named_at_once() {
    let world = World::start().await;
    let refused = world.post("/api/webhooks", json!({
        "url": "https://a@example.com", "events": ["a..b", "*", "x*"], "environment": "Has Space", "timeoutSeconds": 61,
        "rateLimit": 0, "headers": { "Host": "x", "X Y": "z" }, "formatOptions": { "account": "a" }, "plugins": [{ "plugin": "none" }],
    })).await.refused(422, "invalid-request");
    let mut places = pointers(&refused);
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "/environment",
            "/events/0",
            "/events/2",
            "/formatOptions/account",
            "/headers/Host",
            "/headers/X Y",
            "/plugins/0/plugin",
            "/rateLimit",
            "/timeoutSeconds",
            "/url",
        ]
    );
    let empty = world.post("/api/webhooks", json!({})).await.refused(422, "missing");
    assert_eq!(pointers(&empty), ["/url", "/events"]);
    let unknown = world.post("/api/webhooks", json!({ "url": "https://example.com", "evnts": [] })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-field")), ["/evnts"]);
    let wrong = world.post("/api/webhooks", json!({ "url": "https://example.com", "events": ["a", 5] })).await;
    assert_eq!(pointers(&wrong.refused(422, "invalid-value")), ["/events/1"]);
}

#[tokio::test]
async fn a_change_that_is_refused_in_part_changes_nothing() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let before = world.get(&path).await.ok();
    let refused =
        world.patch(&path, json!({ "name": "new", "timeoutSeconds": 0, "tenant": "other", "url": null })).await;
    let refused = refused.refused(422, "invalid-request");
    let mut places = pointers(&refused);
    places.sort_unstable();
    assert_eq!(places, ["/tenant", "/timeoutSeconds", "/url"]);
    assert_eq!(world.get(&path).await.ok(), before);
}

#[tokio::test]
async fn a_secret_that_does_not_fit_its_format_is_refused() {
    let world = World::start().await;
    for (format, secret) in
        [("standard", "short"), ("keygen", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("license-validator", "")]
    {
        let mut body = json!({ "url": "https://example.com", "events": ["*"], "format": format, "secret": secret });
        if format == "keygen" {
            body["formatOptions"] = json!({ "account": "acme" });
        }
        let refused = world.post("/api/webhooks", body).await.refused(422, "secret-unusable");
        assert_eq!(pointers(&refused), ["/secret"], "{format}");
    }
}
