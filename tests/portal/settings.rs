//! Settings, tenants, tokens, the audit log.

use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

const SERVER: &str = "/admin/settings";
const TENANTS: &str = "/admin/settings/tenants";
const TOKENS: &str = "/admin/settings/tokens";
const AUDIT: &str = "/admin/settings/audit";

#[tokio::test]
async fn the_servers_defaults_are_shown_and_changed() {
    let world = World::with(&[("WAXWING_DEFAULT_FORMAT", "github"), ("WAXWING_ALLOW_NETWORKS", "10.1.0.0/16")]).await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(SERVER).await;
    page.shows("<option value=\"github\" selected>").shows("<option value=\"standard\" selected>standard: 9 retries");
    page.shows("10.1.0.0/16").shows("16 MiB").shows("Those of this machine").shows("href=\"/admin/portal-links\"");
    let own = [("format", "stripe"), ("environment", "staging"), ("retry", "custom"), ("delays", "5, 60")];
    let changed = admin.submit(SERVER, &own).await;
    assert_eq!(changed.location(), "/admin/settings?done=changed");
    admin.get(changed.location()).await.shows("The settings were changed").shows("value=\"5, 60\"");
    let shown = world.get("/api/settings").await.ok();
    assert_eq!((&shown["defaultFormat"], &shown["defaultEnvironment"]), (&json!("stripe"), &json!("staging")));
    assert_eq!(shown["defaultRetry"], json!({ "delaysSeconds": [5, 60] }));
    admin.submit(SERVER, &[("format", ""), ("environment", ""), ("retry", "")]).await;
    let shown = world.get("/api/settings").await.ok();
    assert_eq!((&shown["defaultFormat"], &shown["defaultEnvironment"]), (&json!("github"), &json!("production")));
    assert_eq!(shown["defaultRetry"], json!("standard"));
}

#[tokio::test]
async fn each_fault_of_the_settings_stands_at_its_field() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let typed = [("format", "telex"), ("environment", "<b>"), ("retry", "custom"), ("delays", "soon")];
    let refused = admin.submit(SERVER, &typed).await;
    assert_eq!(refused.status, 422);
    refused.shows("3 things need correcting").shows("value=\"&#60;b&#62;\"").shows("value=\"soon\"");
    for field in ["format", "environment", "delays"] {
        refused.shows(&format!("id=\"field-{field}-error\""));
    }
    let refused = admin.submit(SERVER, &[("retry", "never")]).await;
    refused.shows("id=\"field-retry-error\"").shows("Unknown retry policy");
}

#[tokio::test]
async fn a_tenants_plan_is_made_changed_and_deleted() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin.get(TENANTS).await.shows("href=\"/admin/settings/tenants/default\"").shows("any number");
    let new = "/admin/settings/tenants/-/new";
    admin.get(new).await.shows("value=\"10000\"").shows("<option value=\"30\" selected>");
    let typed = [("name", "acme"), ("max_webhooks", "3"), ("max_held", ""), ("retention", "7"), ("strict", "yes")];
    assert_eq!(admin.submit(new, &typed).await.location(), "/admin/settings/tenants?done=tenant-created");
    let shown = world.get("/api/tenants/acme").await.ok();
    assert_eq!(
        (&shown["maxWebhooks"], &shown["retentionDays"], &shown["strict"]),
        (&json!(3), &json!(7), &json!(true))
    );
    admin.get(TENANTS).await.shows("7 days").shows(">strict<");
    let place = "/admin/settings/tenants/acme";
    admin.get(place).await.shows("value=\"3\"").shows(" checked").lacks("name=\"name\"");
    let refused = admin.submit(place, &[("max_webhooks", "many"), ("max_held", "99999999"), ("retention", "8")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("value=\"many\"").shows("id=\"field-max_webhooks-error\"");
    let refused = admin.submit(place, &[("max_held", "99999999"), ("retention", "8")]).await;
    refused.shows("id=\"field-max_held-error\"").shows("id=\"field-retention-error\"");
    let again = admin.submit(new, &[("name", "acme"), ("retention", "7")]).await;
    again.shows("Is there already");
    admin.submit(place, &[("max_webhooks", ""), ("retention", "30")]).await.location();
    assert_eq!(world.get("/api/tenants/acme").await.ok()["maxWebhooks"], json!(null));
    world.webhook_with(json!({ "events": ["*"], "tenant": "acme" })).await;
    let kept = admin.submit(&format!("{place}/delete"), &[]).await;
    assert_eq!(kept.status, 409);
    kept.shows("still has webhooks or events");
    world.put("/api/tenants/empty", json!({})).await.ok();
    let gone = admin.submit("/admin/settings/tenants/empty/delete", &[]).await;
    assert_eq!(gone.location(), "/admin/settings/tenants?done=tenant-deleted");
    assert_eq!(admin.get("/admin/settings/tenants/empty").await.status, 404);
}

#[tokio::test]
async fn a_token_is_shown_once_and_taken_back() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin.get(TOKENS).await.shows("No tokens yet").shows("Make a token");
    let made = admin.submit_on(TOKENS, &[("name", "CI"), ("role", "viewer"), ("tenant", ""), ("days", "30")]).await;
    assert_eq!(made.status, 200);
    let token = made.text.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(token.starts_with("wxt_"), "{token}");
    let viewer = Browser::signed_in(&world, &token).await;
    let listed = admin.get(TOKENS).await;
    listed.lacks(&token).shows(">CI</span>").shows("in 30 d");
    let id = world.get("/api/tokens").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    let place = format!("{TOKENS}/{id}/delete");
    admin.get(&place).await.shows("Delete “CI”?").lacks("signed in with it yourself");
    assert_eq!(admin.submit(&place, &[]).await.location(), "/admin/settings/tokens?done=token-deleted");
    assert_eq!(viewer.get("/admin/webhooks").await.status, 303, "its session is over");
    assert_eq!(admin.get(&place).await.status, 404);
    let own = Browser::signed_in(&world, &world.token("admin", None).await).await;
    let id = world.get("/api/tokens").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    own.get(&format!("{TOKENS}/{id}/delete")).await.shows("signed in with it yourself");
}

