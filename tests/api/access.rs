//! Tokens and roles: who gets in, and who may do what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ADMIN, World};

#[tokio::test]
async fn without_a_token_that_opens_there_is_nothing() {
    let world = World::start().await;
    let bare = world.request(Method::GET, "/api/webhooks").send().await.unwrap();
    assert_eq!(bare.headers()["www-authenticate"], "Bearer");
    world.send(world.request(Method::GET, "/api/webhooks")).await.refused(401, "token-missing");
    world
        .send(world.request(Method::GET, "/api/webhooks").bearer_auth("wxt_wrong"))
        .await
        .refused(401, "token-unknown");
    world
        .send(world.request(Method::GET, "/api/webhooks").header("authorization", "Basic eDp5"))
        .await
        .refused(401, "token-missing");
    world.send(world.request(Method::POST, "/api/events").body("not even read")).await.refused(401, "token-missing");
}

#[tokio::test]
async fn a_token_is_shown_once_lists_without_its_value_and_can_be_taken_back() {
    let world = World::start().await;
    let made = world.post("/api/tokens", json!({ "name": "CI", "role": "viewer" })).await;
    assert_eq!(made.status, 201);
    let token = made.body["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), "wxt_".len() + 64);
    let listed = world.get("/api/tokens").await.ok();
    assert!(!listed.to_string().contains(&token[4..]) && listed["data"][0]["name"] == json!("CI"), "{listed:#}");
    let read = || world.request(Method::GET, "/api/webhooks").bearer_auth(&token);
    world.send(read()).await.ok();
    assert_eq!(world.delete(&format!("/api/tokens/{}", made.body["id"].as_str().unwrap())).await.status, 204);
    world.send(read()).await.refused(401, "token-unknown");
    world.post("/api/tokens", json!({ "name": "x", "role": "king" })).await.refused(422, "invalid-value");
    world.post("/api/tokens", json!({ "name": "x", "role": "tenant" })).await.refused(422, "missing");
    let past = json!({ "name": "x", "role": "viewer", "expiresAt": "2020-01-01T00:00:00Z" });
    world.post("/api/tokens", past).await.refused(422, "out-of-bounds");
}

#[tokio::test]
async fn a_token_that_has_expired_opens_nothing() {
    let world = World::start().await;
    let end = waxwing::clock::Clock::now(&*world.clock).plus(std::time::Duration::from_secs(3600)).to_string();
    let made = world.post("/api/tokens", json!({ "name": "brief", "role": "viewer", "expiresAt": end })).await.ok();
    let read = || world.request(Method::GET, "/api/webhooks").bearer_auth(made["token"].as_str().unwrap());
    world.send(read()).await.ok();
    world.clock.0.store(3_600_001, std::sync::atomic::Ordering::Relaxed);
    world.send(read()).await.refused(401, "token-expired");
}

#[tokio::test]
async fn each_role_may_do_its_own_and_no_more() {
    let world = World::start().await;
    let webhook = world.webhook(&["*"]).await;
    let calls: [(Method, String, Value, [bool; 4]); 8] = [
        // admin, publisher, viewer, tenant
        (Method::GET, "/api/webhooks".into(), Value::Null, [true, false, true, true]),
        (Method::POST, "/api/events".into(), json!({ "type": "a", "data": 1 }), [true, true, false, false]),
        (Method::PATCH, format!("/api/webhooks/{webhook}"), json!({ "name": "n" }), [true, false, false, true]),
        (Method::POST, "/api/tokens".into(), json!({ "name": "n", "role": "viewer" }), [true, false, false, false]),
        (Method::PUT, "/api/event-types/a.b".into(), json!({}), [true, false, false, false]),
        (Method::PUT, "/api/tenants/shop".into(), json!({}), [true, false, false, false]),
        (Method::GET, "/api/deliveries".into(), Value::Null, [true, false, true, true]),
        (Method::GET, "/api/audit".into(), Value::Null, [true, false, false, false]),
    ];
    let tokens = [
        ADMIN.to_owned(),
        world.token("publisher", None).await,
        world.token("viewer", None).await,
        world.token("tenant", Some("default")).await,
    ];
    for (method, path, body, allowed) in &calls {
        for (token, allowed) in tokens.iter().zip(allowed) {
            let request = world.request(method.clone(), path).bearer_auth(token);
            let answer = world.send(if body.is_null() { request } else { request.json(body) }).await;
            if *allowed {
                answer.ok();
            } else {
                answer.refused(403, "role-insufficient");
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_a_viewer_sees_no_secret_path() {
    let world = World::start().await;
    world.put("/api/tenants/shop", json!({})).await.ok();
    let mine = world.webhook_with(json!({ "events": ["*"], "tenant": "shop", "headers": { "x-key": "hush" } })).await;
    let other = world.webhook(&["*"]).await;
    let tenant = world.token("tenant", Some("shop")).await;
    let get = |token: &str, path: &str| world.request(Method::GET, path).bearer_auth(token);
    let listed = world.send(get(&tenant, "/api/webhooks")).await.ok();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (1, &mine["id"]));
    assert_eq!(listed["data"][0]["url"], mine["url"]);
    world.send(get(&tenant, &format!("/api/webhooks/{other}"))).await.refused(404, "not-found");
    world.send(get(&tenant, "/api/webhooks?tenant=default")).await.refused(403, "other-tenant");
    let grab = world.request(Method::POST, "/api/webhooks").bearer_auth(&tenant);
    let grab =
        grab.json(&json!({ "url": "https://example.com", "events": ["*"], "allowOrigins": ["https://other.example"] }));
    world.send(grab).await.refused(422, "admin-only");
    let viewer = world.token("viewer", None).await;
    let seen = world.send(get(&viewer, &format!("/api/webhooks/{}", mine["id"].as_str().unwrap()))).await.ok();
    assert!(!seen.to_string().contains("secret-path") && !seen.to_string().contains("hush"), "{seen:#}");
}

#[tokio::test]
async fn every_change_leaves_a_line_in_the_audit_log() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    world.patch(&format!("/api/webhooks/{id}"), json!({ "name": "n", "timeoutSeconds": 20 })).await.ok();
    world.post(&format!("/api/webhooks/{id}/rotate-secret"), json!({})).await.ok();
    world.delete(&format!("/api/webhooks/{id}")).await;
    let log = world.get("/api/audit?limit=4").await.ok();
    let lines: Vec<String> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["actor"].as_str().unwrap(),
                line["action"].as_str().unwrap(),
                line["detail"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "WAXWING_ADMIN_TOKEN webhook.delete n",
            "WAXWING_ADMIN_TOKEN webhook.update secret",
            "WAXWING_ADMIN_TOKEN webhook.update name, timeoutSeconds",
            "WAXWING_ADMIN_TOKEN webhook.create ",
        ]
    );
}
