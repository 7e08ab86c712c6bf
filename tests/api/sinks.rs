//! Sinks: made, sent to, looked at, changed, and by whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ADMIN, World, pointers};

async fn made(world: &World, body: Value) -> (String, String) {
    let made = world.post("/api/sinks", body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    (text("id"), text("url"))
}

async fn came(world: &World, id: &str) -> Vec<Value> {
    world.get(&format!("/api/sinks/{id}/requests?limit=100")).await.ok()["data"].as_array().unwrap().clone()
}

/// What somebody without a token sends to a sink's URL.
fn sending(method: Method, url: &str) -> reqwest::RequestBuilder {
    reqwest::Client::new().request(method, url)
}

fn header<'v>(request: &'v Value, name: &str) -> Option<&'v str> {
    let found = request["headers"].as_array().unwrap().iter().find(|header| header["name"] == name);
    found.map(|header| header["value"].as_str().unwrap())
}

#[tokio::test]
async fn whatever_is_sent_to_a_sink_is_kept_as_it_came() {
    let world = World::start().await;
    let (id, url) = made(&world, json!({ "name": "mine" })).await;
    assert!(url.starts_with(&format!("http://{}/sinks/", world.app.address())), "{url}");
    let put = sending(Method::PUT, &format!("{url}/a/b?c=%20d")).header("x-test", "one").body("{\"a\": 1}");
    let answered = put.send().await.unwrap();
    assert_eq!((answered.status().as_u16(), answered.text().await.unwrap().as_str()), (200, ""));
    sending(Method::POST, &url).body(vec![0xff; 100_000]).send().await.unwrap();
    assert_eq!(sending(Method::GET, &url).send().await.unwrap().status(), 200);
    let came = came(&world, &id).await;
    assert_eq!(came.len(), 3);
    assert_eq!((&came[0]["method"], &came[0]["size"], &came[0]["target"]), (&json!("GET"), &json!(0), &json!("")));
    assert_eq!((&came[1]["size"], &came[1]["encoding"]), (&json!(100_000), &json!("base64")));
    assert_eq!(came[1]["body"].as_str().unwrap().len(), (64 * 1024_usize).div_ceil(3) * 4);
    let first = &came[2];
    assert_eq!(
        (&first["method"], &first["target"], &first["body"]),
        (&json!("PUT"), &json!("/a/b?c=%20d"), &json!("{\"a\": 1}"))
    );
    assert_eq!(
        (header(first, "x-test"), &first["signature"], &first["status"]),
        (Some("one"), &Value::Null, &json!(200))
    );
    let one = world.get(&format!("/api/sinks/{id}/requests/{}", first["id"].as_str().unwrap())).await.ok();
    assert_eq!(one, *first);
    assert_eq!(world.delete(&format!("/api/sinks/{id}/requests")).await.status, 204);
    assert!(self::came(&world, &id).await.is_empty());
    let unknown = format!("http://{}/sinks/{}", world.app.address(), "0".repeat(32));
    assert_eq!(sending(Method::POST, &unknown).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_sink_answers_as_it_is_told_to() {
    let world = World::start().await;
    let answer =
        json!({ "status": 429, "headers": { "Retry-After": "7", "X-Why": "busy" }, "body": "later", "delayMs": 50 });
    let (id, url) = made(&world, answer).await;
    let begun = std::time::Instant::now();
    let answered = sending(Method::POST, &url).send().await.unwrap();
    assert!(begun.elapsed() >= std::time::Duration::from_millis(50));
    let of = |name: &str| answered.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((answered.status().as_u16(), of("retry-after"), of("x-why")), (429, "7".to_owned(), "busy".to_owned()));
    assert_eq!(of("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answered.text().await.unwrap(), "later");
    let changed = json!({ "status": null, "headers": null, "body": "{}", "delayMs": 0 });
    let changed = world.patch(&format!("/api/sinks/{id}"), changed).await.ok();
    assert_eq!((&changed["status"], &changed["headers"], &changed["body"]), (&json!(200), &json!({}), &json!("{}")));
    assert_eq!(sending(Method::POST, &url).send().await.unwrap().status(), 200);
    let wrong =
        json!({ "status": 100, "headers": { "set-cookie": "a=b" }, "delayMs": 10_001, "name": "x".repeat(129) });
    let refused = world.post("/api/sinks", wrong).await.refused(422, "invalid-request");
    assert_eq!(pointers(&refused), ["/name", "/status", "/delayMs", "/headers/set-cookie"]);
    world.patch(&format!("/api/sinks/{id}"), json!({ "tenant": "acme" })).await.refused(422, "not-changeable");
}

#[tokio::test]
async fn a_webhook_that_leads_to_a_sink_is_delivered_without_any_network_allowed() {
    let world = World::with(&[]).await;
    let (id, url) = made(&world, json!({})).await;
    let site = format!("http://{}", world.app.address());
    for url in [format!("{site}/api/events"), format!("{site}/sinks/short"), format!("{site}/sinks/../api/events")] {
        world.post("/api/webhooks", json!({ "url": url, "events": ["*"] })).await.refused(422, "invalid-url");
    }
    let webhook = json!({ "url": format!("{url}/in"), "events": ["*"], "headers": { "authorization": "Bearer own" } });
    let webhook = world.post("/api/webhooks", webhook).await.ok();
    let event = world.publish("order.paid", json!({ "a": 1 })).await;
    world.deliver().await;
    assert_eq!(world.delivery_of(&event).await["status"], "delivered");
    let kept = came(&world, &id).await;
    assert_eq!((&kept[0]["target"], header(&kept[0], "authorization")), (&json!("/in"), Some("Bearer own")));
    assert_eq!(kept[0]["signature"], json!({ "webhookId": webhook["id"], "valid": true }));
    let forged = sending(Method::POST, &url).body("{}").header("webhook-id", "a").header("webhook-timestamp", "1");
    forged.header("webhook-signature", "v1,AAAA").send().await.unwrap();
    let forged = &came(&world, &id).await[0]["signature"];
    assert_eq!(forged["valid"], json!(false), "{forged}");
    assert!(forged["fault"].is_string());
}

#[tokio::test]
async fn a_sink_shows_no_session_and_runs_nothing_in_a_browser() {
    let world = World::start().await;
    let (id, url) = made(&world, json!({ "body": "<script>alert(1)</script>" })).await;
    let browser =
        sending(Method::GET, &url).header("cookie", "waxwing_session=secret").header("sec-fetch-mode", "navigate");
    let answered = browser.header("authorization", "Basic c2VjcmV0").send().await.unwrap();
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answered.headers()[name], value);
    }
    let kept = came(&world, &id).await;
    assert_eq!((header(&kept[0], "cookie"), header(&kept[0], "authorization")), (None, None));
    assert!(!kept[0].to_string().contains("secret"));
}

#[tokio::test]
async fn each_role_sees_the_sinks_that_are_its_own() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    let (others, _) = made(&world, json!({ "name": "of default" })).await;
    let tenant = world.token("tenant", Some("acme")).await;
    let as_tenant = |method: Method, path: &str| world.request(method, path).bearer_auth(&tenant);
    let own = world.send(as_tenant(Method::POST, "/api/sinks").json(&json!({ "name": "own" }))).await.ok();
    assert_eq!(own["tenant"], "acme");
    let listed = world.send(as_tenant(Method::GET, "/api/sinks")).await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    for (method, path) in [
        (Method::GET, format!("/api/sinks/{others}")),
        (Method::GET, format!("/api/sinks/{others}/requests")),
        (Method::DELETE, format!("/api/sinks/{others}/requests")),
        (Method::DELETE, format!("/api/sinks/{others}")),
    ] {
        world.send(as_tenant(method, &path)).await.refused(404, "not-found");
    }
    let of_others = as_tenant(Method::POST, "/api/sinks").json(&json!({ "tenant": "default" }));
    world.send(of_others).await.refused(403, "other-tenant");
    assert_eq!(world.get("/api/sinks").await.ok()["data"].as_array().unwrap().len(), 2);
    assert_eq!(world.get("/api/sinks?tenant=acme").await.ok()["data"][0]["id"], own["id"]);
    for role in ["viewer", "publisher"] {
        let token = world.token(role, None).await;
        for path in ["/api/sinks".to_owned(), format!("/api/sinks/{others}"), format!("/api/sinks/{others}/requests")] {
            world.send(world.request(Method::GET, &path).bearer_auth(&token)).await.refused(403, "role-insufficient");
        }
        let make = world.request(Method::POST, "/api/sinks").bearer_auth(&token);
        world.send(make).await.refused(403, "role-insufficient");
    }
    assert_eq!(world.delete(&format!("/api/sinks/{others}")).await.status, 204);
    let audit = world.get("/api/audit").await.ok();
    let actions: Vec<&str> =
        audit["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(actions.starts_with(&["sink.delete"]) && actions.contains(&"sink.create"), "{actions:?}");
}

#[tokio::test]
async fn what_comes_too_fast_is_refused_and_not_kept() {
    let world = World::start().await;
    let (id, url) = made(&world, json!({})).await;
    let client = reqwest::Client::new();
    let (mut sent, mut refused) = (0, 0);
    // A second takes ten: one of these meets its end, wherever it begins.
    while refused == 0 && sent < 90 {
        let mut under_way = tokio::task::JoinSet::new();
        for _ in 0..30 {
            under_way.spawn(client.post(&url).send());
            sent += 1;
        }
        for answer in under_way.join_all().await {
            let answer = answer.unwrap();
            if answer.status() == 429 {
                assert_eq!(answer.headers()["retry-after"], "1");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "all {sent} were taken");
    assert_eq!(came(&world, &id).await.len() + refused, sent);
}

#[tokio::test]
async fn a_tenant_has_fifty_sinks_at_most() {
    let world = World::start().await;
    for _ in 0..50 {
        made(&world, json!({})).await;
    }
    let refused = world.post("/api/sinks", json!({})).await.refused(403, "quota-exceeded");
    assert_eq!((&refused["limit"], &refused["used"]), (&json!(50), &json!(50)));
}

#[tokio::test]
async fn of_a_body_that_is_not_whole_nobody_says_how_it_is_signed() {
    let world = World::with(&[]).await;
    let (id, url) = made(&world, json!({})).await;
    world.post("/api/webhooks", json!({ "url": url, "events": ["*"] })).await.ok();
    for (size, told) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        sending(Method::POST, &url).body("x".repeat(size)).send().await.unwrap();
        assert_eq!(came(&world, &id).await[0]["signature"].is_object(), told, "{size}");
    }
}
