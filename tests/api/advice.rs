//! Bad input, kind by kind: what is answered says what is wrong, where, and what to do about it, and nothing of it is written.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ADMIN, Answer, World, pointers};

/// Everything that a refused call could have changed.
async fn everything(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["webhooks", "events", "deliveries", "plugins", "tokens", "tenants", "event-types", "audit"] {
        all.push(world.get(&format!("/api/{list}?limit=250")).await.ok());
    }
    all
}

/// A server that has a bit of everything.
async fn world() -> World {
    let world = World::with(&[]).await;
    world.put("/api/tenants/strict", json!({ "strict": true })).await.ok();
    world.put("/api/tenants/full", json!({ "maxWebhooks": 1 })).await.ok();
    let webhook = json!({ "url": "https://example.com/hook", "events": ["*"], "tenant": "full" });
    world.post("/api/webhooks", webhook).await.ok();
    let first = world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("idempotency-key", "k-1");
    world.send(first.json(&json!({ "type": "order.paid", "data": 1 }))).await.ok();
    world
}

async fn post_text(world: &World, path: &str, body: String) -> Answer {
    let request = world.request(Method::POST, path).bearer_auth(ADMIN).header("content-type", "application/json");
    world.send(request.body(body)).await
}

async fn upload(world: &World, wasm: Vec<u8>) -> Answer {
    let request = world.request(Method::POST, "/api/plugins").bearer_auth(ADMIN);
    world.send(request.header("content-type", "application/wasm").body(wasm)).await
}

/// Refused with this status and code, at these places, and with advice in its text.
#[track_caller]
fn told(answer: Answer, (status, code): (u16, &str), advice: &str, places: &[&str]) {
    let problem = answer.refused(status, code);
    let mut found = pointers(&problem);
    found.sort_unstable();
    assert_eq!(found, places, "{problem:#}");
    let faults = problem["errors"].as_array().into_iter().flatten().map(|fault| &fault["detail"]);
    let texts: Vec<&str> = faults.chain([&problem["detail"]]).map(|text| text.as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains(advice)), "{advice:?} is not in {texts:?}");
}

