//! The events, and why somebody did or didn't get one.

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, named};
use crate::world::{ADMIN, World};

const LIST: &str = "/admin/events";

#[tokio::test]
async fn the_list_is_filtered_by_its_address() {
    let world = World::start().await;
    let paid = world.post("/api/events", json!({ "type": "order.paid", "data": 1, "id": "INV-7" })).await.ok();
    let lost = json!({ "type": "order.lost", "data": 1, "environment": "staging" });
    let lost = world.post("/api/events", lost).await.ok();
    let [paid, lost] = [&paid, &lost].map(|posted| posted["id"].as_str().unwrap());
    let admin = Browser::admin(&world).await;
    let all = admin.get(LIST).await;
    all.shows(&format!("href=\"{LIST}/{paid}\""))
        .shows(&format!("href=\"{LIST}/{lost}\""))
        .shows("INV-7")
        .shows("1 bytes");
    for (query, shows_paid, shows_lost) in [
        ("type=order.paid", true, false),
        ("externalId=INV-7", true, false),
        ("environment=staging", false, true),
        ("tenant=default&since=2020-01-01", true, true),
        ("until=2020-01-01T00:00", false, false),
    ] {
        let page = admin.get(&format!("{LIST}?{query}")).await;
        assert_eq!(page.text.contains(paid), shows_paid, "{query}: {}", page.text);
        assert_eq!(page.text.contains(lost), shows_lost, "{query}: {}", page.text);
    }
    admin.get(&format!("{LIST}?type=none.such")).await.shows("No event matches").shows("value=\"none.such\"");
    let bad = admin.get(&format!("{LIST}?type=a..b&since=noon")).await;
    bad.shows("2 things need correcting").shows("value=\"noon\"").lacks(paid);
}

#[tokio::test]
async fn an_empty_list_says_where_events_are_posted() {
    let world = World::start().await;
    Browser::admin(&world).await.get(LIST).await.shows("No events yet").shows("POST /api/events");
}

#[tokio::test]
async fn the_box_leads_to_the_event_or_to_its_filters() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    let event = world.publish("order.paid", json!({})).await;
    let admin = Browser::admin(&world).await;
    let search = async |text: &str| {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        admin.get(&format!("{LIST}?search={query}")).await.location().to_owned()
    };
    assert_eq!(search(&event).await, format!("{LIST}/{event}"));
    assert_eq!(search("acme order.paid").await, format!("{LIST}?tenant=acme&type=order.paid"));
    assert_eq!(search("INV-7").await, format!("{LIST}?externalId=INV-7"));
    let day = search("2026-01-31").await;
    assert!(day.starts_with(&format!("{LIST}?since=2026-01-31T00")), "{day}");
}

#[tokio::test]
async fn explain_says_of_each_webhook_as_it_was_then_why_it_got_the_event_or_not() {
    let world = World::start().await;
    let got = named(&world, "got it").await;
    world.webhook_with(json!({ "events": ["user.*"], "name": "other type" })).await;
    world.webhook_with(json!({ "events": ["*"], "environment": "staging", "name": "other environment" })).await;
    world.webhook_with(json!({ "events": ["*"], "isActive": false, "name": "switched off" })).await;
    let event = world.publish("order.paid", json!({ "n": 1.50 })).await;
    world.deliver().await;
    world.patch(&format!("/api/webhooks/{got}"), json!({ "events": ["user.*"] })).await.ok();
    named(&world, "made later").await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(&format!("{LIST}/{event}")).await;
    page.shows("for 1 of 4 webhooks: 1 delivered.").shows("Subscribed and active.").shows("rev_");
    page.shows("It was subscribed to user.* only.")
        .shows("Its environment was staging.")
        .shows("It was disabled since");
    page.shows(&format!("id=\"{got}\"")).shows(&format!("href=\"/admin/webhooks/{got}\"")).shows("Delivered");
    page.lacks("made later").shows("&#34;n&#34;: 1.5").shows("href=\"/admin/deliveries/delivery_");
    world.delete(&format!("/api/webhooks/{got}")).await.ok();
    admin.get(&format!("{LIST}/{event}")).await.shows("It was deleted since.");
    let found = admin.get(&format!("{LIST}/{event}?search=Switched")).await;
    found.shows("switched off").lacks("other type</").shows("value=\"Switched\"");
    admin.get(&format!("{LIST}/{event}?search=nobody")).await.shows("No webhook of that name was there");
    for path in ["none", "evt_0000000000001"] {
        assert_eq!(admin.get(&format!("{LIST}/{path}")).await.status, 404);
    }
}

