//! The list of webhooks, and what each role may do with it.

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, named};
use crate::world::World;

const LIST: &str = "/admin/webhooks";

#[tokio::test]
async fn the_list_shows_what_the_columns_say() {
    let world = World::start().await;
    world
        .webhook_with(json!({ "name": "CRM sync", "events": ["license.*", "order.paid"], "environment": "staging",
            "plugins": [{ "plugin": "filter", "settings": { "jq": "true" } }] }))
        .await;
    named(&world, "everything").await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(LIST).await;
    page.shows("CRM sync").shows(">staging<").shows("title=\"license.*, order.paid\">2<").shows(">ALL<");
    page.shows("filter@").shows("Active").shows(&world.sink.url()).shows("Nothing was tried in the last 24 hours");
    page.shows("href=\"/admin/webhooks/new\"").shows("aria-current=\"page\"");

    world.sink.answers(&[200, 500]);
    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    admin.get(LIST).await.shows("1 of 1 deliveries of the last 24 hours got through").shows("100 %");
    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    admin.get(LIST).await.shows("1 of 2 deliveries of the last 24 hours got through").shows("50 %");
}

#[tokio::test]
async fn it_is_searched_and_filtered_by_its_address() {
    let world = World::start().await;
    for (name, environment) in [("alpha", "production"), ("beta", "staging"), ("gamma", "staging")] {
        world.webhook_with(json!({ "name": name, "events": ["*"], "environment": environment })).await;
    }
    let admin = Browser::admin(&world).await;
    let paused = named(&world, "delta").await;
    world.post(&format!("/api/webhooks/{paused}/pause"), json!({})).await.ok();
    for (query, shown, hidden) in [
        ("search=ALP", "alpha", "beta"),
        ("search=secret-path", "alpha", "no such"),
        ("environment=staging", "gamma", "alpha"),
        ("status=paused", "delta", "beta"),
        ("status=inactive", "delta", "beta"),
        ("environment=staging&search=bet&status=active", "beta", "gamma"),
    ] {
        let page = admin.get(&format!("{LIST}?{query}")).await;
        page.shows(&format!(">{shown}</a>")).lacks(&format!(">{hidden}</a>"));
    }
    admin
        .get(&format!("{LIST}?search=nothing-like-it"))
        .await
        .shows("No webhook matches")
        .shows("value=\"nothing-like-it\"");
    admin.get(&format!("{LIST}?environment=staging")).await.shows("<option value=\"staging\" selected>");
}

#[tokio::test]
async fn pages_keep_their_filters() {
    let world = World::start().await;
    for number in 0..51 {
        named(&world, &format!("hook {number:02}")).await;
    }
    let admin = Browser::admin(&world).await;
    let first = admin.get(&format!("{LIST}?search=hook")).await;
    first.shows("hook 50").lacks("hook 00");
    let next = first.text.split("href=\"").find(|part| part.contains("after=")).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&");
    assert!(next.starts_with("/admin/webhooks?search=hook&after="), "{next}");
    admin.get(&next).await.shows("hook 00").lacks("hook 50").shows("Newest");
    admin.get(&format!("{LIST}?after=nonsense")).await.shows("hook 50");
}

#[tokio::test]
async fn an_empty_list_says_how_to_begin() {
    let world = World::start().await;
    Browser::admin(&world).await.get(LIST).await.shows("No webhooks yet").shows("Create the first one");
    let token = world.token("viewer", None).await;
    Browser::signed_in(&world, &token).await.get(LIST).await.shows("No webhooks yet").lacks("Create");
}

