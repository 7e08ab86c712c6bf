//! A webhook edited while its deliveries are pending: what is fixed at the first attempt stays, all else is as it is now.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde_json::json;

use crate::process::{Server, Sink, id};

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[test]
fn body_format_chain_and_plugin_version_stay_and_address_headers_and_secret_are_todays() {
    let (server, old, new) = (Server::start(), Sink::start(), Sink::start());
    let made = server.webhook(json!({
        "url": old.url("/old"), "events": ["order.*"], "secret": FIRST, "headers": { "x-shop": "old" },
        "retry": { "delaysSeconds": [3600] }, "plugins": [{ "plugin": "redact", "settings": { "mask": ["/card"] } }],
    }));
    let path = format!("/api/webhooks/{}", id(&made));
    old.answers(&[500]);
    let tried = server.publish("order.paid", json!({ "card": "4111", "n": 1 }));
    let tried = server.delivery_after(&tried, 1);
    assert_eq!((&tried["status"], &tried["revision"]), (&json!("pending"), &made["revision"]));
    server.post(&format!("{path}/pause"), json!({}));
    let untried = server.publish("order.sent", json!({ "card": "4111", "n": 2 }));

    assert_eq!(server.upload(another_redact())["version"], json!("0.2.0"));
    assert_eq!(server.get(&path)["plugins"][0]["version"], json!("0.1.0"), "nothing floats");
    let edited = server.patch(&path, json!({
        "url": new.url("/new?place=7"), "secret": SECOND, "headers": { "x-shop": "new" }, "format": "license-validator",
        "plugins": [{ "plugin": "redact", "settings": { "mask": ["/n"] } }],
    }));
    assert_eq!(edited["plugins"][0]["version"], json!("0.2.0"));
    let current = server.post(&format!("{path}/resume"), json!({}))["revision"].clone();

    // What was not tried before goes out as everything is now.
    let request = new.wait_for(1).remove(0);
    assert_eq!((request.target.as_str(), request.header("x-shop")), ("/new?place=7", "new"));
    assert!(request.text().starts_with(r#"{"event":"order.sent","timestamp":""#), "{}", request.text());
    assert!(request.text().ends_with(r#""data":{"card":"4111","n":"[withheld]"}}"#), "{}", request.text());
    request.assert_license_validator(SECOND);
    assert_eq!(server.delivery_after(&untried, 1)["revision"], current);

    // What was tried before: the very bytes, in the format of then, by today's address, headers and secret.
    server.post(&format!("/api/deliveries/{}/retry", id(&tried)), json!({}));
    let (first, again) = (old.received().remove(0), new.wait_for(2).remove(1));
    assert_eq!(again.text(), first.text());
    assert!(again.text().ends_with(r#""data":{"card":"[redacted]","n":1}}"#), "{}", again.text());
    assert_eq!((again.target.as_str(), again.header("x-shop")), ("/new?place=7", "new"));
    first.assert_standard(FIRST, tried["eventId"].as_str().unwrap());
    again.assert_standard(SECOND, tried["eventId"].as_str().unwrap());
    let retried = server.ended(&id(&tried));
    assert_eq!((&retried["status"], &retried["revision"]), (&json!("delivered"), &made["revision"]));
    assert_eq!(retried["attempts"][0]["plugins"][0]["plugin"], json!("redact@0.1.0"));
    assert_eq!(retried["attempts"][1]["plugins"], json!([]), "a chain runs once a delivery");
    assert_eq!(old.received().len(), 1, "nothing more goes to the old address");

    let rerun = server.post(&format!("/api/deliveries/{}/rerun", id(&tried)), json!({}));
    assert_eq!(rerun["same"], json!(true), "{rerun:#}");
    let other = json!({ "plugins": ["redact@0.2.0"] });
    let rerun = server.post(&format!("/api/deliveries/{}/rerun", id(&tried)), other);
    assert_eq!(rerun["same"], json!(false), "{rerun:#}");
}

#[test]
fn a_body_that_names_its_endpoint_stays_and_is_signed_for_the_new_one() {
    let (server, old, new) = (Server::start(), Sink::start(), Sink::start());
    let key = SigningKey::from_bytes(&[7; 32]);
    let made = server.webhook(json!({
        "url": old.url("/old"), "events": ["*"], "format": "keygen", "formatOptions": { "account": "acme" },
        "secret": format!("whsk_{}", STANDARD.encode(key.to_bytes())), "retry": { "delaysSeconds": [3600] },
    }));
    old.answers(&[500]);
    let event = server.publish("license.created", json!({ "n": 1 }));
    let tried = server.delivery_after(&event, 1);
    server.patch(&format!("/api/webhooks/{}", id(&made)), json!({ "url": new.url("/new") }));
    server.post(&format!("/api/deliveries/{}/retry", id(&tried)), json!({}));
    let (first, again) = (old.received().remove(0), new.wait_for(1).remove(0));
    assert_eq!(again.text(), first.text());
    assert_eq!(again.json()["data"]["attributes"]["endpoint"], json!(old.url("/old")));
    for request in [&first, &again] {
        request.assert_keygen(&key.verifying_key());
    }
    server.ended(&id(&tried));

    let replayed = server.post(&format!("/api/deliveries/{}/replay", id(&tried)), json!({}));
    let replay = new.wait_for(2).remove(1);
    assert_eq!(replay.json()["data"]["attributes"]["endpoint"], json!(new.url("/new")));
    assert_eq!(replay.json()["data"]["id"], replayed["id"], "a replay is a delivery of its own");
    assert_eq!(replay.json()["data"]["meta"]["idempotencyToken"], json!(event));
}

#[test]
fn a_replay_is_a_new_delivery_and_goes_the_new_way() {
    let (server, old, new) = (Server::start(), Sink::start(), Sink::start());
    let made = server.webhook(json!({ "url": old.url("/old"), "events": ["*"], "secret": FIRST }));
    let event = server.publish("order.paid", json!({ "n": 1 }));
    let first = server.ended(&id(&server.delivery_after(&event, 1)));
    let change = json!({ "url": new.url("/new"), "format": "license-validator" });
    let edited = server.patch(&format!("/api/webhooks/{}", id(&made)), change);

    let replayed = server.post(&format!("/api/deliveries/{}/replay", id(&first)), json!({}));
    let request = new.wait_for(1).remove(0);
    assert!(request.text().starts_with(r#"{"event":"order.paid""#), "{}", request.text());
    request.assert_license_validator(FIRST);
    let replayed = server.ended(&id(&replayed));
    assert_eq!((&replayed["eventId"], &replayed["replayOf"]), (&json!(event), &first["id"]));
    assert_eq!((&first["revision"], &replayed["revision"]), (&made["revision"], &edited["revision"]));
}

#[test]
fn timeout_and_retry_policy_are_todays_in_every_attempt() {
    let (server, sink) = (Server::start(), Sink::start());
    let made = server.webhook(json!({
        "url": sink.url("/"), "events": ["*"], "timeoutSeconds": 60, "retry": { "delaysSeconds": [1] },
    }));
    sink.answers(&[500, 500, 500]);
    sink.hold(true);
    let event = server.publish("order.paid", json!({}));
    sink.wait_for(1);
    // By the policy of the first attempt, which is under way, the second one would be the last.
    let change = json!({ "timeoutSeconds": 1, "retry": { "delaysSeconds": [1, 7200] } });
    server.patch(&format!("/api/webhooks/{}", id(&made)), change);
    sink.hold(false);
    let second = server.delivery_after(&event, 2);
    assert_eq!(second["status"], json!("pending"), "{second:#}");
    assert!(second["attempts"][1]["retryReason"].is_string() && second["nextAt"].is_string(), "{second:#}");

    sink.hold(true);
    server.post(&format!("/api/deliveries/{}/retry", id(&second)), json!({}));
    let third = server.ended(&id(&second));
    sink.hold(false);
    assert_eq!(third["attempts"][2]["outcome"]["error"]["kind"], json!("timeout"), "{third:#}");
    assert_eq!(third["status"], json!("failed"), "no automatic attempt follows a manual one");
}

/// The bundled `redact` under a later version, with another default mask: as its author would have built it.
pub(crate) fn another_redact() -> Vec<u8> {
    let bundled = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "redact").unwrap();
    let mut wasm = bundled.wasm.to_vec();
    for (was, is) in [("redact0.1.0", "redact0.2.0"), ("[redacted]", "[withheld]")] {
        let found: Vec<usize> =
            (0..wasm.len() - was.len()).filter(|at| wasm[*at..].starts_with(was.as_bytes())).collect();
        assert!(!found.is_empty(), "{was} stands nowhere in the component");
        found.into_iter().for_each(|at| wasm[at..at + is.len()].copy_from_slice(is.as_bytes()));
    }
    wasm
}
