//! The catalogue: read by everybody, changed by admins.

use serde_json::json;

use crate::browser::{Browser, named};
use crate::world::World;

const LIST: &str = "/admin/event-types";
const NEW: &str = "/admin/event-types/-/new";

#[tokio::test]
async fn the_catalogue_is_listed_by_group_and_searched() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(LIST).await;
    page.shows(">license</h2>")
        .shows(">activation</h2>")
        .shows("href=\"/admin/event-types/license.activated\"")
        .shows("Add event type");
    page.shows("aria-current=\"page\"");
    admin.get(&format!("{LIST}?search=TELEM")).await.shows(">telemetry.flagged</a>").lacks(">license</h2>");
    admin.get(&format!("{LIST}?search=%3Cb%3E")).await.shows("No event type matches").shows("value=\"&#60;b&#62;\"");
}

#[tokio::test]
async fn a_type_shows_its_sample_its_schema_and_who_wants_it() {
    let world = World::start().await;
    let all = named(&world, "takes everything").await;
    world.webhook_with(json!({ "name": "takes others", "events": ["product.*"] })).await;
    world.put("/api/event-types/license.activated", json!({ "schema": { "type": "object" } })).await.ok();
    let page = Browser::admin(&world).await.get("/admin/event-types/license.activated").await;
    page.shows("licenseKey").shows("&#34;type&#34;: &#34;object&#34;").shows("<code>*</code>").lacks("takes others");
    page.shows(&format!("href=\"/admin/webhooks/{all}\">takes everything</a>")).shows("Delete license.activated");
    assert_eq!(Browser::admin(&world).await.get("/admin/event-types/no.such").await.status, 404);
    assert_eq!(Browser::admin(&world).await.get("/admin/event-types/a..b").await.status, 404);
}

#[tokio::test]
async fn a_type_is_added_changed_and_taken_out_by_forms() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    admin.get(NEW).await.shows("name=\"type\"").shows("<textarea id=\"field-schema\"");
    let typed = [("type", "order.paid"), ("description", "Money came"), ("sample", "{\"total\": 5}"), ("schema", "")];
    let made = admin.submit(NEW, &typed).await;
    assert_eq!(made.location(), "/admin/event-types/order.paid?done=created");
    admin.get(made.location()).await.shows("Money came").shows("is in the catalogue").shows("total");
    let edit = "/admin/event-types/order.paid/edit";
    admin.get(edit).await.shows("&#34;total&#34;: 5").lacks(" checked").lacks("name=\"type\"");
    let typed = [("description", "Paid"), ("sample", ""), ("schema", "{\"type\":\"object\"}"), ("deprecated", "yes")];
    assert_eq!(admin.submit(edit, &typed).await.location(), "/admin/event-types/order.paid?done=changed");
    let shown = world.get("/api/event-types/order.paid").await.ok();
    assert_eq!((&shown["sample"], &shown["deprecated"]), (&json!(null), &json!(true)));
    admin.get("/admin/event-types/order.paid").await.shows("Deprecated: it may still be sent");
    admin.get(edit).await.shows(" checked");
    assert_eq!(
        admin.submit("/admin/event-types/order.paid/delete", &[]).await.location(),
        "/admin/event-types?done=deleted"
    );
    world.get("/api/event-types/order.paid").await.refused(404, "not-found");
    assert_eq!(admin.submit(edit, &typed).await.status, 404, "it isn't made anew");
}

#[tokio::test]
async fn each_fault_stands_at_its_field_and_what_was_typed_stays() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let typed = [("type", "a b"), ("description", "<i>x</i>"), ("sample", "{\"a\""), ("schema", "{,}")];
    let refused = admin.submit(NEW, &typed).await;
    assert_eq!(refused.status, 422);
    refused.shows("3 things need correcting").shows("value=\"a b\"").shows("&#60;i&#62;x&#60;/i&#62;").lacks("<i>x");
    for field in ["type", "sample", "schema"] {
        refused.shows(&format!("id=\"field-{field}-error\""));
    }
    let unfit = [("type", "a.b"), ("sample", "{}"), ("schema", "{\"type\": \"object\", \"required\": [\"total\"]}")];
    admin.submit(NEW, &unfit).await.shows("id=\"field-sample-error\"").lacks("id=\"field-schema-error\"");
    let taken = admin.submit(NEW, &[("type", "license.activated"), ("sample", "")]).await;
    assert_eq!(taken.status, 422);
    taken.shows("Is in the catalogue already");
    assert!(world.get("/api/event-types/license.activated").await.ok()["sample"].is_object());
}

#[tokio::test]
async fn whoever_is_no_admin_looks_only() {
    let world = World::start().await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    named(&world, "not-his").await;
    for (role, tenant) in [("viewer", None), ("tenant", Some("acme"))] {
        let browser = Browser::signed_in(&world, &world.token(role, tenant).await).await;
        browser.get(LIST).await.shows("license.activated").lacks("Add event type");
        let page = browser.get("/admin/event-types/license.activated").await;
        page.lacks("Delete license.activated").lacks("/edit\"");
        assert_eq!(page.text.contains("not-his"), tenant.is_none());
        assert_eq!(browser.get(NEW).await.status, 403);
        for path in [NEW, "/admin/event-types/license.activated/edit", "/admin/event-types/license.activated/delete"] {
            assert_eq!(browser.submit(path, &[("type", "x.y")]).await.status, 403, "{path}");
        }
    }
    assert_eq!(world.get("/api/event-types/license.activated").await.status, 200);
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "</textarea></code><script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let body = json!({ "description": planted, "sample": { "a": planted }, "schema": { "description": planted } });
    world.put("/api/event-types/x.y", body).await.ok();
    world.webhook_with(json!({ "name": planted, "events": ["*"] })).await;
    let admin = Browser::admin(&world).await;
    for path in [LIST, "/admin/event-types/x.y", "/admin/event-types/x.y/edit"] {
        let page = admin.get(path).await;
        page.lacks("<script>alert").lacks("<img src=x").shows("&#60;script&#62;alert(1)&#60;/script&#62;");
    }
}
