//! `kill -9` at random moments: what was acknowledged arrives, and repeats are the same event with the same body.

use std::time::Duration;

use serde_json::json;
use waxwing::clock::Rng as _;

use crate::full;
use crate::generator::{Load, start};
use crate::server::Server;
use crate::sink::{Arrivals, healthy, silent};

/// What one kill may repeat: what is in flight, and one batch of completions.
const REPEATS_PER_KILL: usize = 256 + 1024;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_kill_at_any_moment() {
    let _turn = crate::turn().await;
    let (kills, rate) = if full() { (10, 1500) } else { (3, 200) };
    let arrivals = Arrivals::default();
    let url = healthy(&arrivals).await;
    let mut server = Server::start().await;
    server.webhook(&url, "load.kill", json!([])).await;
    for round in 1..=kills {
        let running = start(&server, Load { rate, count: usize::MAX / 2, event_type: |_| "load.kill".into() });
        let lived = Duration::from_millis(300 + (waxwing::clock::SystemRng.unit() * 1500.0) as u64);
        let before = std::time::Instant::now();
        let _ = tokio::time::timeout(lived, std::future::pending::<()>()).await;
        let reached = running.acknowledged() as f64 / before.elapsed().as_secs_f64();
        let repeats_before = arrivals.repeats();
        server.kill().await;
        let acknowledged: Vec<String> = running.stop().await.into_iter().map(|one| one.event).collect();
        assert!(!acknowledged.is_empty(), "nothing was acknowledged before the kill");
        server.run().await;
        let missing = arrivals.wait_for(&acknowledged, Duration::from_secs(60)).await;
        assert!(missing.is_empty(), "kill {round}: {} of {} never arrived", missing.len(), acknowledged.len());
        let repeats = arrivals.repeats() - repeats_before;
        eprintln!(
            "kill {round}: after {lived:?} at {reached:.0} events/s: {} acknowledged, 0 missing, {repeats} repeated",
            acknowledged.len()
        );
        assert!(repeats <= REPEATS_PER_KILL, "{repeats} repeats");
        for event in &acknowledged {
            let arrived = arrivals.of(event);
            assert!(arrived.iter().all(|one| one.body == arrived[0].body), "{event} came with different bodies");
        }
    }
}

/// The receiver has the request, the server never learns of it: the next process sends the very same body.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_with_a_plugin_killed_between_send_and_complete_repeats_the_same_body() {
    let _turn = crate::turn().await;
    let arrivals = Arrivals::default();
    let url = silent(&arrivals).await;
    let mut server = Server::start().await;
    server.webhook(&url, "license.activated", json!([{ "plugin": "slack", "settings": {} }])).await;
    let data = json!({ "licenseName": "Production <License>", "deviceName": "MacBook Pro", "currentActivations": 3 });
    let url_hint = server.publish("license.activated", &data).await.expect("accepted");
    // A plugin's request carries the signature headers of the webhook's format too, so the event id is on it.
    arrivals.wait_for_repeat(&url_hint, 1, Duration::from_secs(30)).await;
    server.kill().await;
    server.run().await;
    arrivals.wait_for_repeat(&url_hint, 2, Duration::from_secs(60)).await;
    let arrived = arrivals.of(&url_hint);
    assert_eq!(arrived[0].body, arrived[1].body);
    let slack: serde_json::Value = serde_json::from_slice(&arrived[0].body).unwrap();
    assert!(slack["blocks"].is_array(), "the plugin made the body: {slack}");
}