#[tokio::test]
async fn each_button_does_what_it_says_and_comes_back_to_where_it_was() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let status = async || world.get(&format!("/api/webhooks/{id}")).await.ok()["status"].as_str().unwrap().to_owned();
    for (action, after, said) in [
        ("pause", "paused", "is paused"),
        ("resume", "active", "is resumed"),
        ("disable", "disabled", "is inactive"),
        ("enable", "active", "is active"),
    ] {
        let back = ("back", "/admin/webhooks?search=shop");
        let done = admin.submit(&format!("{LIST}/{id}/{action}"), &[back]).await;
        assert!(done.location().starts_with("/admin/webhooks?search=shop&done="), "{}", done.location());
        admin.get(done.location()).await.shows(said).shows("role=\"status\"");
        assert_eq!(status().await, after);
    }
    admin.submit(&format!("{LIST}/{id}/disable"), &[]).await;
    let refused = admin.submit(&format!("{LIST}/{id}/pause"), &[]).await;
    assert_eq!(refused.status, 409);
    refused.shows("enable it first");
    let asked = admin.get(&format!("{LIST}/{id}/delete?back=%2Fadmin%2Fwebhooks%3Fsearch%3Dshop")).await;
    asked.shows("Delete “shop”?").shows("href=\"/admin/webhooks?search=shop\"");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.status, 200, "asking deletes nothing");
    assert_eq!(admin.submit(&format!("{LIST}/{id}/delete"), &[]).await.location(), "/admin/webhooks?done=deleted");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_viewer_sees_masked_urls_and_no_actions_and_may_do_none() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let token = world.token("viewer", None).await;
    let viewer = Browser::signed_in(&world, &token).await;
    let page = viewer.get(LIST).await;
    page.shows("shop")
        .lacks("secret-path")
        .shows("/…path")
        .lacks("Actions")
        .lacks("title=\"Pause\"")
        .lacks("Create webhook");
    page.lacks("/admin/sinks").shows("/admin/settings");
    for action in ["pause", "resume", "enable", "disable", "delete"] {
        let refused = viewer.submit(&format!("{LIST}/{id}/{action}"), &[]).await;
        assert_eq!(refused.status, 403, "{action}");
        refused.shows("Not allowed").shows("role tenant or admin");
    }
    let asked = viewer.get(&format!("{LIST}/{id}/delete")).await;
    assert_eq!(asked.status, 403);
    asked.lacks("secret-path");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["status"], "active");
}

#[tokio::test]
async fn a_tenant_sees_and_changes_only_his_own() {
    let world = World::start().await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(crate::world::ADMIN)).await.ok();
    let others = named(&world, "not-his").await;
    let own = world.webhook_with(json!({ "name": "his-own", "events": ["*"], "tenant": "acme" })).await;
    let own = own["id"].as_str().unwrap();
    let token = world.token("tenant", Some("acme")).await;
    let tenant = Browser::signed_in(&world, &token).await;
    let page = tenant.get(LIST).await;
    page.shows("his-own").lacks("not-his").lacks("/admin/settings").lacks("All tenants").shows(&world.sink.url());
    for query in ["tenant=default", "search=not-his"] {
        tenant.get(&format!("{LIST}?{query}")).await.lacks(">not-his</a>");
    }
    for action in ["pause", "disable", "delete"] {
        assert_eq!(tenant.submit(&format!("{LIST}/{others}/{action}"), &[]).await.status, 404, "{action}");
    }
    assert_eq!(tenant.submit(&format!("{LIST}/{own}/pause"), &[]).await.status, 303);
    assert_eq!(world.get(&format!("/api/webhooks/{others}")).await.ok()["status"], "active");
    let admin = Browser::admin(&world).await;
    admin.get(LIST).await.shows("All tenants").shows("his-own").shows("not-his");
    admin.get(&format!("{LIST}?tenant=acme")).await.shows(">his-own</a>").lacks(">not-his</a>");
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let url = format!("{}?q=<script>alert(3)</script>&\"'", world.sink.url());
    let made =
        world.webhook_with(json!({ "name": planted, "description": planted, "url": url, "events": ["*"] })).await;
    let admin = Browser::admin(&world).await;
    let query: String = url::form_urlencoded::byte_serialize(planted.as_bytes()).collect();
    let delete = format!("{LIST}/{}/delete", made["id"].as_str().unwrap());
    for path in [LIST, &format!("{LIST}?search={query}"), &delete] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.lacks("<script>alert")
            .lacks("<img src=x")
            .lacks("'><img")
            .shows("&#60;script&#62;alert(1)&#60;/script&#62;");
    }
}
