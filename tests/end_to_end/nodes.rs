//! Several nodes on one PostgreSQL: what is changed on one of them holds on all, and what one leaves another one does.

use std::process::Output;

use serde_json::{Value, json};

use crate::cluster::Database;
use crate::process::{Server, Sink, command, id, text};

fn on(database: &Database) -> Server {
    on_with(database, &[])
}

fn on_with(database: &Database, more: &[&str]) -> Server {
    let url = database.url();
    let usual = ["--allow-http", "--allow-network", "127.0.0.0/8", "--database", &url];
    Server::start_with(&[&usual[..], more].concat())
}

fn database() -> Database {
    tokio::runtime::Runtime::new().unwrap().block_on(Database::new())
}

fn with_token(server: &Server, token: &str, arguments: &[&str]) -> Output {
    command(arguments).env("WAXWING_URL", &server.url).env("WAXWING_TOKEN", token).output().unwrap()
}

/// Asks until the command ends as wanted.
#[track_caller]
fn until_it_ends(server: &Server, token: &str, well: bool) {
    let begun = std::time::Instant::now();
    loop {
        let output = with_token(server, token, &["webhook", "list", "--json"]);
        if output.status.success() == well {
            return;
        }
        assert!(begun.elapsed() < crate::process::PATIENCE, "{}", text(&output.stderr));
    }
}

#[test]
fn a_webhook_made_edited_paused_and_deleted_on_one_node_is_so_on_the_other() {
    let (database, sink) = (database(), Sink::start());
    let (one, other) = (on(&database), on(&database));
    let made = one.webhook(json!({ "url": sink.url("/first"), "events": ["order.*"] }));
    let path = format!("/api/webhooks/{}", id(&made));
    let listed = |shown: &Value| shown["data"].as_array().is_some_and(|all| all.len() == 1);
    other.until("/api/webhooks", listed);
    let event = other.publish("order.paid", json!({ "n": 1 }));
    assert_eq!(other.delivery_after(&event, 1)["status"], "delivered");
    sink.wait_for(1)[0].assert_standard(made["secret"].as_str().unwrap(), &event);

    let edited = one.patch(&path, json!({ "url": sink.url("/second"), "format": "license-validator" }));
    other.until(&path, |shown| shown["revision"] == edited["revision"]);
    let event = other.publish("order.paid", json!({ "n": 2 }));
    assert_eq!(other.delivery_after(&event, 1)["status"], "delivered");
    let request = sink.wait_for(2).remove(1);
    assert_eq!(request.target, "/second");
    request.assert_license_validator(made["secret"].as_str().unwrap());

    one.post(&format!("{path}/pause"), json!({}));
    other.until(&path, |shown| shown["status"] == "paused");
    let held = other.publish("order.paid", json!({ "n": 3 }));
    let waiting =
        other.until(&format!("/api/deliveries?event={held}"), |shown| shown["data"][0]["status"] == "pending");
    assert_eq!(waiting["data"][0]["attemptCount"], 0);
    one.post(&format!("{path}/resume"), json!({}));
    assert_eq!(one.ended(&id(&waiting["data"][0]))["status"], "delivered");
    assert_eq!(sink.received().len(), 3, "each node sent its own, and none was sent twice");

    one.delete(&path);
    other.until("/api/webhooks", |shown| shown["data"] == json!([]));
    assert_eq!(other.post("/api/events", json!({ "type": "order.paid", "data": {} }))["deliveries"], 0);
}

