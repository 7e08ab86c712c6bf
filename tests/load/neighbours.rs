//! Faulty plugins in the same process: plain deliveries go on as if they weren't there, and the log names the culprit.

use std::time::Duration;

use serde_json::{Value, json};

use crate::full;
use crate::generator::{Load, percentile, start};
use crate::server::Server;
use crate::sink::{Arrivals, healthy};

/// Each that takes what is everybody's: time, memory, the log, bandwidth between guest and host.
const FAULTS: &[&str] = &[
    "trap",
    "panic",
    "abort",
    "exit",
    "spin",
    "sleep",
    "bulk-memory",
    "recurse",
    "recurse-deep",
    "eat-memory",
    "log-flood",
    "log-long-line",
    "stdout-flood",
    "read-clock",
    "fail",
    "fail-long",
    "many-issues",
    "huge-body",
    "huge-replace",
    "huge-reason",
    "many-headers",
    "many-queries",
    "many-attributes",
];
const FAULTY_RATE: u32 = 50;
const PLAIN_RATE: u32 = 200;

/// Sends plain events, beside faulty ones or alone; the plain ones' p99 from 202 to receipt.
async fn p99(server: &Server, arrivals: &Arrivals, count: usize, with_faulty: bool) -> Duration {
    let seconds = count as u32 / PLAIN_RATE;
    let faulty_count = (FAULTY_RATE * seconds) as usize;
    let faulty = with_faulty
        .then(|| start(server, Load { rate: FAULTY_RATE, count: faulty_count, event_type: |_| "load.faulty".into() }));
    let plain = start(server, Load { rate: PLAIN_RATE, count, event_type: |_| "load.plain".into() });
    let acknowledged = plain.finish().await;
    assert_eq!(acknowledged.len(), count, "every plain event is accepted");
    if let Some(faulty) = faulty {
        assert_eq!(faulty.finish().await.len(), faulty_count, "every faulty event is accepted");
    }
    let events: Vec<String> = acknowledged.iter().map(|one| one.event.clone()).collect();
    let missing = arrivals.wait_for(&events, Duration::from_secs(30)).await;
    assert!(missing.is_empty(), "{} of {count} plain deliveries never arrived", missing.len());
    let mut delays: Vec<Duration> =
        acknowledged.iter().map(|one| arrivals.of(&one.event)[0].at.saturating_duration_since(one.at)).collect();
    percentile(&mut delays, 0.99)
}

/// An attempt of the newest delivery of a webhook that has ended. Not every fault is one of the delivery: a sleep that the clock
/// passes over ends well, a reason that is too long is cut.
async fn newest_attempt(server: &Server, webhook: &str) -> Value {
    for status in ["failed", "delivered", "dropped"] {
        let list = server.get(&format!("/api/deliveries?webhook={webhook}&status={status}&limit=1")).await;
        if let Some(id) = list["data"][0]["id"].as_str() {
            return server.get(&format!("/api/deliveries/{id}")).await["attempts"][0].clone();
        }
    }
    panic!("no delivery of {webhook} has ended")
}

async fn stays_alone(fault: &str, count: usize, pairs: usize) {
    let arrivals = Arrivals::default();
    let url = healthy(&arrivals).await;
    let server = Server::start().await;
    server.upload(waxwing_bundle::faulty()).await;
    server.webhook(&url, "load.plain", json!([])).await;
    let faulty = json!([{ "plugin": "faulty", "settings": { "fault": fault } }]);
    let webhook = server.webhook(&url, "load.faulty", faulty).await;
    p99(&server, &arrivals, PLAIN_RATE as usize, false).await;
    let baseline = server.peak_memory();
    for pair in 1..=pairs {
        let alone = p99(&server, &arrivals, count, false).await;
        let beside = p99(&server, &arrivals, count, true).await;
        let allowed = Duration::from_millis(50).max(alone * 2);
        eprintln!("{fault}, pair {pair}: p99 alone {alone:?}, beside {beside:?}, allowed {allowed:?}");
        assert!(beside <= allowed, "{fault}: p99 {beside:?} beside it, {alone:?} alone");
    }
    let grown = server.peak_memory().saturating_sub(baseline);
    eprintln!("{fault}: peak memory grew by {} MiB", grown / (1024 * 1024));
    assert!(grown <= 150 * 1024 * 1024, "{fault}: {grown} bytes more");
    let attempt = newest_attempt(&server, &webhook).await;
    eprintln!("{fault}: {}", attempt["outcome"]);
    assert_eq!(attempt["plugins"][0]["plugin"], "faulty@0.1.0", "the attempt names the plugin: {attempt:#}");
}

/// In the small run one fault for time and one for space; in the full run each one.
#[tokio::test(flavor = "multi_thread")]
async fn faulty_plugins_slow_down_nobody_else() {
    let _turn = crate::turn().await;
    let (faults, count, pairs): (&[&str], usize, usize) =
        if full() { (FAULTS, 2000, 3) } else { (&["spin", "eat-memory"], 600, 1) };
    for fault in faults {
        stays_alone(fault, count, pairs).await;
    }
}
