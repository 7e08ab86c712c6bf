//! A receiver that failed and was mended: what it missed is brought back, one by one or all at once.

use std::collections::BTreeSet;

use serde_json::json;

use crate::process::{Server, Sink, id};

#[test]
fn what_failed_is_replayed_from_the_command_line() {
    let (server, sink) = (Server::start(), Sink::start());
    let made = server.webhook(json!({ "url": sink.url("/"), "events": ["*"], "retry": { "delaysSeconds": [] } }));
    sink.answers(&[500]);
    let event = server.publish("order.paid", json!({ "n": 1 }));
    let failed = server.ended(&id(&server.delivery_after(&event, 1)));
    assert_eq!((&failed["status"], &failed["reason"]), (&json!("failed"), &json!("500; no attempt is left after 1")));

    let replayed = server.json(&["replay", &id(&failed)]);
    assert_eq!(replayed["replayOf"], failed["id"]);
    let requests = sink.wait_for(2);
    assert_eq!(requests[0].body, requests[1].body);
    for request in &requests {
        request.assert_standard(made["secret"].as_str().unwrap(), &event);
    }
    assert_eq!(server.ended(&id(&replayed))["status"], json!("delivered"));
    assert_eq!(server.ended(&id(&failed))["status"], json!("failed"), "what happened stays in the log");
}

#[test]
fn recovery_brings_back_what_failed_was_cancelled_or_missed_each_event_once() {
    let (server, sink) = (Server::start(), Sink::start());
    let made = server.webhook(json!({ "url": sink.url("/"), "events": ["*"], "retry": { "delaysSeconds": [] } }));
    let path = format!("/api/webhooks/{}", id(&made));
    let begun = made["createdAt"].as_str().unwrap();
    let good = server.publish("order.paid", json!({}));
    server.ended(&id(&server.delivery_after(&good, 1)));
    sink.answers(&[500, 503]);
    let failed = server.publish("order.failed", json!({}));
    let delivery = server.ended(&id(&server.delivery_after(&failed, 1)));
    // Tried in vain once more: the event has failed twice now, and is to come back once.
    let replayed = server.json(&["replay", &id(&delivery)]);
    assert_eq!(server.ended(&id(&replayed))["status"], json!("failed"));
    server.post(&format!("{path}/pause"), json!({}));
    let cancelled = server.publish("order.cancelled", json!({}));
    server.patch(&path, json!({ "isActive": false }));
    server.until("/api/deliveries?status=pending", |pending| pending["data"] == json!([]));
    let missed = server.publish("order.missed", json!({}));
    server.patch(&path, json!({ "isActive": true }));
    assert_eq!(sink.received().len(), 3, "enabling brings nothing back by itself");

    let recovered = server.json(&["webhook", "recover", &id(&made), "--since", begun, "--missed"]);
    assert_eq!((&recovered["count"], &recovered["more"]), (&json!(3), &json!(false)));
    let came: BTreeSet<String> =
        sink.wait_for(6)[3..].iter().map(|request| request.header("webhook-id").to_owned()).collect();
    assert_eq!(came, BTreeSet::from([failed, cancelled, missed]));
    let again = server.json(&["webhook", "recover", &id(&made), "--since", begun, "--missed"]);
    assert_eq!(again["count"], json!(0), "what has been brought back is not brought back again");
}
