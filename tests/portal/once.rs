//! What a form's answer shows once: a page that is loaded again, or by somebody else, neither makes nor shows anything.

use std::sync::atomic::Ordering;

use crate::browser::{Browser, named};
use crate::world::World;

const NEW: &str = "/admin/webhooks/new";
const TOKENS: &str = "/admin/settings/tokens";
const LINKS: &str = "/admin/portal-links";
const ONCE: &str = "waxwing_once";
const SHOWN: &str = "data-copy=\"";

#[tokio::test]
async fn a_page_that_is_loaded_again_makes_nothing_and_shows_no_secret() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let url = world.sink.url();
    let made = admin.submit(NEW, &[("url", url.as_str()), ("events", "*"), ("active", "yes")]).await;
    let page = made.location().to_owned();
    admin.get(&page).await.shows("Webhook created").shows(SHOWN);
    let id = world.get("/api/webhooks").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.get(&page).await.location(), format!("/admin/webhooks/{id}"));
    assert_eq!(world.get("/api/webhooks").await.ok()["data"].as_array().unwrap().len(), 1);

    let token = [("name", "CI"), ("role", "viewer"), ("days", "30")];
    assert_eq!(admin.submit(TOKENS, &token).await.location(), TOKENS);
    admin.get(TOKENS).await.shows("Here is the token for “CI”").shows(SHOWN);
    admin.get(TOKENS).await.lacks(SHOWN);
    assert_eq!(world.get("/api/tokens").await.ok()["data"].as_array().unwrap().len(), 1);

    let link = admin.submit(LINKS, &[("role", "viewer"), ("minutes", "5")]).await;
    admin.get(link.location()).await.shows(SHOWN);
    admin.get(link.location()).await.lacks(SHOWN).shows("<option value=\"viewer\" selected>");
}

#[tokio::test]
async fn what_is_handed_over_opens_for_one_session_on_one_page_and_for_a_minute() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let path = format!("/admin/webhooks/{id}/secret");
    let (admin, other) = (Browser::admin(&world).await, Browser::admin(&world).await);
    let handed_over = async || {
        let answer = admin.submit(&path, &[("overlap", "86400")]).await;
        assert_eq!(answer.location(), path);
        let set = answer.header("set-cookie").to_owned();
        assert!(set.contains("HttpOnly") && set.contains("Max-Age=60") && !set.contains("whsec_"), "{set}");
        admin.cookies.lock()[ONCE].clone()
    };
    let sealed = handed_over().await;
    other.cookies.lock().insert(ONCE.into(), sealed.clone());
    assert_eq!(other.get(&path).await.location(), format!("/admin/webhooks/{id}"), "another session");
    let page = admin.get(TOKENS).await;
    assert_eq!(page.status, 200, "another page");
    page.lacks(SHOWN);
    assert!(!admin.cookies.lock().contains_key(ONCE), "what nobody can show is thrown away");

    for damaged in ["", "x", "AAAA", &format!("{}A", handed_over().await)] {
        admin.cookies.lock().insert(ONCE.into(), damaged.to_owned());
        assert_eq!(admin.get(&path).await.status, 303, "{damaged:?}");
    }
    let late = handed_over().await;
    world.clock.0.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(admin.get(&path).await.status, 303, "a minute later");
    world.clock.0.fetch_sub(60_000, Ordering::Relaxed);
    admin.cookies.lock().insert(ONCE.into(), late);
    admin.get(&path).await.shows("Copy the secret now");
}