#[tokio::test]
async fn each_fault_of_a_token_stands_at_its_field() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let refused = admin.submit(TOKENS, &[("name", ""), ("role", "tenant"), ("tenant", ""), ("days", "")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("id=\"field-name-error\"").shows("id=\"field-tenant-error\"").lacks("data-copy");
    let refused =
        admin.submit(TOKENS, &[("name", "a\"b"), ("role", "king"), ("tenant", "A B"), ("days", "soon")]).await;
    refused.shows("3 things need correcting").shows("value=\"a&#34;b\"").shows("Choose one of the roles.");
    assert_eq!(world.get("/api/tokens").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn the_audit_log_says_who_changed_what_a_page_at_a_time() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    for number in 0..51 {
        world.put(&format!("/api/event-types/type.n{number:02}"), json!({})).await.ok();
    }
    let first = admin.get(AUDIT).await;
    first.shows("event-type.create").shows("type.n50").lacks("type.n00").shows("WAXWING_ADMIN_TOKEN");
    let next = first.text.split("href=\"").find(|part| part.contains("after=")).unwrap().split('"').next().unwrap();
    admin.get(next).await.shows("type.n00").shows("tenant.create");
    admin.get(&format!("{AUDIT}?tenant=acme")).await.shows("tenant.create").lacks("event-type.create");
    admin.get(&format!("{AUDIT}?tenant=nobody")).await.shows("No change of this tenant");
}

#[tokio::test]
async fn a_viewer_looks_only_and_a_tenant_sees_nothing_of_others() {
    let world = World::start().await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    let page = viewer.get(SERVER).await;
    page.lacks("<form class=\"card\"").lacks(TOKENS).lacks(AUDIT).shows("Allowed networks").shows(">standard</dd>");
    viewer.get(TENANTS).await.shows("acme").lacks("Add tenant").lacks("/admin/settings/tenants/acme");
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    tenant.get(TENANTS).await.shows("acme").lacks(">default<");
    for browser in [&viewer, &tenant] {
        for path in [TOKENS, AUDIT, "/admin/settings/tenants/-/new", "/admin/settings/tenants/acme"] {
            assert_eq!(browser.get(path).await.status, 403, "{path}");
        }
        for path in [SERVER, TOKENS, "/admin/settings/tenants/-/new", "/admin/settings/tenants/acme"] {
            assert_eq!(browser.submit(path, &[("name", "x"), ("role", "viewer")]).await.status, 403, "{path}");
        }
        assert_eq!(browser.submit("/admin/settings/tenants/acme/delete", &[]).await.status, 403);
    }
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let made = world.post("/api/tokens", json!({ "name": planted, "role": "viewer" })).await.ok();
    let admin = Browser::admin(&world).await;
    let delete = format!("{TOKENS}/{}/delete", made["id"].as_str().unwrap());
    for path in [TOKENS, AUDIT, &delete] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200);
        page.lacks("<script>alert").lacks("<img src=x").shows("&#60;script&#62;alert(1)&#60;/script&#62;");
    }
    let made = admin.submit_on(TOKENS, &[("name", planted), ("role", "viewer"), ("days", "")]).await;
    made.lacks("<script>alert").shows("Here is the token");
}
