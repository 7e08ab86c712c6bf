//! Pages that follow what happens: what a stream says, to whom, for how long, and what it may cost.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, named};
use crate::world::{ADMIN, World};

/// For a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream, read event by event.
pub(crate) struct Stream {
    response: reqwest::Response,
    read: String,
}

impl Stream {
    async fn try_open(browser: &Browser, path: &str) -> reqwest::Response {
        browser.request(Method::GET, path).header("accept", "text/event-stream").send().await.unwrap()
    }

    pub(crate) async fn open(browser: &Browser, path: &str) -> Self {
        let response = Self::try_open(browser, path).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        Self { response, read: String::new() }
    }

    /// The data of the next event; `None` at the stream's end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let data = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect::<Vec<_>>().join("\n");
                self.read = rest.to_owned();
                if !data.is_empty() {
                    return Some(data);
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("nothing comes").unwrap()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// What comes, up to the first that has this in it.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let next = self.next().await.unwrap_or_else(|| panic!("it ended without '{text}'"));
            if next.contains(text) {
                return next;
            }
        }
    }

    /// That nothing is said between now and the end, but that it is over.
    async fn is_over(&mut self) {
        self.until("over").await;
        assert_eq!(self.next().await, None);
    }
}

async fn tenants(world: &World) {
    for tenant in ["acme", "umbrella"] {
        world.send(world.request(Method::PUT, &format!("/api/tenants/{tenant}")).bearer_auth(ADMIN)).await.ok();
    }
}

async fn publish_for(world: &World, tenant: &str, event_type: &str) {
    let accepted = world.post("/api/events", json!({ "type": event_type, "tenant": tenant, "data": {} })).await;
    assert_eq!(accepted.status, 202, "{:#}", accepted.body);
}

