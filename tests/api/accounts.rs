//! `/api/tenants`, `/api/settings`, `/api/event-types`, `/api/templates` and the probes.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, pointers};

#[tokio::test]
async fn a_quota_is_kept_and_says_what_it_is() {
    let world = World::start().await;
    assert_eq!(world.put("/api/tenants/free", json!({ "maxWebhooks": 0 })).await.status, 201);
    let webhook = json!({ "url": "https://example.com", "events": ["*"], "tenant": "free" });
    let over = world.post("/api/webhooks", webhook.clone()).await.refused(403, "quota-exceeded");
    assert_eq!((&over["limit"], &over["used"]), (&json!(0), &json!(0)));
    assert_eq!(world.put("/api/tenants/free", json!({ "maxWebhooks": 1, "retentionDays": 90 })).await.status, 200);
    world.post("/api/webhooks", webhook.clone()).await.ok();
    let over = world.post("/api/webhooks", webhook).await.refused(403, "quota-exceeded");
    assert_eq!((&over["limit"], &over["used"]), (&json!(1), &json!(1)));
    assert_eq!(world.get("/api/tenants/free").await.ok()["retentionDays"], json!(90));
    world.delete("/api/tenants/free").await.refused(409, "in-use");
}

#[tokio::test]
async fn nothing_pending_may_outlive_its_event() {
    let world = World::start().await;
    let short = world.put("/api/tenants/brief", json!({ "retentionDays": 1 })).await;
    assert_eq!(pointers(&short.refused(422, "retention-too-short")), ["/retentionDays"]);
    let odd = world.put("/api/tenants/brief", json!({ "retentionDays": 8 })).await;
    assert_eq!(pointers(&odd.refused(422, "out-of-bounds")), ["/retentionDays"]);
    world.put("/api/tenants/brief", json!({ "retentionDays": 7 })).await.ok();
    let week: Vec<u64> = vec![24 * 3600; 7];
    let long =
        json!({ "url": "https://example.com", "events": ["*"], "tenant": "brief", "retry": { "delaysSeconds": week } });
    assert_eq!(pointers(&world.post("/api/webhooks", long).await.refused(422, "retention-too-short")), ["/retry"]);
}

#[tokio::test]
async fn a_strict_tenant_takes_only_what_the_catalogue_knows() {
    let world = World::start().await;
    world.put("/api/tenants/strict", json!({ "strict": true })).await.ok();
    let schema = json!({ "type": "object", "required": ["total"], "properties": { "total": { "type": "number" } } });
    world.put("/api/event-types/order.paid", json!({ "schema": schema, "sample": { "total": 1 } })).await.ok();
    let post = async |event_type: &str, data: serde_json::Value, tenant: &str| {
        world.post("/api/events", json!({ "type": event_type, "data": data, "tenant": tenant })).await
    };
    assert_eq!(post("order.paid", json!({ "total": 5 }), "strict").await.status, 202);
    let unknown = post("order.piad", json!({ "total": 5 }), "strict").await;
    assert_eq!(pointers(&unknown.refused(422, "invalid-event")), ["/type"]);
    let wrong = post("order.paid", json!({ "total": "5" }), "strict").await;
    assert_eq!(pointers(&wrong.refused(422, "invalid-event")), ["/data/total"]);
    assert_eq!(post("order.piad", json!({}), "default").await.status, 202);
    let nowhere = post("order.paid", json!({ "total": 5 }), "nowhere").await;
    assert_eq!(pointers(&nowhere.refused(422, "invalid-event")), ["/tenant"]);
}

