//! What people type, and what they get.

use serde_json::Value;

use crate::process::{Server, command, text};

/// Runs it; the exit code and what it said on standard error.
fn failing(arguments: &[&str]) -> (i32, String) {
    let output = command(arguments).output().unwrap();
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn the_demo_delivers_what_can_be_delivered_and_shows_what_fails() {
    let output = command(&["demo", "--exit", "--json", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let webhooks = told["webhooks"].as_object().unwrap();
    assert_eq!(webhooks.len(), 5, "{webhooks:?}");
    let statuses = |name: &str| {
        let id = webhooks.iter().find(|(_, known)| *known == name).unwrap().0;
        let deliveries = told["deliveries"].as_array().unwrap().iter().filter(|each| each["webhookId"] == **id);
        deliveries.map(|each| each["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses("shop"), vec!["delivered"; 20]);
    assert_eq!(statuses("slack"), vec!["delivered"; 20]);
    assert_eq!(statuses("discord"), vec!["delivered"; 4]);
    assert_eq!(statuses("failing"), vec!["pending"; 4]);
}

#[test]
fn what_sign_makes_verify_accepts_and_a_changed_body_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.json");
    let body = path.to_str().unwrap();
    let formats = [
        ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("license-validator", "whsec_a-secret-string"),
        ("cryptlex", "a token"),
        ("github", "a-secret-of-github"),
        ("stripe", "whsec_stripe-like"),
    ];
    for (format, secret) in formats {
        std::fs::write(&path, r#"{"type":"a","data":1}"#).unwrap();
        let signed = command(&["sign", "--format", format, "--secret", secret, "--body", body]).output().unwrap();
        assert!(signed.status.success(), "{format}: {}", text(&signed.stderr));
        let headers = text(&signed.stdout);
        let verify = || {
            let mut verify = command(&["verify", "--format", format, "--secret", secret, "--body", body]);
            for line in headers.lines() {
                verify.args(["--header", line]);
            }
            verify.output().unwrap()
        };
        assert!(verify().status.success(), "{format}: {}", text(&verify().stderr));
        std::fs::write(&path, r#"{"type":"b","data":1}"#).unwrap();
        assert_eq!(verify().status.code(), Some(4), "{format}");
        std::fs::write(&path, "{\n  \"type\": \"a\",\n  \"data\": 1\n}").unwrap();
        assert!(text(&verify().stderr).contains("re-serialised"), "{format}: {}", text(&verify().stderr));
    }
}

#[test]
fn tokens_and_webhooks_come_and_go() {
    let server = Server::shared();
    let token = server.json(&["token", "create", "--role", "viewer", "--name", "eyes"]);
    assert!(token["token"].as_str().unwrap().len() > 32);
    server.json(&["token", "revoke", token["id"].as_str().unwrap()]);

    let made =
        server.json(&["webhook", "create", "--url", "https://example.com/x", "--events", "a.*,b", "--name", "passing"]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(server.json(&["webhook", "pause", id])["status"], "paused");
    assert_eq!(server.json(&["webhook", "resume", id])["status"], "active");
    assert_eq!(server.json(&["webhook", "list", "--search", "passing"])["data"].as_array().unwrap().len(), 1);
    server.json(&["webhook", "delete", id]);
    let refused = server.run(&["webhook", "create", "--url", "ftp://example.com", "--events", "a"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("/url"), "{}", text(&refused.stderr));
}

#[test]
fn a_bundled_plugin_is_listed_and_doctor_compiles_one() {
    let server = Server::shared();
    let plugins = server.json(&["plugin", "list"]);
    let names: Vec<&str> =
        plugins["data"].as_array().unwrap().iter().filter_map(|each| each["name"].as_str()).collect();
    assert!(names.contains(&"slack") && names.contains(&"filter"), "{names:?}");
    let folder = tempfile::tempdir().unwrap();
    let doctor =
        command(&["doctor", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path()).output().unwrap();
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "doctor changed something");
}

#[test]
fn a_plugin_runs_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let bundled = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "slack").unwrap();
    let path = folder.path().join("slack.wasm");
    std::fs::write(&path, bundled.wasm).unwrap();
    let run =
        |more: &[&str]| command(&["--json", "plugin", "run", path.to_str().unwrap()]).args(more).output().unwrap();
    let ran = run(&[]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(told["result"]["verdict"], "send");
    assert!(told["cost"]["fuel"].as_u64().unwrap() > 0);
    std::fs::write(&path, &bundled.wasm[..1000]).unwrap();
    let truncated = run(&[]);
    assert_eq!(truncated.status.code(), Some(4));
    assert!(text(&truncated.stderr).contains("damaged or truncated"), "{}", text(&truncated.stderr));
}

#[test]
fn a_failure_is_one_line_and_a_code() {
    let (code, said) = failing(&["--server", "http://127.0.0.1:1", "webhook", "list"]);
    assert_eq!((code, said.lines().count()), (3, 1), "{said}");
    let (code, said) = failing(&["serve", "--listen", "here"]);
    assert_eq!(
        (code, said.as_str()),
        (2, "waxwing: --listen: 'here' is not an address and port such as 127.0.0.1:8480\n")
    );
    let (code, said) = failing(&["serve", "--database", "postgres://db/x"]);
    assert!(code == 2 && said.contains("a PostgreSQL database needs a key"), "{said}");
    let (code, _) = failing(&["no-such-command"]);
    assert_eq!(code, 2);
}

#[test]
fn the_openapi_document_is_printed_without_a_server() {
    let output = command(&["openapi"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["paths"]["/api/events"].is_object());
}
