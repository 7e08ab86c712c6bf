//! The database goes away: a start waits for it, and a running server refuses what it can't keep, says so once, and recovers.

use std::path::Path;

use serde_json::{Value, json};

use crate::cluster::Own;
use crate::logged::Logged;
use crate::process::{Server, Sink};

const AWAY: &str = "the database doesn't answer: until it does";
const BACK: &str = "the database answers again";

fn on(cluster: &Own, log: &Path) -> Server {
    let url = cluster.url();
    let arguments = ["--allow-http", "--allow-network", "127.0.0.0/8", "--database", &url];
    Server::start_logging(&arguments, Some(log))
}

#[test]
fn a_start_waits_for_the_database_and_says_so_once() {
    let (cluster, log) = (Own::start(), Logged::new());
    cluster.stops();
    let server = std::thread::scope(|scope| {
        let starting = scope.spawn(|| on(&cluster, &log.path()));
        log.wait_for("the database doesn't answer yet: waiting for it");
        cluster.starts();
        starting.join().unwrap()
    });
    assert_eq!(server.status("/readyz"), 200);
    assert_eq!(log.lines_with("waiting for it"), 1);
    assert_eq!(log.lines_with("the database answers"), 1);
}

#[test]
fn what_waiting_would_not_mend_is_told_at_once() {
    let cluster = Own::start();
    let url = cluster.url().replace("/postgres?", "/nowhere?");
    let output = crate::process::command(&["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(tempfile::tempdir().unwrap().path())
        .args(["--database", &url])
        .env("WAXWING_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .output()
        .unwrap();
    let said = crate::process::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nowhere") && said.contains("does not exist"), "{said}");
}

#[test]
fn while_the_database_is_away_nothing_is_acknowledged_and_afterwards_everything_goes_on() {
    let (cluster, log, sink) = (Own::start(), Logged::new(), Sink::start());
    let server = on(&cluster, &log.path());
    server.webhook(
        json!({ "url": sink.url("/"), "events": ["*"], "retry": { "delaysSeconds": [1, 1, 1, 1, 1, 1, 1, 1] } }),
    );
    let mut acknowledged: Vec<String> = (0..20).map(|n| server.publish("order.paid", json!(n))).collect();
    sink.wait_for(20);
    sink.answers(&[500]);
    let to_be_tried_again = server.publish("order.paid", json!("again"));
    sink.wait_for(21);

    cluster.stops();
    let event = json!({ "type": "order.paid", "data": {} });
    let (status, headers, body) = server.answer("/api/events", &event);
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{body}");
    assert_eq!(headers.get("retry-after").unwrap(), "2");
    assert_eq!(server.status("/readyz"), 503);
    assert_eq!(server.status("/healthz"), 200);
    for _ in 0..20 {
        assert_eq!(server.answer("/api/events", &event).0, 503);
    }
    assert!(server.text("/metrics").contains("waxwing_database_up 0"), "the gauge says so");
    log.wait_for(AWAY);

    cluster.starts();
    log.wait_for(BACK);
    acknowledged.push(to_be_tried_again);
    acknowledged.extend((0..20).map(|n| server.publish("order.paid", json!(n))));
    for event in &acknowledged {
        server.until(&format!("/api/deliveries?event={event}"), |shown| shown["data"][0]["status"] == "delivered");
    }
    assert_eq!(server.status("/readyz"), 200);
    assert!(server.text("/metrics").contains("waxwing_database_up 1"));
    assert_eq!(
        (log.lines_with(AWAY), log.lines_with(BACK)),
        (1, 1),
        "{}",
        std::fs::read_to_string(log.path()).unwrap()
    );
}
