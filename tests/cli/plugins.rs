//! `waxwing plugin`, `waxwing webhook create --template`: plugins from the command line.

use serde_json::json;

use crate::process::{Server, Sink, id, text};

#[test]
fn a_component_is_pushed_once_and_a_damaged_one_is_not() {
    let server = Server::shared();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faulty.wasm");
    std::fs::write(&path, waxwing_bundle::faulty()).unwrap();
    let push = ["plugin", "push", path.to_str().unwrap()];
    let pushed = server.json(&push);
    assert_eq!(pushed["name"], json!("faulty"));
    assert!(pushed["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(server.json(&push)["digest"], pushed["digest"]);
    let plain = text(&server.run(&push).stdout);
    assert!(plain.starts_with("faulty@") && plain.contains("sha256:"), "{plain}");
    assert_eq!(server.json(&["plugin", "inspect", "faulty"])["digest"], pushed["digest"]);

    std::fs::write(&path, &waxwing_bundle::faulty()[..1000]).unwrap();
    let refused = server.run(&push);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("component-malformed"), "{}", text(&refused.stderr));
    let missing = server.run(&["plugin", "push", "/no/such/file.wasm"]);
    assert!(missing.status.code() == Some(1) && text(&missing.stderr).contains("/no/such/file.wasm"));
}

#[test]
fn a_past_delivery_is_run_again_and_compared_to_the_byte() {
    let (server, sink) = (Server::shared(), Sink::start());
    let chain = json!([{ "plugin": "redact", "settings": { "mask": ["/card"] } }]);
    server.webhook(json!({ "url": sink.url("/"), "events": ["rerun.*"], "plugins": chain }));
    let event = server.publish("rerun.me", json!({ "card": "4111" }));
    let delivery = id(&server.delivery_after(&event, 1));

    let rerun = server.json(&["plugin", "rerun", &delivery]);
    assert_eq!(
        (&rerun["same"], rerun["before"].as_str().unwrap()),
        (&json!(true), sink.wait_for(1)[0].text().as_str())
    );
    assert_eq!(rerun["now"]["stages"][0]["result"]["verdict"], json!("replace"));
    assert_eq!(text(&server.run(&["plugin", "rerun", &delivery]).stdout), "the same bytes as then\n");
    let version = server.get("/api/plugins/redact")["version"].as_str().unwrap().to_owned();
    let with = server.json(&["plugin", "rerun", &delivery, "--with", &format!("redact@{version}")]);
    assert_eq!(with["same"], json!(true));
    let unknown = server.run(&["plugin", "rerun", &delivery, "--with", "redact@9.9.9"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("/plugins/0"), "{}", text(&unknown.stderr));
    assert_eq!(sink.received().len(), 1, "nothing is sent");
}

#[test]
fn a_webhook_from_a_template_takes_answers_to_its_questions() {
    let (server, sink) = (Server::shared(), Sink::start());
    let create = ["webhook", "create", "--template", "slack-alerts", "--url", &sink.url("/services/x")];
    let answers = r#"{"slack": {"title": "From the command line"}}"#;
    let made = server.json(&[&create[..], &["--events", "templated.*", "--settings", answers]].concat());
    assert_eq!(made["plugins"][0]["settings"]["title"], json!("From the command line"));
    server.json(&["trigger", "templated.event", "--data", r#"{"a": 1}"#]);
    assert!(sink.wait_for(1)[0].text().contains("From the command line"));

    let unknown = server.run(&["webhook", "create", "--template", "pigeons", "--url", "https://example.com"]);
    assert!(unknown.status.code() == Some(1) && text(&unknown.stderr).contains("/template"), "{unknown:?}");
    let wrong = server.run(&[&create[..], &["--settings", r#"{"slack": {"titel": "x"}}"#]].concat());
    assert!(wrong.status.code() == Some(1) && text(&wrong.stderr).contains("/plugins/0/settings/titel"), "{wrong:?}");
    let without = server.run(&["webhook", "create", "--url", "https://example.com", "--settings", "{}"]);
    assert!(without.status.code() == Some(2) && text(&without.stderr).contains("--template"), "{without:?}");
}
