//! How a server ends: one signal lets what is under way end, a second one doesn't wait for it.

use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;

use crate::process::{PATIENCE, Received, Server, Sink, id};

/// Returns when nothing new is taken.
fn until_it_takes_nothing(server: &Server) {
    let (address, begun) = (server.url.trim_start_matches("http://"), Instant::now());
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it still takes connections");
        std::thread::yield_now();
    }
}

/// A server whose first delivery is under way and will stay so, and whose second one waits behind it.
fn busy(sink: &Sink, drain_seconds: &str) -> (Server, [String; 2]) {
    let allow = ["--allow-http", "--allow-network", "127.0.0.0/8"];
    let server = Server::start_with(&[&allow[..], &["--drain-seconds", drain_seconds]].concat());
    sink.hold(true);
    server.webhook(json!({ "url": sink.url("/"), "events": ["*"], "timeoutSeconds": 60, "ordering": "fifo" }));
    let events = [0, 1].map(|number| server.publish("order.paid", json!(number)));
    sink.wait_for(1);
    (server, events)
}

#[test]
fn a_sigterm_lets_what_is_under_way_end_and_keeps_the_rest_for_the_next_start() {
    let sink = Sink::start();
    let (mut server, [first, second]) = busy(&sink, "60");
    server.terminate();
    until_it_takes_nothing(&server);
    assert!(server.is_running(), "it didn't wait for what is under way");
    sink.hold(false);
    assert!(server.wait().success());
    assert_eq!(sink.received().len(), 1, "nothing was begun any more");

    server.restart();
    let requests = sink.wait_for(2);
    assert_eq!(requests.iter().map(|request| request.header("webhook-id")).collect::<Vec<_>>(), [&first, &second]);
    for event in [&first, &second] {
        let delivery = server.ended(&id(&server.delivery_after(event, 1)));
        assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("delivered"), &json!(1)));
    }
    assert_eq!(sink.received().len(), 2, "nothing was sent twice");
}

/// After the next start the first one, which was under way, comes once more, and then the second.
fn started_again(server: &mut Server, sink: &Sink, [first, second]: [&String; 2]) -> Vec<Received> {
    sink.hold(false);
    server.restart();
    let requests = sink.wait_for(3);
    let ids: Vec<&str> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids, [first, first, second]);
    requests
}

#[test]
fn a_second_signal_stops_at_once_and_what_was_under_way_is_sent_again() {
    let sink = Sink::start();
    let (mut server, [first, second]) = busy(&sink, "60");
    server.terminate();
    until_it_takes_nothing(&server);
    assert!(server.is_running());
    server.terminate();
    assert!(server.wait().success(), "the receiver still holds its request");

    let requests = started_again(&mut server, &sink, [&first, &second]);
    assert_eq!(requests[0].body, requests[1].body, "a repeat is the same");
    let delivery = server.ended(&id(&server.delivery_after(&second, 1)));
    assert_eq!(delivery["status"], json!("delivered"));
}

#[test]
fn the_wait_for_what_is_under_way_ends_when_it_was_told_to() {
    let sink = Sink::start();
    let (mut server, [first, second]) = busy(&sink, "1");
    server.terminate();
    assert!(server.wait().success(), "the receiver still holds its request");
    started_again(&mut server, &sink, [&first, &second]);
}
