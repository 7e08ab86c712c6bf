//! The disk is full: nothing is acknowledged that isn't kept, and when there is room again everything goes on by itself.
//!
//! The files of the running server are kept from growing (`RLIMIT_FSIZE`): the write-ahead log's next page is refused by the kernel as
//! on a full disk, for root and for anybody else, and no file system has to be made.

use serde_json::{Value, json};

use crate::logged::Logged;
use crate::process::{Server, Sink};

const FULL: &str = "the database doesn't answer: until it does";
const BACK: &str = "the database answers again";

#[test]
fn on_a_full_disk_nothing_is_acknowledged_and_when_there_is_room_again_everything_goes_on() {
    let (log, sink, slow) = (Logged::new(), Sink::start(), Sink::start());
    let server =
        Server::start_logging(&["--allow-http", "--allow-network", "127.0.0.0/8", "--log", "json"], Some(&log.path()));
    let retry = json!({ "delaysSeconds": [1, 1, 1, 1, 1] });
    server.webhook(json!({ "url": sink.url("/"), "events": ["order.*"], "retry": retry }));
    server.webhook(json!({ "url": slow.url("/"), "events": ["user.*"], "retry": retry }));
    let mut acknowledged: Vec<String> = (0..10).map(|n| server.publish("order.paid", json!(n))).collect();
    sink.wait_for(10);
    sink.answers(&[500]);
    acknowledged.push(server.publish("order.paid", json!("to be tried again")));
    sink.wait_for(11);
    slow.hold(true);
    acknowledged.extend((0..4).map(|n| server.publish("user.created", json!(n))));
    slow.wait_for(4);

    server.files_grow_to(Some(server.file("waxwing.db-wal").metadata().unwrap().len()));
    slow.hold(false);
    let event = json!({ "type": "order.paid", "data": { "filler": "x".repeat(20_000) } });
    for _ in 0..20 {
        let (status, headers, body) = server.answer("/api/events", &event);
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{body}");
        assert!(problem["detail"].as_str().unwrap().contains("send it again"), "{body}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["retry-after"], "2");
    }
    assert!(server.text("/metrics").contains("waxwing_database_up 0"), "the gauge says so");
    assert_eq!((server.status("/healthz"), server.status("/readyz")), (200, 503));
    let told = log.line_with(FULL);
    assert!(told.contains("disk"), "the line says why: {told}");

    server.files_grow_to(None);
    log.wait_for(BACK);
    assert_eq!(server.status("/readyz"), 200);
    acknowledged.extend((0..10).map(|n| server.publish("order.paid", json!(n))));
    for event in &acknowledged {
        server.until(&format!("/api/deliveries?event={event}"), |shown| shown["data"][0]["status"] == "delivered");
    }
    assert!(server.text("/metrics").contains("waxwing_database_up 1"));
    assert_eq!(slow.received().len(), 4, "what was answered meanwhile isn't sent again");
    let kept = server.get("/api/events?limit=250")["data"].as_array().unwrap().len();
    assert_eq!(kept, acknowledged.len(), "of what was refused nothing is there");
    assert_eq!((log.lines_with(FULL), log.lines_with(BACK)), (1, 1), "{}", log.text());
    assert!(!log.text().contains("panicked"));
}
