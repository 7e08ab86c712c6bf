//! How deliveries leave: what is said of it is checked at the start, shown in the settings, and done.

use serde_json::json;

use crate::process::{Server, Sink, command, text};

#[test]
fn a_proxy_or_an_address_that_can_not_be_used_ends_the_start_with_a_reason() {
    for (flag, value, says) in [
        ("--proxy", "https://proxy.example:3128", "must be http://HOST:PORT"),
        ("--proxy", "socks5://proxy.example:1080", "must be http://HOST:PORT"),
        ("--proxy", "proxy.example", "relative URL without a base"),
        ("--source-address", "example.com", "invalid IP address"),
        ("--allow-network", "10.0.0.0/99", "not a network such as"),
    ] {
        let output = command(&["serve", flag, value]).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{flag} {value}: {said}");
        assert!(said.starts_with(&format!("waxwing: {flag}: ")) && said.contains(says), "{said}");
    }
}

#[test]
fn deliveries_leave_from_the_address_that_was_configured() {
    let sink = Sink::start();
    let allow = ["--allow-http", "--allow-network", "127.0.0.0/8"];
    let server = Server::start_with(&[&allow[..], &["--source-address", "127.0.0.9"]].concat());
    assert_eq!(server.get("/api/settings")["sourceAddresses"], json!(["127.0.0.9"]));
    server.webhook(json!({ "url": sink.url("/"), "events": ["*"] }));
    server.publish("order.paid", json!({}));
    assert_eq!(sink.wait_for(1)[0].from.to_string(), "127.0.0.9");
}

#[test]
fn a_proxy_is_shown_without_its_password_and_nothing_goes_around_it() {
    let sink = Sink::start();
    let allow = ["--allow-http", "--allow-network", "127.0.0.0/8"];
    // Nobody listens there.
    let server = Server::start_with(&[&allow[..], &["--proxy", "http://user:hush@127.0.0.1:9"]].concat());
    let settings = server.get("/api/settings");
    assert_eq!(settings["proxy"], json!("http://127.0.0.1:9"));
    let made = server.webhook(json!({ "url": sink.url("/"), "events": ["*"] }));
    let tested = server.post("/api/webhooks/test", json!({ "webhookId": made["id"] }));
    assert_eq!(tested["success"], json!(false));
    let error = tested["error"].as_str().unwrap();
    assert!(error.starts_with("connect") && !error.contains("hush"), "{error}");
    assert!(sink.received().is_empty());
}
