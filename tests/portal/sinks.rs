//! Sinks in the portal: made, filled, looked at live, told what to answer, and by whom.

use reqwest::Method;
use serde_json::json;

use crate::browser::Browser;
use crate::live::Stream;
use crate::world::{ADMIN, World};

const LIST: &str = "/admin/sinks";

/// The path of its page, and its URL.
async fn made(world: &World) -> (String, String) {
    let made = world.post("/api/sinks", json!({ "name": "mine" })).await.ok();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (format!("{LIST}/{}", text("id")), text("url"))
}

#[tokio::test]
async fn a_sink_is_made_and_a_webhook_for_it() {
    let world = World::with(&[]).await;
    let admin = Browser::admin(&world).await;
    admin.get(LIST).await.shows("No sinks yet").shows("aria-current=\"page\"");
    let done = admin.submit(LIST, &[("name", "mine")]).await;
    let page = done.location().split('?').next().unwrap().to_owned();
    admin.get(done.location()).await.shows("The sink is there").shows("Nothing yet").shows(">mine</h1>");
    let id = page.rsplit('/').next().unwrap();
    let url = world.get(&format!("/api/sinks/{id}")).await.ok()["url"].as_str().unwrap().to_owned();
    admin.get(&page).await.shows(&format!("data-copy=\"{url}\"")).shows(&format!("/admin/webhooks/new?sink={id}"));
    admin.get(&format!("/admin/webhooks/new?sink={id}")).await.shows(&format!("value=\"{url}\""));
    assert_eq!(admin.get("/admin/webhooks/new?sink=none").await.status, 404);
    admin.get(LIST).await.shows(">mine</a>").shows(&url);
    admin.submit(&format!("{page}/delete"), &[]).await.location();
    admin.get(LIST).await.shows("No sinks yet");
}

#[tokio::test]
async fn what_comes_shows_by_itself_as_it_came() {
    let world = World::with(&[]).await;
    let (page, url) = made(&world).await;
    let admin = Browser::admin(&world).await;
    let mut live = Stream::open(&admin, &page).await;
    live.until("Nothing yet").await;
    world.post("/api/webhooks", json!({ "url": url, "events": ["*"] })).await.ok();
    world.publish("order.paid", json!({ "planted": "<script>alert(1)</script>" })).await;
    world.deliver().await;
    let came = live.until("POST /").await;
    assert!(came.contains("Signature is right") && came.contains("webhook-signature: v1,"), "{came}");
    assert!(came.contains("&#60;script&#62;alert(1)") && !came.contains("<script>"), "{came}");
    reqwest::Client::new().delete(format!("{url}/a?b=c")).header("cookie", "waxwing_session=x").send().await.unwrap();
    let wrong = live.until("DELETE /a?b=c").await;
    assert!(
        wrong.contains("Signature is wrong") && wrong.contains("It had no body") && !wrong.contains("waxwing_session")
    );
    let done = admin.submit(&format!("{page}/clear"), &[]).await;
    admin.get(done.location()).await.shows("is forgotten").shows("Nothing yet");
    live.until("Nothing yet").await;
}

#[tokio::test]
async fn a_sink_is_told_what_to_answer() {
    let world = World::start().await;
    let (page, url) = made(&world).await;
    let admin = Browser::admin(&world).await;
    let edit = format!("{page}/edit");
    admin.get(&edit).await.shows("value=\"200\"").shows("value=\"mine\"");
    let typed = [
        ("name", "slow"),
        ("status", "503"),
        ("delay", "5"),
        ("headers", "Retry-After: 30\r\nX-A: b"),
        ("body", "no\r\nmore"),
    ];
    let done = admin.submit(&edit, &typed).await;
    admin.get(done.location()).await.shows("503 after 5 ms").shows("retry-after").shows(">slow</h1>");
    let answered = reqwest::Client::new().post(&url).send().await.unwrap();
    assert_eq!((answered.status().as_u16(), answered.headers()["retry-after"].to_str().unwrap()), (503, "30"));
    assert_eq!(answered.text().await.unwrap(), "no\nmore");
    let wrong = [("status", "99"), ("delay", "soon"), ("headers", "Set-Cookie: a=b")];
    let refused = admin.submit(&edit, &wrong).await;
    assert_eq!(refused.status, 422);
    refused.shows("Must be a whole number.").shows("Set-Cookie: a=b");
    let refused = admin.submit(&edit, &[("status", "99"), ("headers", "Set-Cookie: a=b")]).await;
    refused.shows("Must be 200 to 599.").shows("A sink may answer");
}

#[tokio::test]
async fn sinks_are_for_admins_and_for_tenants_their_own() {
    let world = World::start().await;
    let (page, _) = made(&world).await;
    world.send(world.request(Method::PUT, "/api/tenants/acme").bearer_auth(ADMIN)).await.ok();
    let tenant = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    tenant.get(LIST).await.shows("No sinks yet").lacks("mine");
    assert_eq!(tenant.get(&page).await.status, 404);
    assert_eq!(tenant.submit(&format!("{page}/delete"), &[]).await.status, 404);
    let own = tenant.submit(LIST, &[("name", "own")]).await;
    tenant.get(own.location()).await.shows(">own</h1>").shows("acme");
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get("/admin/webhooks").await.lacks(LIST);
    for path in [LIST, &page, &format!("{page}/edit")] {
        assert_eq!(viewer.get(path).await.status, 403, "{path}");
    }
    assert_eq!(viewer.submit(LIST, &[]).await.status, 403);
    assert_eq!(viewer.submit(&format!("{page}/clear"), &[]).await.status, 403);
}