#[tokio::test]
async fn a_document_that_can_not_be_read_is_refused_at_its_byte_or_its_limit() {
    let world = world().await;
    let before = everything(&world).await;
    for (path, field) in [("/api/events", "data"), ("/api/webhooks", "settings")] {
        told(post_text(&world, path, r#"{"url": "x","#.into()).await, (400, "not-json"), " at ", &[]);
        let deep = format!(r#"{{"{field}":{{"slack":{}0{}}}}}"#, "[".repeat(200), "]".repeat(200));
        told(post_text(&world, path, deep).await, (400, "too-deep"), "128 levels", &[]);
        let large = format!("[{}]", " ".repeat(9 << 20));
        told(post_text(&world, path, large).await, (413, "body-too-large"), "send less at once", &[]);
    }
    let batch = json!([{ "type": "order.paid", "data": 1 }, { "type": "order.paid", "data": "x".repeat(1 << 20) }]);
    told(world.post("/api/events", batch).await, (422, "invalid-event"), "1048576 are allowed", &["/1/data"]);
    let many: Vec<Value> = (0..1001).map(|number| json!({ "type": "a", "data": number })).collect();
    told(world.post("/api/events", Value::Array(many)).await, (422, "invalid-event"), "at most 1000", &[""]);
    let unknown = json!([{ "type": "order.paid", "data": 1 }, { "type": "order.paid", "data": 1, "datum": 1 }]);
    told(world.post("/api/events", unknown).await, (422, "invalid-event"), "an event has type,", &["/1/datum"]);
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn an_event_of_a_type_that_nobody_knows_is_taken_unless_its_tenant_is_strict() {
    let world = world().await;
    let event = |tenant: &str| json!({ "type": "order.piad", "data": {}, "tenant": tenant });
    world.post("/api/events", event("default")).await.ok();
    let before = everything(&world).await;
    told(world.post("/api/events", event("strict")).await, (422, "invalid-event"), "/api/event-types", &["/type"]);
    told(
        world.post("/api/events", event("nobody")).await,
        (422, "invalid-event"),
        "make it first, at /api/tenants",
        &["/tenant"],
    );
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn a_webhook_that_would_not_work_is_refused_field_by_field() {
    let world = world().await;
    let before = everything(&world).await;
    let webhook = |more: Value| {
        let mut webhook = json!({ "url": "https://example.com", "events": ["*"] });
        webhook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        webhook
    };
    let post = async |more: Value| world.post("/api/webhooks", webhook(more)).await;
    told(post(json!({ "url": "http://example.com" })).await, (422, "invalid-url"), "--allow-http", &["/url"]);
    told(post(json!({ "url": "https://me:pw@example.com" })).await, (422, "invalid-url"), "use a header", &["/url"]);
    told(post(json!({ "colour": "red" })).await, (422, "unknown-field"), "expected one of", &["/colour"]);
    let plugins = json!([{ "plugin": "slack", "settings": { "titel": "x", "maxFields": "many" } }]);
    let places = ["/plugins/0/settings/maxFields", "/plugins/0/settings/titel"];
    told(post(json!({ "plugins": plugins })).await, (422, "invalid-request"), "no such setting", &places);
    let plugins = json!([{ "plugin": "redact", "settings": { "mask": ["card"] } }]);
    told(
        post(json!({ "plugins": plugins })).await,
        (422, "invalid-setting"),
        "begins with /",
        &["/plugins/0/settings/mask/0"],
    );
    let plugins = json!([{ "plugin": "pigeons" }]);
    told(
        post(json!({ "plugins": plugins })).await,
        (422, "unknown-plugin"),
        "GET /api/plugins lists",
        &["/plugins/0/plugin"],
    );
    told(post(json!({ "tenant": "full" })).await, (403, "quota-exceeded"), "delete one", &[]);
    told(post(json!({ "tenant": "nobody" })).await, (422, "unknown-tenant"), "/api/tenants", &["/tenant"]);
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn what_is_no_plugin_is_told_from_what_is_one_of_another_kind() {
    let world = world().await;
    let before = everything(&world).await;
    let slack = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "slack").unwrap().wasm;
    told(upload(&world, b"hello".to_vec()).await, (422, "not-wasm"), "doesn't begin with", &[]);
    told(upload(&world, b"\0asm\x01\0\0\0".to_vec()).await, (422, "core-module"), "wasm32-wasip2", &[]);
    told(upload(&world, slack[..slack.len() / 2].to_vec()).await, (422, "component-malformed"), "truncated", &[]);
    let component = |text: &str| wat::parse_str(format!("(component {text})")).unwrap();
    let foreign = component(r#"(import "wasi:sockets/tcp@0.2.0" (instance))"#);
    told(upload(&world, foreign).await, (422, "foreign-import"), "wasi:sockets/tcp@0.2.0", &[]);
    let newer = component(r#"(import "waxwing:plugin/log@9.0.0" (instance))"#);
    told(upload(&world, newer).await, (422, "unknown-world"), "0.1.0", &[]);
    told(upload(&world, component("")).await, (422, "missing-export"), "transformer", &[]);
    told(upload(&world, vec![0; 16 * 1024 * 1024 + 1]).await, (413, "body-too-large"), "send less at once", &[]);
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn a_token_that_does_not_open_is_told_why() {
    let world = world().await;
    let end = waxwing::clock::Clock::now(&*world.clock).plus(std::time::Duration::from_secs(60)).to_string();
    let brief = world.post("/api/tokens", json!({ "name": "brief", "role": "admin", "expiresAt": end })).await.ok();
    let weaker = [world.token("viewer", None).await, world.token("publisher", None).await];
    world.clock.0.store(61_000, std::sync::atomic::Ordering::Relaxed);
    let before = everything(&world).await;
    let webhook = json!({ "url": "https://example.com", "events": ["*"] });
    let create = async |token: &str| {
        world.send(world.request(Method::POST, "/api/webhooks").bearer_auth(token).json(&webhook)).await
    };
    told(create(brief["token"].as_str().unwrap()).await, (401, "token-expired"), "/api/tokens", &[]);
    told(create("wxt_nobodys").await, (401, "token-unknown"), "revoked", &[]);
    for token in &weaker {
        told(create(token).await, (403, "role-insufficient"), "tenant or admin", &[]);
    }
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let world = world().await;
    let before = everything(&world).await;
    let post = async |key: &str, data: Value| {
        let request = world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("idempotency-key", key);
        world.send(request.json(&json!({ "type": "order.paid", "data": data }))).await
    };
    told(post("k-1", json!(2)).await, (422, "idempotency-key-reused"), "another key", &[]);
    told(post("k 2", json!(1)).await, (400, "invalid-idempotency-key"), "visible", &[]);
    assert_eq!(everything(&world).await, before);
    assert_eq!(post("k-1", json!(1)).await.status, 202, "the same again gets the first answer");
    assert_eq!(everything(&world).await, before);
}