#[tokio::test]
async fn the_catalogue_begins_with_the_26_types_and_can_be_changed() {
    let world = World::start().await;
    let listed = world.get("/api/event-types").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 26);
    let shown = world.get("/api/event-types/license.expiring-soon").await.ok();
    assert!(shown["sample"]["licenseKey"].is_string() && shown["type"] == json!("license.expiring-soon"));
    let wrong = json!({ "schema": { "type": "object", "required": ["a"] }, "sample": {} });
    assert_eq!(pointers(&world.put("/api/event-types/x.y", wrong).await.refused(422, "sample-invalid")), ["/sample/a"]);
    let unusable = world.put("/api/event-types/x.y", json!({ "schema": { "type": 5 } })).await;
    assert_eq!(pointers(&unusable.refused(422, "schema-unusable")), ["/schema"]);
    assert_eq!(world.put("/api/event-types/x.y", json!({ "description": "New" })).await.status, 201);
    assert_eq!(world.delete("/api/event-types/x.y").await.status, 204);
    world.get("/api/event-types/x.y").await.refused(404, "not-found");
}

#[tokio::test]
async fn settings_fall_back_from_tenant_to_server_to_configuration() {
    let world = World::with(&[("WAXWING_DEFAULT_FORMAT", "license-validator")]).await;
    let shown = world.get("/api/settings").await.ok();
    assert_eq!((&shown["defaultFormat"], &shown["allowHttp"]), (&json!("license-validator"), &json!(false)));
    assert!(shown["limits"]["eventDataBytes"].is_u64() && shown["allowNetworks"].is_array());
    world.patch("/api/settings", json!({ "defaultFormat": "github", "defaultRetry": "keygen" })).await.ok();
    world.put("/api/tenants/shop", json!({ "defaults": { "format": "stripe" } })).await.ok();
    let made = async |tenant: &str| {
        world
            .post("/api/webhooks", json!({ "url": "https://example.com", "events": ["*"], "tenant": tenant }))
            .await
            .ok()
    };
    let (plain, shop) = (made("default").await, made("shop").await);
    assert_eq!((&plain["format"], &plain["retry"]), (&json!("github"), &json!("keygen")));
    assert_eq!((&shop["format"], &shop["retry"]), (&json!("stripe"), &json!("keygen")));
    let back = world.patch("/api/settings", json!({ "defaultFormat": null })).await.ok();
    assert_eq!(back["defaultFormat"], json!("license-validator"));
}

#[tokio::test]
async fn templates_say_what_to_ask_and_how_to_get_the_url() {
    let world = World::start().await;
    let listed = world.get("/api/templates").await.ok();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["slack-alerts", "discord-alerts", "hubspot-contacts"]);
    assert!(
        listed["data"].as_array().unwrap().iter().all(|one| one["getUrl"].is_string() && one["questions"].is_array())
    );
}

#[tokio::test]
async fn probes_need_no_token_and_a_public_key_is_found_by_its_name_only() {
    let world = World::start().await;
    assert_eq!(world.send(world.request(Method::GET, "/healthz")).await.status, 200);
    assert_eq!(world.send(world.request(Method::GET, "/readyz")).await.status, 200);
    let metrics = world.send(world.request(Method::GET, "/metrics")).await;
    assert_eq!((metrics.status, metrics.body.as_str()), (200, Some("waxwing_up 1\n")));
    let forwarded = world.request(Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.9");
    world.send(forwarded).await.refused(401, "token-missing");
    let publisher = world.token("publisher", None).await;
    let forwarded =
        world.request(Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.9").bearer_auth(&publisher);
    world.send(forwarded).await.refused(403, "role-insufficient");

    let keyed = json!({ "url": "https://example.com", "events": ["*"], "format": "keygen", "formatOptions": { "account": "acme" } });
    let made = world.post("/api/webhooks", keyed).await.ok();
    assert!(made["publicKey"].as_str().unwrap().starts_with("whpk_"));
    let kid = made["keyId"].as_str().unwrap();
    let jwks = world.send(world.request(Method::GET, &format!("/.well-known/jwks.json?kid={kid}"))).await.ok();
    assert_eq!((&jwks["keys"][0]["kid"], &jwks["keys"][0]["kty"]), (&json!(kid), &json!("OKP")));
    let other = world.send(world.request(Method::GET, "/.well-known/jwks.json?kid=other")).await.ok();
    assert_eq!(other, json!({ "keys": [] }));
    world.send(world.request(Method::GET, "/.well-known/jwks.json")).await.refused(422, "invalid-parameter");
}
