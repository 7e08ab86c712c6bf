//! The log: its list, and one delivery as a timeline.

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, Page, named};
use crate::world::{ADMIN, World};

pub(crate) const LIST: &str = "/admin/deliveries";
const PLANTED: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

/// An event's only delivery, after it was tried; its id.
pub(crate) async fn delivered(world: &World, event_type: &str) -> String {
    let event = world.publish(event_type, json!({ "n": 1 })).await;
    world.deliver().await;
    world.delivery_of(&event).await["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn without_retries(world: &World, name: &str) -> String {
    let made = json!({ "name": name, "events": ["*"], "retry": { "delaysSeconds": [] } });
    world.webhook_with(made).await["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn shows_delivery(page: &Page, id: &str, whether: bool) {
    assert_eq!(page.text.contains(&format!("href=\"{LIST}/{id}\"")), whether, "{id} in {}", page.text);
}

#[tokio::test]
async fn the_list_shows_what_the_columns_say_and_leads_to_each() {
    let world = World::start().await;
    let made = json!({ "name": "CRM sync", "events": ["*"], "retry": { "delaysSeconds": [3600] } });
    let webhook = world.webhook_with(made).await["id"].as_str().unwrap().to_owned();
    world.sink.answers(&[503, 200]);
    let first = delivered(&world, "order.lost").await;
    let second = delivered(&world, "order.paid").await;
    let page = Browser::admin(&world).await.get(LIST).await;
    shows_delivery(&page, &first, true);
    shows_delivery(&page, &second, true);
    page.shows(">order.paid</a>").shows("CRM sync").shows(">503<").shows(">200<").shows("Pending").shows("Delivered");
    page.shows(&format!("href=\"/admin/webhooks/{webhook}\"")).shows("href=\"/admin/events/evt_").shows(">in ");
    page.shows(&format!("name=\"id\" value=\"{first}\"")).shows("Retry chosen").shows("Replay all that match");
    assert!(page.text.find(&second) < page.text.find(&first), "newest first");
}

#[tokio::test]
async fn it_is_filtered_by_its_address() {
    let world = World::start().await;
    let one = without_retries(&world, "one").await;
    world.sink.answers(&[404]);
    let lost = delivered(&world, "order.lost").await;
    let paid = delivered(&world, "order.paid").await;
    let event = world.get(&format!("/api/deliveries/{paid}")).await.ok()["eventId"].as_str().unwrap().to_owned();
    let admin = Browser::admin(&world).await;
    for (query, shows_lost, shows_paid) in [
        (format!("webhook={one}"), true, true),
        ("status=failed".to_owned(), true, false),
        ("status=delivered".to_owned(), false, true),
        ("type=order.paid".to_owned(), false, true),
        ("httpClass=4".to_owned(), true, false),
        (format!("event={event}"), false, true),
        ("environment=staging".to_owned(), false, false),
        ("tenant=default&until=2100-01-01".to_owned(), true, true),
        ("since=2100-01-01T00:00".to_owned(), false, false),
        ("status=&type=order.lost&webhook=".to_owned(), true, false),
    ] {
        let page = admin.get(&format!("{LIST}?{query}")).await;
        shows_delivery(&page, &lost, shows_lost);
        shows_delivery(&page, &paid, shows_paid);
        page.shows("Clear");
    }
    admin
        .get(&format!("{LIST}?status=failed"))
        .await
        .shows("<option value=\"failed\" selected>")
        .lacks("<details open");
    admin.get(&format!("{LIST}?environment=staging")).await.shows("No delivery matches").shows("<details open");
    let moved = admin.get("/admin/webhook-deliveries?status=failed").await;
    assert_eq!((moved.status, moved.header("location")), (308, "/admin/deliveries?status=failed"));
    let moved = admin.get(&format!("/admin/webhook-deliveries/{paid}")).await;
    assert_eq!(moved.header("location"), format!("{LIST}/{paid}"));
}

#[tokio::test]
async fn a_filter_that_can_not_be_read_says_so_beside_it_and_keeps_what_was_typed() {
    let world = World::start().await;
    named(&world, "one").await;
    delivered(&world, "order.paid").await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(&format!("{LIST}?event=order-7&since=yesterday&type=a..b&httpClass=9")).await;
    page.shows("4 things need correcting")
        .shows("value=\"order-7\"")
        .shows("value=\"yesterday\"")
        .shows("value=\"a..b\"");
    page.shows("id=\"field-since-error\"").shows("href=\"#field-event\"").lacks(">order.paid</a>");
    let refused = admin.get(&format!("{LIST}/replay?since=yesterday")).await;
    assert_eq!(refused.status, 422);
    refused.shows("since");
    assert_eq!(admin.submit(&format!("{LIST}/replay"), &[("status", "lost")]).await.status, 422);
}

#[tokio::test]
async fn an_empty_list_says_what_will_stand_there() {
    let world = World::start().await;
    Browser::admin(&world).await.get(LIST).await.shows("No deliveries yet").lacks("Replay all");
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended() {
    let world = World::start().await;
    let path = format!("/api/webhooks/{}", without_retries(&world, "one").await);
    world.post(&format!("{path}/pause"), json!({})).await.ok();
    let events: Vec<_> = (0..51).map(|number| json!({ "type": "order.paid", "data": number })).collect();
    world.post("/api/events", json!(events)).await.ok();
    let admin = Browser::admin(&world).await;
    let first = admin.get(&format!("{LIST}?type=order.paid")).await;
    assert_eq!(first.text.matches("name=\"id\"").count(), 50);
    let next = first.text.split("href=\"").find(|part| part.contains("after=")).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&");
    assert!(next.starts_with("/admin/deliveries?type=order.paid&after="), "{next}");
    let second = admin.get(&next).await;
    assert_eq!(second.text.matches("name=\"id\"").count(), 1);
    second.shows("Newest");
}

#[tokio::test]
async fn the_timeline_tells_what_happened_from_acceptance_to_the_end() {
    let world = World::start().await;
    named(&world, "CRM sync").await;
    world.sink.answers(&[503]);
    let id = delivered(&world, "order.paid").await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(&format!("{LIST}/{id}")).await;
    page.shows("Accepted").shows("Routed").shows("<code>webhook-signature</code>").shows("Attempt 1").shows("Rejected");
    page.shows("Answered 503.").shows("Response 503").shows("seen").shows("Again in ").shows("Next attempt");
    page.shows("<rect class=").shows("First byte").shows("Total").shows("webhook-id: evt_");
    page.shows("&#34;n&#34;: 1").shows("curl -X POST &#39;http://127.0.0.1").shows("secret-path").shows("data-copy=");
    page.shows("/…path").shows("href=\"/admin/events/evt_");
    world.clock.0.store(60_000, std::sync::atomic::Ordering::Relaxed);
    world.deliver().await;
    let page = admin.get(&format!("{LIST}/{id}")).await;
    page.shows("Attempt 2").shows("Response 200").shows("Ended").lacks("Next attempt");
    for path in ["none", "delivery_0000000000001"] {
        assert_eq!(admin.get(&format!("{LIST}/{path}")).await.status, 404);
    }
}

#[tokio::test]
async fn each_plugin_tells_its_verdict_its_cost_and_what_it_changed() {
    let world = World::start().await;
    let redact = json!({ "plugin": "redact", "settings": { "remove": ["/card"] } });
    world.webhook_with(json!({ "events": ["*"], "plugins": [redact] })).await;
    let event = world.publish("order.paid", json!({ "card": "4111", "n": 1 })).await;
    world.deliver().await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let page = Browser::admin(&world).await.get(&format!("{LIST}/{id}")).await;
    page.shows("Plugin redact@").shows("Replace").shows("<meter").shows("Fuel").shows("Memory").shows("sha256:");
    page.shows("Changed by the plugins")
        .shows("<del>-   &#34;card&#34;: &#34;4111&#34;,</del>")
        .shows("&#34;n&#34;: 1");
}

#[tokio::test]
async fn what_a_filter_dropped_says_by_which_plugin() {
    let world = World::start().await;
    let filter = json!({ "plugin": "filter", "settings": { "jq": "false" } });
    world.webhook_with(json!({ "events": ["*"], "plugins": [filter] })).await;
    let id = delivered(&world, "order.paid").await;
    let page = Browser::admin(&world).await.get(&format!("{LIST}/{id}")).await;
    page.shows("Dropped by filter@").shows("Plugin filter@").lacks("As curl").lacks("<summary>Response");
}

#[tokio::test]
async fn a_viewer_sees_the_log_with_masked_urls_and_can_do_nothing() {
    let world = World::start().await;
    let keygen = json!({ "events": ["*"], "format": "keygen", "formatOptions": { "account": "acme" } });
    world.webhook_with(keygen).await;
    let id = delivered(&world, "order.paid").await;
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    let list = viewer.get(LIST).await;
    shows_delivery(&list, &id, true);
    list.lacks("Retry chosen").lacks("type=\"checkbox\"").lacks("Replay all");
    let page = viewer.get(&format!("{LIST}/{id}")).await;
    page.shows("Body").shows("As curl").lacks("secret-path").lacks("/retry\"").lacks("/replay\"");
    for action in [format!("{id}/retry"), format!("{id}/replay"), "replay".to_owned()] {
        assert_eq!(viewer.submit(&format!("{LIST}/{action}"), &[]).await.status, 403, "{action}");
    }
    assert_eq!(viewer.submit(&format!("{LIST}/retry"), &[("id", &id)]).await.status, 403);
    assert_eq!(viewer.get(&format!("{LIST}/replay")).await.status, 403);
    Browser::admin(&world).await.get(&format!("{LIST}/{id}")).await.shows("secret-path");
}

#[tokio::test]
async fn a_tenant_sees_and_repeats_only_his_own() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    named(&world, "not-his").await;
    world.webhook_with(json!({ "name": "his-own", "events": ["*"], "tenant": "acme" })).await;
    let others = delivered(&world, "order.others").await;
    let posted = world.post("/api/events", json!({ "type": "order.his", "data": 1, "tenant": "acme" })).await.ok();
    world.deliver().await;
    let own = world.delivery_of(posted["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    let list = tenant.get(LIST).await;
    shows_delivery(&list, &own, true);
    shows_delivery(&list, &others, false);
    list.lacks("not-his").lacks("All tenants").shows("his-own");
    assert_eq!(tenant.get(&format!("{LIST}/{others}")).await.status, 404);
    for action in ["retry", "replay"] {
        assert_eq!(tenant.submit(&format!("{LIST}/{others}/{action}"), &[]).await.status, 404, "{action}");
        assert_eq!(tenant.submit(&format!("{LIST}/{own}/{action}"), &[]).await.status, 303, "{action}");
    }
    assert_eq!(tenant.submit(&format!("{LIST}/retry"), &[("id", &others)]).await.status, 404);
    world.deliver().await;
    tenant.get(&format!("{LIST}/replay")).await.shows("Replay 2 deliveries?");
    Browser::admin(&world).await.get(LIST).await.shows("All tenants");
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let filter = json!({ "plugin": "filter", "settings": { "jq": "true" } });
    let url = format!("{}?q=<script>alert(3)</script>", world.sink.url());
    world.webhook_with(json!({ "name": PLANTED, "url": url, "events": ["*"], "plugins": [filter] })).await;
    let event = json!({ "type": "order.paid", "data": { "note": PLANTED, "</code>": 1 }, "id": PLANTED });
    let event = world.post("/api/events", event).await.ok()["id"].as_str().unwrap().to_owned();
    world.deliver().await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let admin = Browser::admin(&world).await;
    let query: String = url::form_urlencoded::byte_serialize(PLANTED.as_bytes()).collect();
    let planted = format!("{LIST}?event={query}&type={query}&since={query}&webhook={query}");
    for path in [LIST, &format!("{LIST}/{id}"), &planted, &format!("{LIST}/replay?type=order.paid")] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.lacks("<script>alert").lacks("<img src=x").lacks("style=").lacks("<style");
    }
    admin
        .get(&format!("{LIST}/{id}"))
        .await
        .shows("&#60;script&#62;alert(1)&#60;/script&#62;")
        .shows("&#60;/code&#62;");
}
