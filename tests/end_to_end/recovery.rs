//! A receiver that failed and was mended: what it missed is brought back, one by one or all at once.

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
