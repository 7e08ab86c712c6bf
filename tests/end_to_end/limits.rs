//! What a server is told to keep to, it keeps to.

use serde_json::json;

use crate::process::{Server, Sink};

#[test]
fn one_webhook_has_no_more_requests_under_way_than_was_configured() {
    let (slow, other) = (Sink::start(), Sink::start());
    let server = Server::start_with(&["--allow-http", "--allow-network", "127.0.0.0/8", "--per-webhook", "2"]);
    server.webhook(json!({ "url": slow.url("/"), "events": ["order.*"] }));
    server.webhook(json!({ "url": other.url("/"), "events": ["user.*"] }));
    slow.hold(true);
    let events: Vec<_> = (0..10).map(|number| json!({ "type": "order.paid", "data": number })).collect();
    server.post("/api/events", json!(events));
    slow.wait_for(2);
    for _ in 0..5 {
        server.publish("user.created", json!({}));
    }
    other.wait_for(5);
    assert_eq!(slow.received().len(), 2, "the rest waits until one of them is answered");
    slow.hold(false);
    slow.wait_for(10);
}
