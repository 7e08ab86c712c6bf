//! How things stand, at the beginning and later, and for whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, named};
use crate::world::{ADMIN, World};

const PATH: &str = "/admin/overview";

#[tokio::test]
async fn at_the_beginning_it_says_the_next_steps() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    assert_eq!(admin.get("/admin").await.location(), PATH);
    let page = admin.get(PATH).await;
    assert_eq!(page.status, 200);
    page.shows("First steps").shows("href=\"/admin/webhooks/new\"").shows("href=\"/admin/templates\"");
    page.shows(&format!("curl http://{}/api/events", world.app.address())).shows("nothing waits");
    named(&world, "shop").await;
    admin.get(PATH).await.shows("First steps").shows("Done: ").lacks("href=\"/admin/webhooks/new\"");
    world.publish("order.paid", json!({})).await;
    admin.get(PATH).await.lacks("First steps");
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get(PATH).await.shows("Deliveries per hour").lacks("Create webhook");
}

#[tokio::test]
async fn a_chart_is_drawn_as_soon_as_there_is_something_to_draw() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let (none, chart) = ("No deliveries were made in the last 24 hours.", "<figure class=\"chart\">");
    admin.get(PATH).await.shows("Deliveries per hour").shows(none).lacks(chart);
    named(&world, "shop").await;
    world.publish("order.paid", json!({})).await;
    admin.get(PATH).await.shows(chart).shows("0 delivered, 0 failed, 1 others; at most 1 in an hour").lacks(none);
}

#[tokio::test]
async fn it_counts_what_happened_and_names_what_fails() {
    let world = World::start().await;
    let good = named(&world, "good").await;
    world.sink.answers(&[200, 200, 200]);
    for _ in 0..3 {
        world.publish("order.paid", json!({})).await;
    }
    world.deliver().await;
    world.post(&format!("/api/webhooks/{good}/pause"), json!({})).await.ok();
    let once = json!({ "name": "bad", "events": ["*"], "retry": { "delaysSeconds": [] } });
    let bad = world.webhook_with(once).await["id"].as_str().unwrap().to_owned();
    world.sink.answers(&[500]);
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    let page = Browser::admin(&world).await.get(PATH).await;
    page.shows("<dd class=\"share \">3</dd>")
        .shows("1 failed, 1 pending")
        .shows("75 %")
        .shows("1 waiting for their webhook");
    page.shows("3 delivered, 1 failed, 1 others; at most 5 in an hour").shows("of the newest 4 attempts");
    page.shows(&format!("href=\"/admin/webhooks/{bad}\">bad</a>")).shows("1 failed attempt").shows("never");
    page.shows(">order.lost</a>").shows("href=\"/admin/webhook-deliveries?status=failed\"");
    let failed = world.get("/api/deliveries?status=failed").await.ok();
    page.shows(&format!("href=\"/admin/webhook-deliveries/{}\"", failed["data"][0]["id"].as_str().unwrap()));
}

#[tokio::test]
async fn failed_deliveries_stand_in_the_order_of_the_time_beside_them() {
    let world = World::start().await;
    let once = |name: &str, events: &str| json!({ "name": name, "events": [events], "retry": { "delaysSeconds": [] } });
    let slow = world.webhook_with(once("slow", "order.older")).await["id"].as_str().unwrap().to_owned();
    world.webhook_with(once("quick", "order.newer")).await;
    world.post(&format!("/api/webhooks/{slow}/pause"), json!({})).await.ok();
    world.sink.answers(&[500, 500]);
    let older = world.publish("order.older", json!({})).await;
    let newer = world.publish("order.newer", json!({})).await;
    world.deliver().await;
    world.post(&format!("/api/webhooks/{slow}/resume"), json!({})).await.ok();
    world.deliver().await;
    let (older, newer) = (world.delivery_of(&older).await, world.delivery_of(&newer).await);
    assert!(older["endedAt"].as_str() >= newer["endedAt"].as_str(), "{older:#} {newer:#}");
    let page = Browser::admin(&world).await.get(PATH).await;
    let place = |delivery: &Value| {
        let [id, accepted] = ["id", "acceptedAt"].map(|field| delivery[field].as_str().unwrap());
        page.shows(&format!("<td data-label=\"Accepted\"><time datetime=\"{accepted}\""));
        page.text.find(&format!("href=\"/admin/webhook-deliveries/{id}\"")).unwrap()
    };
    assert!(place(&newer) < place(&older), "newest first");
    page.shows("Newest failed deliveries").lacks(">Ended<");
}

#[tokio::test]
async fn a_tenant_sees_only_what_is_his() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    let other = json!({ "name": "not-his", "events": ["*"], "retry": { "delaysSeconds": [] } });
    world.webhook_with(other).await;
    world.sink.answers(&[500]);
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    for path in [PATH, "/admin/overview?tenant=acme"] {
        let page = tenant.get(path).await;
        page.lacks("not-his").lacks("order.lost").shows("No deliveries were made").lacks("curl http");
    }
    assert_eq!(tenant.get("/admin/overview?tenant=default").await.status, 403);
    let admin = Browser::admin(&world).await;
    admin.get(PATH).await.shows("not-his");
    admin.get("/admin/overview?tenant=acme").await.lacks("not-his");
    let stranger = Browser::new(&world).get(PATH).await;
    assert_eq!(stranger.location(), "/admin/sign-in");
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    world.webhook_with(json!({ "name": planted, "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[500]);
    world.publish("order.lost", json!({ "a": planted })).await;
    world.deliver().await;
    let page = Browser::admin(&world).await.get(PATH).await;
    page.lacks("<script>alert").lacks("<img src=x").shows("&#60;script&#62;alert(1)&#60;/script&#62;");
}

#[tokio::test]
async fn the_pages_carry_nothing_that_the_policy_refuses() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    for path in [
        PATH,
        "/admin/event-types",
        "/admin/event-types/license.activated",
        "/admin/event-types/-/new",
        "/admin/plugins",
        "/admin/plugins/slack",
        "/admin/plugins/-/upload",
        "/admin/templates",
        "/admin/settings",
        "/admin/settings/tenants",
        "/admin/settings/tenants/default",
        "/admin/settings/tokens",
        "/admin/settings/audit",
    ] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"), "{path}");
        page.lacks("<style").lacks("style=").lacks("onclick=").lacks("<script>");
        assert_eq!(page.text.matches("<h1>").count(), 1, "{path}");
    }
}

#[tokio::test]
async fn it_is_of_all_tenants_or_of_one() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin.get("/admin/overview").await.lacks("All tenants");
    world.put("/api/tenants/acme", json!({})).await.ok();
    world.webhook_with(json!({ "name": "not hers", "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[500]);
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    admin.get("/admin/overview").await.shows("All tenants").shows("<option value=\"acme\">").shows("order.lost");
    let hers = admin.get("/admin/overview?tenant=acme").await;
    hers.shows("<option value=\"acme\" selected>").lacks("order.lost");
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    tenant.get("/admin/overview").await.lacks("All tenants");
}
