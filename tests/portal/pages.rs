//! What every page carries, and what becomes of an address that there isn't.

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, Page, link, named};
use crate::world::World;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn assert_guarded(page: &Page) {
    assert_eq!(page.header("content-security-policy"), POLICY);
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    // What the policy would keep from running shouldn't be there at all.
    for planted in ["<style", "style=", "onclick=", "<script>"] {
        assert!(!page.text.contains(planted), "{planted} in {}", page.text);
    }
}

#[tokio::test]
async fn every_page_is_guarded_whoever_looks_and_however_it_ends() {
    let world = World::start().await;
    let id = named(&world, "shop").await;
    let link = link(&world, json!({})).await;
    let (stranger, admin) = (Browser::new(&world), Browser::admin(&world).await);
    for path in ["/admin", "/admin/sign-in", "/admin/sign-in/none", &link, "/admin/webhooks", "/admin/nothing"] {
        assert_guarded(&stranger.get(path).await);
    }
    let delete = format!("/admin/webhooks/{id}/delete");
    for path in ["/admin/webhooks", "/admin/webhooks?search=none", &delete, "/admin/nothing", "/admin/webhooks/x/pause"]
    {
        assert_guarded(&admin.get(path).await);
    }
    assert_guarded(&admin.post("/admin/webhooks/x/pause", &[]).await);
}

#[tokio::test]
async fn an_address_that_there_is_not_is_a_page_with_the_way_back() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    for path in ["/admin/nothing", "/admin/webhooks/webhook_0000000000001/delete", "/admin/webhooks/none/delete"] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        page.shows("Not found").shows("href=\"/admin/webhooks\"");
    }
    assert_eq!(admin.get("/administrator").await.header("content-type"), "application/problem+json");
    let put = admin.request(Method::PUT, "/admin/webhooks").header("origin", format!("http://{}", world.app.address()));
    assert_eq!(admin.send(put).await.status, 405);
}

#[tokio::test]
async fn style_and_script_are_named_by_what_is_in_them_and_kept_for_good() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let page = browser.get("/admin/sign-in").await;
    let mut weight = page.text.len();
    let paths: Vec<&str> = page.text.split('"').filter(|part| part.starts_with("/admin/assets/")).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in &paths {
        let asset = browser.get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        weight += asset.text.len();
    }
    assert!(weight < 100_000, "{weight} bytes");
    assert_eq!(browser.get("/admin/assets/portal-0000000000000000.css").await.status, 404);
    assert_eq!(browser.get("/admin/assets/..%2f..%2fCargo.toml").await.status, 404);
}

/// Whatever isn't marked as safe is escaped; what is, is made in Rust and reviewed there.
#[test]
fn no_template_goes_past_the_escaping() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut folders = vec![folder];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                !text.contains("|safe") && !text.contains("| safe") && !text.contains("escape"),
                "{}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} templates were found");
}
