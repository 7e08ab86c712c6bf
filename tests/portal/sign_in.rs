//! Who gets in, and for how long.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, link};
use crate::world::{ADMIN, World};

const WEBHOOKS: &str = "/admin/webhooks";
const MINUTE: u64 = 60_000;

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_the_door_and_back() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let sent = browser.get("/admin/webhooks?status=active").await;
    let door = sent.location().to_owned();
    assert_eq!(door, "/admin/sign-in?next=%2Fadmin%2Fwebhooks%3Fstatus%3Dactive");
    browser.get(&door).await.shows("name=\"token\"").shows("value=\"/admin/webhooks?status=active\"");
    let entered = browser.post("/admin/sign-in", &[("token", ADMIN), ("next", "/admin/webhooks?status=active")]).await;
    assert_eq!(entered.location(), "/admin/webhooks?status=active");
    assert_eq!(browser.get(entered.location()).await.status, 200);
    assert_eq!(browser.get(&door).await.location(), "/admin/webhooks?status=active", "he is in already");
    assert_eq!(browser.get("/admin").await.location(), "/admin/overview");
    let elsewhere = browser.post("/admin/sign-in", &[("token", ADMIN), ("next", "//evil.example")]).await;
    assert_eq!(elsewhere.location(), "/admin/overview");
}

#[tokio::test]
async fn a_session_is_in_a_cookie_that_no_script_and_no_other_site_has() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let entered = browser.post("/admin/sign-in", &[("token", ADMIN)]).await;
    let cookie = entered.header("set-cookie");
    for part in ["waxwing_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(ADMIN), "{cookie}");
    let over_tls = browser.form("/admin/sign-in", &[("token", ADMIN)]).header("x-forwarded-proto", "https");
    assert!(browser.send(over_tls).await.header("set-cookie").contains("; Secure"));
}

#[tokio::test]
async fn a_link_shows_a_button_and_signs_in_once() {
    let world = World::start().await;
    let path = link(&world, json!({})).await;
    let (browser, late) = (Browser::new(&world), Browser::new(&world));
    for _ in 0..3 {
        browser.get(&path).await.shows("role <strong>admin</strong>").shows("Continue");
    }
    assert_eq!(browser.get(WEBHOOKS).await.status, 303, "looking at it signs nobody in");
    assert_eq!(browser.post(&path, &[]).await.location(), "/admin/overview");
    assert_eq!(browser.get(WEBHOOKS).await.status, 200);
    let refused = late.post(&path, &[]).await;
    assert_eq!(refused.status, 410);
    refused.shows("no longer works");
    assert_eq!(late.get(&path).await.status, 410);
    assert_eq!(late.get(WEBHOOKS).await.status, 303);
    let audit = world.get("/api/audit").await.ok().to_string();
    assert!(audit.contains("portal.link") && audit.contains("portal.sign-in") && audit.contains(" by link"), "{audit}");
    assert!(!audit.contains(path.rsplit('/').next().unwrap()), "{audit}");
}

