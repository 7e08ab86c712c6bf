//! What would be sent, shown in the form before it is saved, or what was sent, run again; and forms that begin with more than nothing.

use serde_json::json;

use crate::browser::{Browser, named};
use crate::deliveries::delivered;
use crate::world::World;

const NEW: &str = "/admin/webhooks/new";

/// `name@version` of a plugin that comes with the server.
async fn newest(world: &World, name: &str) -> String {
    let plugin = world.get(&format!("/api/plugins/{name}")).await.ok();
    format!("{name}@{}", plugin["version"].as_str().unwrap())
}

#[tokio::test]
async fn each_step_of_a_new_webhook_is_shown_and_nothing_is_kept() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let (redact, slack, url) = (newest(&world, "redact").await, newest(&world, "slack").await, world.sink.url());
    let typed = [
        ("name", "not yet"),
        ("url", url.as_str()),
        ("events", "*"),
        ("plugin.0", &redact),
        ("set.0./remove", "/card"),
        ("plugin.1", &slack),
        ("preview-type", "order.paid"),
        ("preview-data", "{\"card\": \"4242\", \"total\": 5}"),
        ("do", "preview"),
    ];
    let shown = admin.submit(NEW, &typed).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.shows(">Replace</span>").shows("<del>-   &#34;card&#34;: &#34;4242&#34;,</del>").shows(">Send</span>");
    shown.shows("Signed request").shows("webhook-signature: v1,").shows("Fuel used");
    shown.shows("value=\"not yet\"").shows("formaction=\"/admin/webhooks/new#preview\"");
    assert_eq!(world.get("/api/webhooks").await.ok()["data"], json!([]));
    assert!(world.sink.requests().is_empty());
}

#[tokio::test]
async fn a_change_is_previewed_over_a_stored_event_and_not_saved() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let event = world.publish("license.expired", json!({ "license": "K-7" })).await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{id}/edit");
    let (url, filter) = (world.sink.url(), newest(&world, "filter").await);
    let seen = world.get(&format!("/api/webhooks/{id}")).await.ok()["revision"].as_str().unwrap().to_owned();
    let typed = [
        ("revision", seen.as_str()),
        ("name", "shop"),
        ("url", &url),
        ("active", "yes"),
        ("events", "*"),
        ("plugin.0", &filter),
        ("set.0./jq", "false"),
        ("preview-event", &event),
        ("do", "preview"),
    ];
    let shown = admin.submit(&path, &typed).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.shows("Nothing would be sent").shows("<code>license.expired</code>").shows(">Drop</span>");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["plugins"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_previewed_is_said_at_its_field() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let url = world.sink.url();
    let typed = [("url", url.as_str()), ("events", "*"), ("do", "preview")];
    let unread = [("preview-type", "a b"), ("preview-data", "{"), ("preview-event", "event_x")];
    let refused = admin.submit(NEW, &[&typed[..], &unread].concat()).await;
    assert_eq!(refused.status, 422);
    for field in ["type", "data", "event"] {
        refused.shows(&format!("id=\"field-preview-{field}-error\""));
    }
    let unknown = [("preview-event", "evt_0000000000000")];
    let refused = admin.submit(NEW, &[&typed[..], &unknown].concat()).await;
    refused.shows("id=\"field-preview-event-error\"").shows("There is no event");
    let refused = admin.submit(NEW, &[("url", "nowhere"), ("events", "*"), ("do", "preview")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("id=\"field-url-error\"");
}

#[tokio::test]
async fn a_form_begins_with_a_template_or_with_what_its_address_says() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let form = admin.get("/admin/webhooks/new?template=slack-alerts").await;
    form.shows("value=\"Slack alerts\"")
        .shows("How to get the URL")
        .shows("<a href=\"#field-set-0--title\">Which headline?");
    form.shows("name=\"events\" value=\"license.activated\" checked").shows("name=\"template\" value=\"slack-alerts\"");
    form.shows(&format!("<option value=\"{}\" selected>", newest(&world, "slack").await));
    let slack = newest(&world, "slack").await;
    let added = [("template", "slack-alerts"), ("plugin.0", slack.as_str()), ("do", "add"), ("add", slack.as_str())];
    admin.submit(NEW, &added).await.shows("To be answered below");
    let hubspot = admin.get("/admin/webhooks/new?template=hubspot-contacts").await;
    hubspot.shows("value=\"https://api.hubapi.com").shows("name=\"plugin.0\"");
    let given = admin.get("/admin/webhooks/new?url=https%3A%2F%2Fexample.com%2F%22x&name=Try").await;
    given.shows("value=\"https://example.com/&#34;x\"").shows("value=\"Try\"").lacks("From the template");
    admin.get("/admin/webhooks/new?template=pigeons").await.lacks("From the template").shows("Create webhook");
}

#[tokio::test]
async fn a_form_begins_with_the_defaults_of_the_tenant_that_it_is_for() {
    let world = World::start().await;
    let defaults = json!({ "format": "stripe", "environment": "staging", "retry": "keygen" });
    world.put("/api/tenants/acme", json!({ "defaults": defaults })).await.ok();
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    for form in [tenant.get(NEW).await, Browser::admin(&world).await.get("/admin/webhooks/new?tenant=acme").await] {
        form.shows("<option value=\"stripe\" selected>").shows("<option value=\"staging\" selected>");
        form.shows("<option value=\"keygen\" selected>");
    }
    tenant.get("/admin/webhooks/new?tenant=other").await.shows("<option value=\"stripe\" selected>");
}

#[tokio::test]
async fn a_past_delivery_is_run_again_step_by_step_also_with_other_versions() {
    let world = World::start().await;
    let plugins = json!([{ "plugin": "redact", "settings": { "remove": ["/n"] } }, { "plugin": "slack" }]);
    world.webhook_with(json!({ "events": ["*"], "plugins": plugins })).await;
    let id = delivered(&world, "order.paid").await;
    let sent = world.sink.requests().len();
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/deliveries/{id}/rerun");
    admin.get(&format!("/admin/deliveries/{id}")).await.shows(&format!("href=\"{path}\""));
    let page = admin.get(&path).await;
    page.shows("The same bytes came out as then.").shows("<del>-   &#34;n&#34;: 1</del>").shows("Signed request");
    let redact = world.get("/api/plugins/redact").await.ok()["version"].as_str().unwrap().to_owned();
    page.shows(&format!("<option value=\"redact@{redact}\" selected>"));
    let again = admin.get(&format!("{path}?plugin=redact%40{redact}")).await;
    again.shows("The same bytes came out as then.");
    assert_eq!(admin.get(&format!("{path}?plugin=pigeons%401.0.0")).await.status, 422);
    assert_eq!(world.sink.requests().len(), sent);
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get(&format!("/admin/deliveries/{id}")).await.lacks("/rerun");
    assert_eq!(viewer.get(&path).await.status, 403);
}