#[tokio::test]
async fn new_deliveries_and_their_ends_come_by_themselves() {
    let world = World::start().await;
    named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let mut list = Stream::open(&admin, "/admin/deliveries").await;
    for (name, value) in
        [("cache-control", "no-store"), ("x-accel-buffering", "no"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(list.response.headers()[name], value);
    }
    let first = list.next().await.unwrap();
    assert!(first.contains("No deliveries yet") && !first.contains("<html") && !first.contains("<h1"), "{first}");
    let event = world.publish("order.paid", json!({})).await;
    let pending = list.until("order.paid").await;
    assert!(pending.contains(&format!("data-key=\"{}\"", world.delivery_of(&event).await["id"].as_str().unwrap())));
    assert!(pending.contains("Pending") && !pending.contains("Delivered"));
    // What the page itself has there is the same, up to how long ago it was.
    let page = admin.get("/admin/deliveries").await;
    let region = page.text.split("data-live>").nth(1).unwrap();
    assert_eq!(region.split("<time").next(), pending.split("<time").next());
    world.deliver().await;
    list.until("Delivered").await;
    world.publish("order.lost", json!({})).await;
    assert!(list.until("order.lost").await.contains("order.paid"), "the older one is still there");
}

#[tokio::test]
async fn a_stream_has_the_filters_of_its_page_and_only_the_first_page_has_one() {
    let world = World::start().await;
    named(&world, "shop").await;
    let admin = Browser::admin(&world).await;
    let mut list = Stream::open(&admin, "/admin/deliveries?type=order.paid&done=retried").await;
    world.publish("order.lost", json!({})).await;
    world.publish("order.paid", json!({})).await;
    assert!(!list.until("order.paid").await.contains("order.lost"));
    for _ in 0..50 {
        world.publish("order.sent", json!({})).await;
    }
    let next = world.get("/api/deliveries").await.ok()["next"].as_str().unwrap().to_owned();
    let older = Stream::try_open(&admin, &format!("/admin/deliveries?after={next}")).await;
    assert!(older.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(!older.text().await.unwrap().contains("data-live"));
}

#[tokio::test]
async fn attempts_and_the_end_of_a_delivery_come_by_themselves() {
    let world = World::start().await;
    world.webhook_with(json!({ "events": ["*"], "retry": { "delaysSeconds": [3600] } })).await;
    world.sink.answers(&[503, 200]);
    let event = world.publish("order.paid", json!({})).await;
    let id = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    let mut delivery = Stream::open(&viewer, &format!("/admin/deliveries/{id}")).await;
    delivery.until("No attempt has been made yet").await;
    world.deliver().await;
    let failed = delivery.until("Attempt 1").await;
    assert!(failed.contains("Response 503") && failed.contains("Next attempt") && !failed.contains("/retry\""));
    world.clock.0.store(2 * 3_600_000, std::sync::atomic::Ordering::Relaxed);
    world.deliver().await;
    assert!(delivery.until("Attempt 2").await.contains("Ended"));
}

#[tokio::test]
async fn the_overview_counts_on() {
    let world = World::start().await;
    let hook = json!({ "name": "shop", "events": ["*"], "retry": { "delaysSeconds": [] } });
    world.webhook_with(hook).await;
    let admin = Browser::admin(&world).await;
    let mut overview = Stream::open(&admin, "/admin/overview").await;
    overview.until("First steps").await;
    world.sink.answers(&[500]);
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    let failed = overview.until("0 delivered, 1 failed").await;
    assert!(failed.contains("data-says=\"1 failing\"") && failed.contains(">order.lost</a>"), "{failed}");
}

#[tokio::test]
async fn a_tenant_is_told_of_nothing_but_his_own() {
    let world = World::start().await;
    tenants(&world).await;
    for tenant in ["acme", "umbrella"] {
        world.webhook_with(json!({ "tenant": tenant, "events": ["*"] })).await;
    }
    let acme = Browser::signed_in(&world, &world.token("tenant", Some("acme")).await).await;
    let mut list = Stream::open(&acme, "/admin/deliveries").await;
    publish_for(&world, "umbrella", "not.his").await;
    publish_for(&world, "acme", "his.own").await;
    let mut told = Vec::new();
    while !told.last().is_some_and(|told: &String| told.contains("his.own")) {
        told.push(list.next().await.unwrap());
    }
    assert!(told.iter().all(|told| !told.contains("not.his")));
    let others = world.get("/api/deliveries?tenant=umbrella").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    Stream::open(&acme, &format!("/admin/deliveries/{others}")).await.is_over().await;
    Stream::open(&acme, "/admin/overview?tenant=umbrella").await.is_over().await;
    Stream::open(&Browser::new(&world), "/admin/deliveries").await.is_over().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let world = World::start().await;
    named(&world, "shop").await;
    let made = world.post("/api/tokens", json!({ "name": "v", "role": "viewer" })).await.ok();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let viewer = Browser::signed_in(&world, &text("token")).await;
    let admin = Browser::admin(&world).await;
    let mut revoked = Stream::open(&viewer, "/admin/deliveries").await;
    let mut signed_out = Stream::open(&admin, "/admin/overview").await;
    world.delete(&format!("/api/tokens/{}", text("id"))).await.ok();
    revoked.is_over().await;
    admin.submit("/admin/sign-out", &[]).await;
    signed_out.is_over().await;
}

#[tokio::test]
async fn of_one_session_there_are_four_and_a_place_is_given_back() {
    let world = World::start().await;
    let (admin, other) = (Browser::admin(&world).await, Browser::admin(&world).await);
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(Stream::open(&admin, "/admin/deliveries").await);
    }
    let refused = Stream::try_open(&admin, "/admin/overview").await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"30".parse().unwrap()));
    Stream::open(&other, "/admin/overview").await.until("First steps").await;
    drop(open.pop());
    let free = async {
        while Stream::try_open(&admin, "/admin/deliveries").await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the place is free again");
}

#[tokio::test]
async fn open_streams_hold_up_no_shutdown() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let mut stream = Stream::open(&admin, "/admin/deliveries").await;
    stream.next().await.unwrap();
    let begun = std::time::Instant::now();
    let World { app, .. } = world;
    app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn what_somebody_stored_comes_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\n\ndata: planted\n\nevent: over";
    world.webhook_with(json!({ "name": planted, "events": ["*"] })).await;
    let admin = Browser::admin(&world).await;
    let mut list = Stream::open(&admin, "/admin/deliveries").await;
    world.publish("order.paid", json!({ "a": Value::Null })).await;
    let told = list.until("order.paid").await;
    assert!(told.contains("&#60;script&#62;alert(1)") && !told.contains("<script"));
    assert!(told.contains("data: planted") && told.contains("data-key"), "it is still one event: {told}");
}
