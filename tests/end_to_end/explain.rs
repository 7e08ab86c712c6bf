//! Explain answers for an event as things were when it was accepted, whatever was done to the webhooks since.

use expect_test::expect;
use serde_json::{Value, json};

use crate::process::{Server, Sink, id};

#[test]
fn an_event_from_before_the_edits_is_explained_as_it_was_then() {
    let (server, sink) = (Server::start(), Sink::start());
    let webhook = |name: &str, more: Value| {
        let mut webhook = json!({ "url": sink.url("/"), "events": ["order.*"], "name": name });
        webhook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("/api/webhooks/{}", id(&server.webhook(webhook)))
    };
    webhook("left alone", json!({}));
    let unsubscribed = webhook("unsubscribed later", json!({}));
    let subscribed = webhook("subscribed later", json!({ "events": ["user.*"] }));
    let disabled = webhook("disabled later", json!({}));
    let enabled = webhook("enabled later", json!({ "isActive": false }));
    let deleted = webhook("deleted later", json!({}));
    let paused = webhook("paused later", json!({}));
    let moved = webhook("moved to staging later", json!({}));
    let before = server.publish("order.paid", json!({ "n": 1 }));
    sink.wait_for(6);

    server.patch(&unsubscribed, json!({ "events": ["user.*"] }));
    server.patch(&subscribed, json!({ "events": ["order.paid"] }));
    server.patch(&disabled, json!({ "isActive": false }));
    server.patch(&enabled, json!({ "isActive": true }));
    server.delete(&deleted);
    server.post(&format!("{paused}/pause"), json!({}));
    server.patch(&moved, json!({ "environment": "staging" }));
    webhook("made later", json!({}));
    let after = server.publish("order.paid", json!({ "n": 2 }));
    sink.wait_for(6 + 4);

    expect![[r#"
        deleted later: matched, delivered
        disabled later: matched, delivered
        enabled later: disabled
        left alone: matched, delivered
        moved to staging later: matched, delivered
        paused later: matched, delivered
        subscribed later: not-subscribed (it was subscribed to user.* only)
        unsubscribed later: matched, delivered
    "#]]
    .assert_eq(&explained(&server, &before));
    expect![[r#"
        disabled later: disabled
        enabled later: matched, delivered
        left alone: matched, delivered
        made later: matched, delivered
        moved to staging later: other-environment (its environment was staging)
        paused later: matched-held, pending
        subscribed later: matched, delivered
        unsubscribed later: not-subscribed (it was subscribed to user.* only)
    "#]]
    .assert_eq(&explained(&server, &after));
}

#[test]
fn the_revision_of_then_is_shown_and_the_delivery_names_the_one_that_it_used() {
    let (server, sink) = (Server::start(), Sink::start());
    let made = server.webhook(json!({
        "url": sink.url("/"), "events": ["order.*"], "plugins": [{ "plugin": "redact", "settings": { "remove": ["/card"] } }],
    }));
    let path = format!("/api/webhooks/{}", id(&made));
    let paused = server.post(&format!("{path}/pause"), json!({}));
    let event = server.publish("order.paid", json!({ "card": "4111" }));
    server.patch(&path, json!({ "events": ["user.*"], "plugins": [], "format": "svix" }));
    let resumed = server.post(&format!("{path}/resume"), json!({}));
    assert_eq!(sink.wait_for(1)[0].text(), r#"{"card":"4111"}"#, "the first attempt was made after the edit");

    let delivery = server.ended(&id(&server.delivery_after(&event, 1)));
    let told = server.get(&format!("/api/events/{event}/explain"));
    let told = &told["webhooks"][0];
    assert_eq!((&told["code"], &told["revision"]["id"]), (&json!("matched-held"), &paused["revision"]));
    assert_eq!((&told["revision"]["events"], &told["revision"]["status"]), (&json!(["order.*"]), &json!("paused")));
    assert_eq!((&told["revision"]["format"], &told["revision"]["plugins"]), (&json!("standard"), &made["plugins"]));
    assert_eq!((&told["deliveries"][0]["id"], &delivery["revision"]), (&delivery["id"], &resumed["revision"]));
}

/// A line for each webhook: its name, the code, the reason where it says more than the code, and what became of it.
fn explained(server: &Server, event: &str) -> String {
    // Only what is held stays pending.
    let settled = |told: &Value| {
        let open = told["webhooks"].as_array().unwrap().iter().filter(|one| one["code"] != "matched-held");
        let mut deliveries = open.flat_map(|one| one["deliveries"].as_array().unwrap());
        deliveries.all(|delivery| delivery["status"] != "pending")
    };
    let told = server.until(&format!("/api/events/{event}/explain"), settled);
    let line = |one: &Value| {
        let (name, code) = (one["name"].as_str().unwrap(), one["code"].as_str().unwrap());
        let ends =
            one["deliveries"].as_array().unwrap().iter().map(|each| format!(", {}", each["status"].as_str().unwrap()));
        let reason = match code {
            "not-subscribed" | "other-environment" => format!(" ({})", one["reason"].as_str().unwrap()),
            _ => String::new(),
        };
        format!("{name}: {code}{reason}{}\n", ends.collect::<String>())
    };
    let mut lines: Vec<String> = told["webhooks"].as_array().unwrap().iter().map(line).collect();
    lines.sort_unstable();
    lines.concat()
}