#[test]
fn a_token_a_tenant_a_plugin_and_the_defaults_are_known_to_the_other_node() {
    let (database, sink) = (database(), Sink::start());
    let (one, other) = (on(&database), on(&database));
    let made = one.post("/api/tokens", json!({ "name": "CI", "role": "viewer" }));
    let token = made["token"].as_str().unwrap();
    until_it_ends(&other, token, true);
    one.delete(&format!("/api/tokens/{}", id(&made)));
    until_it_ends(&other, token, false);

    one.put("/api/tenants/acme", json!({ "strict": true }));
    let acme = |shown: &Value| shown["data"].as_array().is_some_and(|all| all.iter().any(|it| it["name"] == "acme"));
    other.until("/api/tenants", acme);
    one.put("/api/event-types/ship.sails", json!({ "description": "A ship leaves" }));
    other.until("/api/event-types", |shown| shown.to_string().contains("A ship leaves"));
    // It is shown a moment before events are judged by it.
    let event = json!({ "type": "ship.sails", "tenant": "acme", "data": {} });
    let begun = std::time::Instant::now();
    while other.answer("/api/events", &event).0 != 202 {
        assert!(begun.elapsed() < crate::process::PATIENCE, "a strict tenant's type is not known there");
    }
    one.patch("/api/settings", json!({ "defaultEnvironment": "staging" }));
    other.until("/api/settings", |shown| shown["defaultEnvironment"] == "staging");

    let uploaded = one.upload(crate::edits::another_redact());
    let version = uploaded["version"].as_str().unwrap();
    other.until("/api/plugins/redact/versions", |shown| shown.to_string().contains(version));
    let chain = json!([{ "plugin": format!("redact@{version}"), "settings": { "mask": ["/card"] } }]);
    other.webhook(json!({ "url": sink.url("/"), "events": ["*"], "plugins": chain }));
    let event = other.publish("order.paid", json!({ "card": "4111" }));
    assert_eq!(other.delivery_after(&event, 1)["status"], "delivered");
    assert!(sink.wait_for(1)[0].text().ends_with(r#""data":{"card":"[withheld]"}}"#), "{}", sink.received()[0].text());
}

#[test]
fn what_one_node_accepts_another_one_delivers_and_a_worker_answers_only_the_probes() {
    let (database, sink) = (database(), Sink::start());
    let (api, worker) = (on_with(&database, &["--role", "api"]), on_with(&database, &["--role", "worker"]));
    let made = api.webhook(json!({ "url": sink.url("/"), "events": ["*"], "retry": { "delaysSeconds": [3600] } }));
    sink.answers(&[500]);
    let event = api.publish("order.paid", json!({ "n": 1 }));
    let failed = api.delivery_after(&event, 1);
    assert_eq!(failed["status"], "pending", "{failed:#}");
    sink.wait_for(1)[0].assert_standard(made["secret"].as_str().unwrap(), &event);
    api.post(&format!("/api/deliveries/{}/retry", id(&failed)), json!({}));
    let ended = api.ended(&id(&failed));
    assert_eq!(
        (&ended["status"], &ended["attempts"][1]["trigger"]),
        (&json!("delivered"), &json!("manual")),
        "{ended:#}"
    );
    let tested = api.post("/api/webhooks/test", json!({ "webhookId": id(&made) }));
    assert_eq!(tested["success"], true, "a test runs where it was asked for: {tested:#}");

    assert_eq!(worker.status("/healthz"), 200);
    assert_eq!(worker.status("/readyz"), 200);
    assert_eq!(worker.status("/metrics"), 200);
    assert_eq!(worker.status("/api/webhooks"), 421);
    assert_eq!(worker.status("/admin/webhooks"), 421);
}

#[test]
fn deliveries_in_order_are_so_over_nodes_that_accept_and_nodes_that_deliver() {
    let (database, sink) = (database(), Sink::start());
    let (api, worker, both) =
        (on_with(&database, &["--role", "api"]), on_with(&database, &["--role", "worker"]), on(&database));
    let retry = json!({ "delaysSeconds": [1] });
    let made = api.webhook(json!({ "url": sink.url("/"), "events": ["*"], "ordering": "fifo", "retry": retry }));
    both.until("/api/webhooks", |shown| shown.to_string().contains(&id(&made)));
    sink.answers(&[200, 200, 500]);
    for number in 0..20 {
        let accepting = if number % 2 == 0 { &api } else { &both };
        accepting.publish("order.paid", json!(number));
    }
    let numbers: Vec<u64> = sink.wait_for(21).iter().map(|request| request.json()["data"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (0..=2).chain(2..20).collect();
    assert_eq!(numbers, expected, "only the third came twice");
    assert!(worker.is_running());
}

#[test]
fn what_is_changed_on_one_node_holds_on_the_other_within_a_second() {
    let (database, sink) = (database(), Sink::start());
    let (one, other) = (on(&database), on(&database));
    let made = one.webhook(json!({ "url": sink.url("/"), "events": ["order.*"] }));
    let path = format!("/api/webhooks/{}", id(&made));
    other.until("/api/webhooks", |shown| shown.to_string().contains(&id(&made)));
    let mut took: Vec<std::time::Duration> = (0..9)
        .map(|number| {
            // What events are judged by is asked, not what the database shows.
            let wanted = number % 2;
            one.patch(&path, json!({ "isActive": wanted == 1 }));
            let begun = std::time::Instant::now();
            let event = json!({ "type": "order.paid", "data": number });
            while other.post("/api/events", event.clone())["deliveries"] != wanted {
                assert!(begun.elapsed() < crate::process::PATIENCE, "change {number} never came");
            }
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    // One of them may meet a machine that is busy with something else.
    assert!(took[took.len() / 2] < std::time::Duration::from_secs(1), "{took:?}");
}