#[tokio::test]
async fn a_link_and_a_session_end_with_their_time() {
    let world = World::start().await;
    let brief = link(&world, json!({ "role": "viewer", "expiresInMinutes": 1 })).await;
    let path = link(&world, json!({ "role": "viewer", "expiresInMinutes": 2 })).await;
    let browser = Browser::new(&world);
    world.clock.0.store(MINUTE, Ordering::Relaxed);
    assert_eq!(browser.post(&brief, &[]).await.status, 410);
    assert_eq!(browser.post(&path, &[]).await.status, 303);
    world.clock.0.store(12 * 60 * MINUTE, Ordering::Relaxed);
    assert_eq!(browser.get(WEBHOOKS).await.status, 200);
    world.clock.0.store((12 * 60 + 2) * MINUTE, Ordering::Relaxed);
    assert_eq!(browser.get(WEBHOOKS).await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let world = World::start().await;
    let browser = Browser::admin(&world).await;
    let kept = browser.cookies.lock().clone();
    assert_eq!(browser.submit("/admin/sign-out", &[]).await.location(), "/admin/sign-in");
    assert!(browser.cookies.lock().is_empty());
    *browser.cookies.lock() = kept;
    assert_eq!(browser.get(WEBHOOKS).await.status, 303, "the old cookie opens nothing");
}

#[tokio::test]
async fn a_session_ends_with_the_token_behind_it() {
    let world = World::start().await;
    let made = world.post("/api/tokens", json!({ "name": "ops", "role": "admin" })).await.ok();
    let token = made["token"].as_str().unwrap();
    let by_token = Browser::signed_in(&world, token).await;
    let made_by_it = world.request(Method::POST, "/api/portal/links").bearer_auth(token).json(&json!({}));
    let url = world.send(made_by_it).await.ok()["url"].as_str().unwrap().to_owned();
    let (by_link, unused) = (Browser::new(&world), url.split_once("/admin").unwrap().1.to_owned());
    assert_eq!(by_link.post(&format!("/admin{unused}"), &[]).await.status, 303);
    let again = world.request(Method::POST, "/api/portal/links").bearer_auth(token).json(&json!({}));
    let unused = world.send(again).await.ok()["url"].as_str().unwrap().split_once("/admin").unwrap().1.to_owned();
    for browser in [&by_token, &by_link] {
        assert_eq!(browser.get(WEBHOOKS).await.status, 200);
    }
    assert_eq!(world.delete(&format!("/api/tokens/{}", made["id"].as_str().unwrap())).await.status, 204);
    for browser in [&by_token, &by_link] {
        assert_eq!(browser.get(WEBHOOKS).await.status, 303);
    }
    assert_eq!(by_link.post(&format!("/admin{unused}"), &[]).await.status, 410);
}

#[tokio::test]
async fn wrong_tokens_are_told_at_their_field_and_not_looked_at_for_long() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let wrong = async || browser.post("/admin/sign-in", &[("token", "wxt_<b>wrong</b>")]).await;
    let page = wrong().await;
    assert_eq!(page.status, 403);
    page.shows("aria-invalid=\"true\"").shows("href=\"#field-token\"").shows("not known here").lacks("<b>wrong</b>");
    for _ in 0..9 {
        assert_eq!(wrong().await.status, 403);
    }
    let limited = wrong().await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").parse::<u32>().unwrap() <= 60);
    assert_eq!(browser.post("/admin/sign-in", &[("token", ADMIN)]).await.status, 429, "right ones aren't, either");
    world.clock.0.store(MINUTE, Ordering::Relaxed);
    assert_eq!(browser.post("/admin/sign-in", &[("token", ADMIN)]).await.status, 303);
}

#[tokio::test]
async fn a_publisher_is_told_why_he_has_nothing_to_see() {
    let world = World::start().await;
    let token = world.token("publisher", None).await;
    let browser = Browser::new(&world);
    let page = browser.post("/admin/sign-in", &[("token", &token)]).await;
    assert_eq!(page.status, 403);
    page.shows("publisher posts events and sees nothing");
    assert!(browser.cookies.lock().is_empty());
}

#[tokio::test]
async fn a_link_is_made_by_admins_and_says_what_is_wrong_with_it() {
    let world = World::start().await;
    let viewer = world.token("viewer", None).await;
    let asked = world.request(Method::POST, "/api/portal/links").bearer_auth(viewer).json(&json!({}));
    world.send(asked).await.refused(403, "role-insufficient");
    for (body, code, pointer) in [
        (json!({ "role": "publisher" }), "invalid-value", "/role"),
        (json!({ "role": "tenant" }), "missing", "/tenant"),
        (json!({ "tenant": "nobody" }), "unknown-tenant", "/tenant"),
        (json!({ "expiresInMinutes": 0 }), "out-of-bounds", "/expiresInMinutes"),
        (json!({ "expiresInMinutes": 1441 }), "out-of-bounds", "/expiresInMinutes"),
        (json!({ "allowedOrigin": "https://app.example.com" }), "invalid-value", "/allowedOrigin"),
        (json!({ "role": "tenant", "tenant": "default", "allowedOrigin": "app" }), "invalid-url", "/allowedOrigin"),
    ] {
        let problem = world.post("/api/portal/links", body).await.refused(422, code);
        assert_eq!(crate::world::pointers(&problem), [pointer], "{problem:#}");
    }
}
