//! One webhook's page: what it shows, its secret, its test, and bringing back what it missed.

use serde_json::json;

use crate::browser::{Browser, named};
use crate::world::World;

#[tokio::test]
async fn it_shows_how_the_webhook_fares_and_what_it_was() {
    let world = World::start().await;
    let made = world
        .webhook_with(json!({ "name": "CRM sync", "description": "For sales", "events": ["order.*"],
            "headers": { "x-team": "crm" }, "plugins": [{ "plugin": "filter", "settings": { "jq": "true" } }] }))
        .await;
    let id = made["id"].as_str().unwrap();
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}");
    admin.get(&path).await.shows("Nothing was sent yet.").shows(">never<").shows("Created").shows("filter@");
    world.sink.answers(&[200, 500]);
    for _ in 0..2 {
        world.publish("order.paid", json!({})).await;
        world.deliver().await;
    }
    world.patch(&format!("/api/webhooks/{id}"), json!({ "environment": "staging" })).await.ok();
    let page = admin.get(&path).await;
    page.shows("CRM sync").shows("For sales").shows(">order.*<").shows("x-team").shows(&world.sink.url());
    page.shows("1 of 2 attempts in 7 days").shows("50 %").shows("Delivered").shows("Pending").shows("<time datetime");
    page.shows("Changed environment").shows("href=\"/admin/deliveries/delivery_");
}

#[tokio::test]
async fn a_viewer_sees_it_masked_and_can_do_nothing() {
    let world = World::start().await;
    let made = world.webhook_with(json!({ "name": "shop", "events": ["*"], "headers": { "x-key": "hidden" } })).await;
    let path = format!("/admin/webhooks/{}", made["id"].as_str().unwrap());
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    let page = viewer.get(&path).await;
    page.shows("shop").shows("/…path").lacks("secret-path").shows("x-key").lacks("hidden</dd>").shows("********");
    page.lacks(">Edit<").lacks("Generate new secret").lacks("Recover</h2>");
    for action in ["secret", "recover", "test"] {
        assert_eq!(viewer.submit(&format!("{path}/{action}"), &[]).await.status, 403, "{action}");
    }
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_old_one_signs_along() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}");
    admin.get(&path).await.shows("Both sign for 1 day");
    let shown = admin.submit_on(&format!("{path}/secret"), &[("overlap", "86400")]).await;
    assert_eq!(shown.status, 200);
    let secret = shown.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    admin.get(&path).await.lacks(secret);
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["signingSecrets"], 2);
    let github = world.webhook_with(json!({ "events": ["*"], "format": "github" })).await;
    let path = format!("/admin/webhooks/{}", github["id"].as_str().unwrap());
    admin.get(&path).await.shows("carries one signature").lacks("Both sign");
    assert_eq!(admin.submit(&format!("{path}/secret"), &[("overlap", "60")]).await.status, 422);
}

#[tokio::test]
async fn a_test_shows_what_came_back() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}/test");
    admin.get(&path).await.shows("value=\"license.created\"").shows("Send test");
    let sent = admin.submit(&path, &[("type", "order.paid"), ("data", "{\"total\":7}")]).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    sent.shows("<dd>200</dd>")
        .shows("seen")
        .shows("delivery_test_")
        .shows("content-type: text/plain")
        .shows(" ms</dd>");
    assert!(world.sink.requests()[0].1.contains("\"data\":{\"total\":7}"));
    world.sink.answers(&[503]);
    let failed = admin.submit(&path, &[]).await;
    failed.shows("Not delivered").shows("<dd>503</dd>").shows("Answered 503.");
    let refused = admin.submit(&path, &[("type", "a b"), ("data", "{<b>")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("id=\"field-type-error\"").shows("id=\"field-data-error\"").shows("{&#60;b&#62;").lacks("{<b>");
}

#[tokio::test]
async fn a_button_for_a_new_secret_that_is_pressed_twice_makes_no_second_one() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}");
    let renew = async |revision: &str| {
        admin.submit(&format!("{path}/secret"), &[("overlap", "86400"), ("revision", revision)]).await
    };
    let secrets = async || world.get(&format!("/api/webhooks/{id}")).await.ok()["signingSecrets"].clone();
    let first = admin.get(&path).await.hidden("revision");
    assert_eq!(renew(&first).await.location(), format!("{path}/secret"));
    let again = renew(&first).await;
    assert_eq!(again.status, 409);
    again.shows("No new secret was made").shows("href=\"#secret\"").lacks("Copy the secret now");
    assert_eq!(secrets().await, json!(2));
    assert_eq!(renew(&again.hidden("revision")).await.location(), format!("{path}/secret"));
    assert_eq!(secrets().await, json!(3));
    assert_eq!(renew("none").await.status, 405);
}

