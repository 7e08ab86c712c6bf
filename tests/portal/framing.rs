//! The consumer portal: a tenant's own pages, within another product's.

use serde_json::json;

use crate::browser::{Browser, link};
use crate::world::World;

const APP: &str = "https://app.example.com";

#[tokio::test]
async fn a_link_with_an_allowed_origin_may_be_framed_by_it_and_nobody_else() {
    let world = World::start().await;
    let body = json!({ "role": "tenant", "tenant": "default", "allowedOrigin": APP });
    let path = link(&world, body).await;
    let browser = Browser::new(&world);
    let may_frame = format!("frame-ancestors {APP}");
    let shown = browser.get(&path).await;
    shown.shows("as tenant of <strong>default</strong>");
    assert!(shown.header("content-security-policy").ends_with(&may_frame));
    assert_eq!(shown.header("x-frame-options"), "");
    let entered = browser.post(&path, &[]).await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.ends_with("HttpOnly; SameSite=None; Secure; Partitioned"), "{cookie}");
    let page = browser.get("/admin/webhooks").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").ends_with(&may_frame));
    let other = Browser::admin(&world).await.get("/admin/webhooks").await;
    assert!(other.header("content-security-policy").ends_with("frame-ancestors 'none'"));
    assert_eq!(other.header("x-frame-options"), "DENY");
}
