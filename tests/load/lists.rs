//! Lists of a long log: whatever is asked for, a page of it costs little, and one that finds nothing says how far it looked.

use std::time::Duration;

use serde_json::{Value, json};
use waxwing::clock::{Rng as _, SystemRng};

use crate::log::{self, Owner, TYPES};
use crate::server::{Server, TOKEN};

const WEBHOOKS: usize = 200;
const TENANTS: usize = 20;
/// Of the server, a page.
const BUDGET: Duration = Duration::from_millis(50);
/// How many pages of a search that goes on are looked at.
const PAGES: usize = 3;

#[tokio::test]
async fn a_page_of_a_long_log_costs_little_whatever_is_asked_for() {
    let _turn = crate::turn().await;
    let deliveries = if crate::full() { 1_000_000 } else { 45_000 };
    let mut server = Server::start().await;
    let owners = webhooks(&server).await;
    server.kill().await;
    log::fill(server.folder(), &owners, deliveries).await;
    server.run().await;
    // What the first look at a database costs isn't a page's.
    server.get("/api/deliveries?type=none.such").await;
    let session = sign_in(&server).await;
    let mut dearest = (Duration::ZERO, String::new());
    for filter in singles(&owners).into_iter().chain(combined(&owners)) {
        for (list, filter) in [("deliveries", filter.clone()), ("events", of_events(&filter))] {
            let cost = pages(&server, &session, &format!("{list}?{filter}")).await;
            eprintln!("{:>7.1} ms  {list}?{filter}", cost.as_secs_f64() * 1e3);
            dearest = dearest.max((cost, format!("{list}?{filter}")));
        }
    }
    eprintln!("of {deliveries} deliveries, the dearest page: {dearest:?}");
    // Unoptimised code of ours goes through the same rows.
    let allowed = if crate::full() { BUDGET } else { BUDGET * 4 };
    assert!(dearest.0 <= allowed, "{dearest:?}");
    goes_on_to_the_end(&server, deliveries).await;
}

/// The dearest page of the first few, of the API or of the portal.
async fn pages(server: &Server, session: &str, list: &str) -> Duration {
    let (mut dearest, mut after) = (Duration::ZERO, String::new());
    for _ in 0..PAGES {
        let mut page = Value::Null;
        let api = least(server, async || page = server.get(&format!("/api/{list}{after}")).await).await;
        let portal = least(server, async || shown(server, session, &format!("/admin/{list}{after}")).await).await;
        dearest = dearest.max(api).max(portal);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    dearest
}

/// What the server uses for this, the least of three times: others are at work on the machine.
async fn least(server: &Server, mut asks: impl AsyncFnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let before = server.cpu();
        asks().await;
        least = least.min(server.cpu().saturating_sub(before));
    }
    least
}

async fn shown(server: &Server, session: &str, path: &str) {
    let answer = server.http.get(format!("{}{path}", server.url)).header("cookie", session).send().await.unwrap();
    let (status, page) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success() && page.contains("Sign out"), "{path}: {status}");
}

/// The cookie of somebody who is signed in to the portal.
async fn sign_in(server: &Server) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.post(format!("{}/admin/sign-in", server.url)).body(format!("token={TOKEN}"));
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// A search that finds nothing says how far it looked, and ends when it has looked at everything.
async fn goes_on_to_the_end(server: &Server, deliveries: usize) {
    let (mut after, mut looks) = (String::new(), 0);
    loop {
        let page = server.get(&format!("/api/deliveries?type=none.such{after}")).await;
        assert_eq!(page["data"], json!([]));
        looks += 1;
        match page["scannedTo"].as_str() {
            Some(place) => {
                assert_eq!(page["next"], page["scannedTo"]);
                after = format!("&after={place}");
            }
            None => break,
        }
    }
    assert!((deliveries / 20_000..=deliveries / 20_000 + 2).contains(&looks), "{looks} pages");
}

async fn webhooks(server: &Server) -> Vec<Owner> {
    let mut owners = Vec::with_capacity(WEBHOOKS);
    for number in 0..WEBHOOKS {
        let tenant = format!("tenant-{}", number % TENANTS);
        if number < TENANTS {
            server.call(reqwest::Method::PUT, &format!("/api/tenants/{tenant}"), &json!({ "maxWebhooks": 100 })).await;
        }
        let webhook = json!({ "url": format!("http://127.0.0.1:9/{number}"), "events": ["*"], "tenant": tenant });
        let made = server.call(reqwest::Method::POST, "/api/webhooks", &webhook).await;
        let webhook = made["id"].as_str().unwrap().parse().unwrap();
        owners.push(Owner { webhook, tenant: tenant.parse().unwrap() });
    }
    owners
}

/// Each filter by itself: what is common, what is rare, and what there is none of.
fn singles(owners: &[Owner]) -> Vec<String> {
    let mut filters: Vec<String> = vec![String::new()];
    let webhooks = [&owners[0], &owners[7]].map(|owner| format!("webhook={}", owner.webhook));
    filters.extend(webhooks);
    filters.extend(["tenant-0", "tenant-7", "default"].map(|tenant| format!("tenant={tenant}")));
    filters.extend(["license.created", "rare.seen", "none.such"].map(|name| format!("type={name}")));
    filters.extend(["production", "canary", "nowhere"].map(|name| format!("environment={name}")));
    filters.extend(["pending", "delivered", "failed", "dropped", "cancelled"].map(|status| format!("status={status}")));
    filters.extend(["2", "3", "4", "5", "0"].map(|class| format!("httpClass={class}")));
    filters.extend(["since=2020-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z"].map(str::to_owned));
    filters
}

/// Twenty at random.
fn combined(owners: &[Owner]) -> Vec<String> {
    let below = |count: usize| (SystemRng.unit() * count as f64) as usize % count;
    let one = || {
        let parts = [
            format!("webhook={}", owners[[0, below(WEBHOOKS)][below(2)]].webhook),
            format!("tenant=tenant-{}", below(TENANTS)),
            format!("type={}", TYPES[below(TYPES.len())]),
            format!("environment={}", ["production", "staging", "canary"][below(3)]),
            format!("status={}", ["pending", "delivered", "failed", "dropped", "cancelled"][below(5)]),
            format!("httpClass={}", ["2", "3", "4", "5", "0"][below(5)]),
            "since=2020-01-01T00:00:00Z".to_owned(),
        ];
        let chosen: Vec<String> = parts.into_iter().filter(|_| below(2) == 0).collect();
        chosen.join("&")
    };
    (0..20).map(|_| one()).collect()
}

/// Those parts of a filter that events have, too.
fn of_events(filter: &str) -> String {
    let has = |part: &&str| {
        ["tenant=", "type=", "environment=", "since=", "until="].iter().any(|name| part.starts_with(name))
    };
    filter.split('&').filter(has).collect::<Vec<_>>().join("&")
}