#[tokio::test]
async fn what_was_missed_is_counted_first_and_then_brought_back() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}");
    admin.submit(&format!("{path}/disable"), &[]).await;
    world.publish("order.paid", json!({})).await;
    admin.submit(&format!("{path}/enable"), &[]).await;
    let since = ("since", "2020-01-01T00:00:00Z");
    let recover = async |fields: &[(&str, &str)]| admin.submit(&format!("{path}/recover"), fields).await;
    recover(&[since]).await.shows("There is nothing to recover in this time.");
    let counted = recover(&[since, ("missed", "yes"), ("do", "count")]).await;
    counted.shows("1 delivery would be made.").shows("value=\"2020-01-01T00:00:00Z\"").shows("Recover 1");
    assert_eq!(world.deliver().await, 0, "counting makes nothing");
    let done = recover(&[since, ("missed", "yes"), ("do", "recover")]).await;
    assert_eq!(done.location(), format!("{path}?done=recovered"));
    assert_eq!(world.deliver().await, 1);
    let refused = recover(&[("since", "yesterday")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("id=\"field-since-error\"").shows("value=\"yesterday\"");
    let nothing = recover(&[since, ("missed", "yes"), ("do", "recover")]).await;
    admin.get(nothing.location()).await.shows("There was nothing left to recover.").lacks("Go on with the rest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_go_of_recovery_leaves_is_brought_back_by_the_next() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    world.post(&format!("/api/webhooks/{id}/pause"), json!({})).await.ok();
    // More than one go looks at: held, and then cancelled.
    for count in [1000; 10].into_iter().chain([100]) {
        let events = vec![json!({ "type": "order.paid", "data": 1 }); count];
        world.post("/api/events", json!(events)).await.ok();
    }
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}");
    admin.submit(&format!("{path}/disable"), &[]).await;
    admin.submit(&format!("{path}/enable"), &[]).await;
    let since = ("since", "2020-01-01T00:00:00Z");
    let counted = admin.submit(&format!("{path}/recover"), &[since, ("do", "count")]).await;
    counted.shows(" or more deliveries would be made.").lacks("Go on with the rest");
    let first = admin.submit(&format!("{path}/recover"), &[since, ("do", "recover")]).await;
    let page = admin.get(first.location().strip_suffix("#rest").unwrap()).await;
    page.shows("One go was made, and there may be more").shows("Go on with the rest");
    let (period, after) = (page.hidden("since"), page.hidden("after"));
    assert_eq!(period, since.1);
    let rest = [("since", &*period), ("after", &*after), ("do", "recover")];
    let last = admin.submit(&format!("{path}/recover"), &rest).await;
    assert_eq!(last.location(), format!("{path}?done=recovered"));
    let left = world.post(&format!("/api/webhooks/{id}/recover"), json!({ "since": since.1 })).await.ok();
    assert_eq!(left["count"], json!(0), "{left:#}");
    let refused = admin.submit(&format!("{path}/recover"), &[since, ("after", "here"), ("do", "recover")]).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let made = world
        .webhook_with(json!({ "name": planted, "description": planted, "events": ["*"],
            "url": format!("{}?q=<script>alert(3)</script>&\"'", world.sink.url()), "headers": { "x-planted": planted },
            "plugins": [{ "plugin": "template", "settings": { "template": planted, "contentType": "text/plain" } }] }))
        .await;
    world.put("/api/event-types/order.planted", json!({ "description": planted })).await.ok();
    let path = format!("/admin/webhooks/{}", made["id"].as_str().unwrap());
    let admin = Browser::admin(&world).await;
    for page in ["", "/edit", "/test"] {
        let page = admin.get(&format!("{path}{page}")).await;
        assert_eq!(page.status, 200);
        page.lacks("<script>alert").lacks("<img src=x").lacks("'><img");
        page.shows("&#60;script&#62;alert(1)&#60;/script&#62;").lacks("style=");
    }
    let renewed = admin.submit_on(&format!("{path}/secret"), &[]).await;
    renewed.lacks("<script>alert").shows("&#60;script&#62;");
}
