//! What is posted must come from a page that was made for the very session.

use crate::browser::{Browser, named};
use crate::world::World;

#[tokio::test]
async fn a_form_without_its_hidden_field_or_with_anothers_changes_nothing() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let (browser, other) = (Browser::admin(&world).await, Browser::admin(&world).await);
    let foreign = other.get("/admin/webhooks").await.hidden("csrf");
    let path = format!("/admin/webhooks/{id}/pause");
    for csrf in ["", "0", &foreign] {
        let refused = browser.post(&path, &[("csrf", csrf)]).await;
        assert_eq!(refused.status, 403);
        refused.shows("Reload the page first");
    }
    assert_eq!(browser.post(&path, &[]).await.status, 403);
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["status"], "active");
    assert_eq!(browser.submit(&path, &[]).await.status, 303);
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["status"], "paused");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_whatever_it_knows() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let browser = Browser::admin(&world).await;
    let csrf = browser.get("/admin/webhooks").await.hidden("csrf");
    let path = format!("/admin/webhooks/{id}/pause");
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let form = browser.form(&path, &[("csrf", &csrf)]);
        let mut request = form.build().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        let refused = browser.send(reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request)).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
    }
    let signing_in = browser.form("/admin/sign-in", &[("token", "x")]).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(signing_in).await.status, 403);
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["status"], "active");
}

#[tokio::test]
async fn a_form_of_somebody_who_is_signed_out_says_so() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let refused = Browser::new(&world).post(&format!("/admin/webhooks/{id}/pause"), &[("csrf", "x")]).await;
    assert_eq!(refused.status, 403);
    refused.shows("You are signed out");
}

#[tokio::test]
async fn what_is_no_form_or_too_large_is_refused() {
    let world = World::start().await;
    let browser = Browser::admin(&world).await;
    let json = browser.request(reqwest::Method::POST, "/admin/theme").body("{}").header("content-type", "text/plain");
    assert_eq!(browser.send(json).await.status, 405);
    let large = "x".repeat(1024 * 1024);
    assert_eq!(browser.post("/admin/theme", &[("theme", &large)]).await.status, 413);
    let many = vec![("a", "b"); 2001];
    assert_eq!(browser.post("/admin/theme", &many).await.status, 413);
}

#[tokio::test]
async fn how_the_pages_look_is_remembered() {
    let world = World::start().await;
    let browser = Browser::admin(&world).await;
    browser.get("/admin/webhooks").await.shows("data-theme=\"system\"");
    let back = ("back", "/admin/webhooks?status=active");
    assert_eq!(browser.submit("/admin/theme", &[("theme", "dark"), back]).await.location(), back.1);
    browser.get("/admin/webhooks").await.shows("data-theme=\"dark\"").shows("value=\"dark\" aria-pressed=\"true\"");
    browser.submit("/admin/theme", &[("theme", "\"><script>"), back]).await;
    browser.get("/admin/webhooks").await.shows("data-theme=\"system\"");
}