#[tokio::test]
async fn the_summary_says_what_became_of_the_event_at_each_webhook() {
    let world = World::start().await;
    let page_of = async |event: &str| Browser::admin(&world).await.get(&format!("{LIST}/{event}")).await;
    let event = world.publish("order.paid", json!({})).await;
    page_of(&event).await.shows(", for no webhook.");
    let once = |name: &str| json!({ "name": name, "events": ["*"], "retry": { "delaysSeconds": [] } });
    let made = world.webhook_with(once("shop")).await["id"].as_str().unwrap().to_owned();
    let event = world.publish("order.paid", json!({})).await;
    page_of(&event).await.shows(", for 1 of 1 webhook: 1 pending.").lacks("Didn’t get it");
    world.sink.answers(&[500]);
    world.deliver().await;
    page_of(&event).await.shows(", for 1 of 1 webhook: 1 failed.").shows("Subscribed and active.");
    // A second try that waits undoes nothing of a first that got through.
    let failed = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    world.post(&format!("/api/deliveries/{failed}/replay"), json!({})).await.ok();
    world.deliver().await;
    world.post(&format!("/api/webhooks/{made}/pause"), json!({})).await.ok();
    world.post(&format!("/api/deliveries/{failed}/replay"), json!({})).await.ok();
    page_of(&event).await.shows(", for 1 of 1 webhook: 1 delivered.");
    world.webhook_with(once("books")).await;
    world.webhook_with(json!({ "name": "mail", "events": ["user.*"] })).await;
    let event = world.publish("order.paid", json!({})).await;
    world.deliver().await;
    page_of(&event).await.shows(", for 2 of 3 webhooks: 1 pending, 1 delivered.").shows("Didn’t get it");
}

#[tokio::test]
async fn data_is_shown_indented_and_as_it_was_posted_or_told_of() {
    let world = World::start().await;
    let post = |kind: &'static str, body: &'static [u8]| {
        let request = world.request(Method::POST, "/api/events").bearer_auth(ADMIN).header("content-type", kind);
        world.send(
            request
                .header("ce-specversion", "1.0")
                .header("ce-id", kind)
                .header("ce-source", "/s")
                .header("ce-type", "a")
                .body(body),
        )
    };
    let json = post("application/json", br#"{"b":1.50,"a":[1e3]}"#).await.ok();
    let binary = post("image/png", b"\xff\xfe\x00").await.ok();
    let admin = Browser::admin(&world).await;
    let page = admin.get(&format!("{LIST}/{}", json["id"].as_str().unwrap())).await;
    page.shows("{\n  &#34;b&#34;: 1.50,").shows("As it was posted").shows("{&#34;b&#34;:1.50,&#34;a&#34;:[1e3]}");
    let page = admin.get(&format!("{LIST}/{}", binary["id"].as_str().unwrap())).await;
    page.shows("3 bytes that aren’t text")
        .shows("image/png")
        .shows("no webhook at that time")
        .lacks("As it was posted");
}

#[tokio::test]
async fn a_tenant_sees_only_his_own() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    let others = world.publish("order.others", json!({})).await;
    let own = world.post("/api/events", json!({ "type": "order.his", "data": 1, "tenant": "acme" })).await.ok();
    let own = own["id"].as_str().unwrap();
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    tenant.get(LIST).await.shows(own).lacks(&others).lacks("All tenants");
    tenant.get(&format!("{LIST}/{own}")).await.shows("order.his");
    assert_eq!(tenant.get(&format!("{LIST}/{others}")).await.status, 404);
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get(LIST).await.shows(own).shows(&others).shows("All tenants");
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    world.webhook_with(json!({ "name": planted, "events": ["*"] })).await;
    let event = json!({ "type": "order.paid", "data": { "note": planted, "</code>": 1 }, "id": planted });
    let event = world.post("/api/events", event).await.ok()["id"].as_str().unwrap().to_owned();
    let admin = Browser::admin(&world).await;
    let query: String = url::form_urlencoded::byte_serialize(planted.as_bytes()).collect();
    let paths = [
        LIST.to_owned(),
        format!("{LIST}?externalId={query}&type={query}&since={query}"),
        format!("{LIST}/{event}"),
        format!("{LIST}/{event}?search={query}"),
    ];
    for path in &paths {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.lacks("<script>alert").lacks("<img src=x").shows("&#60;script&#62;alert(1)&#60;/script&#62;");
    }
}
