//! `/api/overview`: the queue and the last 24 hours, in numbers.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::json;

use crate::world::World;

const HOUR: u64 = 3_600_000;

#[tokio::test]
async fn each_hour_counts_what_was_accepted_in_it() {
    let world = World::start().await;
    let id = world.webhook_with(json!({ "events": ["*"], "name": "shop", "retry": { "delaysSeconds": [60] } })).await;
    world.sink.answers(&[200, 200, 500]);
    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    world.clock.0.fetch_add(3 * HOUR + HOUR / 2, Ordering::Relaxed);
    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    let shown = world.get("/api/overview").await.ok();
    let hours = shown["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    assert_eq!((&hours[20]["delivered"], &hours[23]["delivered"]), (&json!(1), &json!(1)), "{shown:#}");
    assert_eq!((&hours[23]["pending"], &hours[23]["failed"]), (&json!(1), &json!(0)));
    assert_eq!((&shown["queue"]["pending"], &shown["queue"]["scheduled"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&shown["successRate"], &shown["attempts"], &shown["truncated"]),
        (&json!(1.0), &json!(2), &json!(false))
    );
    assert_eq!(
        (&shown["failing"][0]["webhookId"], &shown["failing"][0]["consecutiveFailures"]),
        (&id["id"], &json!(1))
    );
    assert!(shown["p50"].is_u64() && shown["queue"]["oldest"].is_string() && shown["failed"] == json!([]));

    world.clock.0.fetch_add(HOUR, Ordering::Relaxed);
    world.sink.answers(&[500]);
    world.deliver().await;
    let shown = world.get("/api/overview").await.ok();
    assert_eq!((&shown["hours"][22]["failed"], &shown["queue"]["pending"]), (&json!(1), &json!(0)), "{shown:#}");
    assert_eq!((&shown["failed"][0]["type"], &shown["failingWebhooks"]), (&json!("order.lost"), &json!(1)));
    world.clock.0.fetch_add(24 * HOUR, Ordering::Relaxed);
    let shown = world.get("/api/overview").await.ok();
    assert!(shown["hours"].as_array().unwrap().iter().all(|hour| hour["delivered"] == 0 && hour["failed"] == 0));
    assert_eq!((&shown["successRate"], &shown["p50"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn it_is_for_those_who_read_and_a_tenants_is_his_own() {
    let world = World::start().await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    world.webhook_with(json!({ "events": ["*"], "name": "shop" })).await;
    world.publish("order.paid", json!({})).await;
    let as_role = async |role: &str, tenant: Option<&str>, path: &str| {
        let token = world.token(role, tenant).await;
        world.send(world.request(Method::GET, path).bearer_auth(&token)).await
    };
    let own = as_role("tenant", Some("acme"), "/api/overview").await.ok();
    assert_eq!((&own["webhooks"], &own["queue"]["pending"]), (&json!(0), &json!(0)));
    as_role("tenant", Some("acme"), "/api/overview?tenant=default").await.refused(403, "other-tenant");
    as_role("publisher", None, "/api/overview").await.refused(403, "role-insufficient");
    let all = as_role("viewer", None, "/api/overview").await.ok();
    assert_eq!((&all["webhooks"], &all["queue"]["pending"]), (&json!(1), &json!(1)));
}
