//! From a post to a message in a chat, signed and logged.

use serde_json::{Value, json};

use crate::destinations::slack::problems;
use crate::process::{Received, Server, Sink, id};

#[test]
fn an_event_becomes_a_signed_slack_message_and_the_log_tells_all_of_it() {
    let (server, sink) = (Server::start(), Sink::start());
    let url = sink.url("/services/T00/B00/whoever-has-this-can-post");
    let made = server.webhook(json!({ "url": url, "events": ["license.*"], "plugins": [{ "plugin": "slack" }] }));
    let data = json!({ "licenseKey": "8K2D-XW4P", "customerName": "Nordwind Media" });
    let event = server.publish("license.activated", data);

    let request = sink.wait_for(1).remove(0);
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/services/T00/B00/whoever-has-this-can-post")
    );
    assert_is_a_message(&request, "Nordwind Media");
    request.assert_standard(made["secret"].as_str().unwrap(), &event);

    let delivery = server.ended(&id(&server.delivery_after(&event, 1)));
    assert_eq!((&delivery["status"], &delivery["statusCode"]), (&json!("delivered"), &json!(200)));
    assert_eq!((&delivery["eventId"], &delivery["webhookId"]), (&json!(event), &made["id"]));
    assert_eq!(delivery["revision"], made["revision"]);
    let [attempt] = delivery["attempts"].as_array().unwrap().as_slice() else { panic!("{delivery:#}") };
    assert_eq!((&attempt["number"], &attempt["trigger"]), (&json!(1), &json!("automatic")));
    assert_eq!(attempt["outcome"]["kind"], json!("delivered"));
    assert_eq!((&attempt["response"]["status"], &attempt["response"]["body"]), (&json!(200), &json!("seen")));
    assert!(attempt["timings"]["total"].as_u64() > Some(0), "{attempt:#}");
    assert_the_stage_is_told(&attempt["plugins"], &server.get("/api/plugins/slack"));
    assert_shown_as_sent(&attempt["request"], &request);
}

#[test]
fn a_webhook_from_a_template_works_at_once() {
    let (server, sink) = (Server::start(), Sink::start());
    let url = sink.url("/services/T00/B00/path");
    let made = server.json(&["webhook", "create", "--template", "slack-alerts", "--url", &url]);
    assert_eq!((&made["name"], &made["plugins"][0]["plugin"]), (&json!("Slack alerts"), &json!("slack")));

    let tested = server.json(&["webhook", "test", made["id"].as_str().unwrap()]);
    assert_eq!((&tested["success"], &tested["statusCode"]), (&json!(true), &json!(200)));
    // No data: the catalogue's sample goes out.
    let posted = server.json(&["trigger", "license.activated"]);
    assert_eq!(posted["deliveries"], json!(1));
    let requests = sink.wait_for(2);
    assert_is_a_message(&requests[1], "Nordwind Media");
    requests[1].assert_standard(made["secret"].as_str().unwrap(), &id(&posted));
    let delivered = server.json(&["explain", &id(&posted)]);
    assert_eq!(delivered["webhooks"][0]["matched"], json!(true));
}

/// Slack would take it, and it says something of the event.
#[track_caller]
fn assert_is_a_message(request: &Received, says: &str) {
    assert_eq!(problems(&request.body), Vec::<String>::new(), "{}", request.text());
    assert!(request.json()["blocks"].is_array() && request.text().contains(says), "{}", request.text());
    assert!(request.header("content-type").starts_with("application/json"));
}

#[track_caller]
fn assert_the_stage_is_told(stages: &Value, plugin: &Value) {
    let [stage] = stages.as_array().unwrap().as_slice() else { panic!("{stages:#}") };
    assert_eq!(stage["plugin"], json!(format!("slack@{}", plugin["version"].as_str().unwrap())));
    assert_eq!((&stage["digest"], &stage["result"]["verdict"]), (&plugin["digest"], &json!("send")));
    let (fuel, limit) = (stage["cost"]["fuel"].as_u64().unwrap(), stage["cost"]["fuelLimit"].as_u64().unwrap());
    assert!(0 < fuel && fuel < limit, "{stage:#}");
}

/// The log has the request as it went out, but for what is secret in it.
#[track_caller]
fn assert_shown_as_sent(shown: &Value, request: &Received) {
    let url = shown["url"].as_str().unwrap();
    assert!(url.ends_with("/…post") && !url.contains("whoever"), "{url}");
    assert_eq!(shown["bodySize"], json!(request.body.len()));
    let headers = shown["headers"].as_array().unwrap();
    for name in ["webhook-id", "webhook-timestamp", "content-type"] {
        let header = headers.iter().find(|header| header["name"] == json!(name));
        assert_eq!(header.unwrap_or_else(|| panic!("no {name} in {shown:#}"))["value"], json!(request.header(name)));
    }
}
