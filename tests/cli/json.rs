//! `--json`: every command then prints JSON on standard output and nothing else, and tells failures as JSON on standard error.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use serde_json::{Value, json};

use crate::process::{Server, Sink, id, text};

/// They stay up, take long, or need another database: each has a test of its own with `--json`.
const ELSEWHERE: [&str; 6] = ["serve", "demo", "listen", "bench", "migrate", "copy"];

/// Every command, with its subcommands: `plugin push`.
fn all() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for command in waxwing::cli::Cli::command().get_subcommands() {
        let name = command.get_name();
        match command.get_subcommands().count() {
            0 => drop(names.insert(name.to_owned())),
            _ => names.extend(command.get_subcommands().map(|below| format!("{name} {}", below.get_name()))),
        }
    }
    names
}

/// Runs commands with `--json`, and remembers which.
struct Runs<'a> {
    server: &'a Server,
    names: BTreeSet<String>,
}

impl Runs<'_> {
    #[track_caller]
    fn run(&mut self, name: &str, more: &[&str]) -> Value {
        let arguments: Vec<&str> = name.split(' ').chain(more.iter().copied()).chain(["--json"]).collect();
        let output = self.server.run(&arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
        self.names.insert(name.to_owned());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stdout)))
    }
}

#[test]
fn every_command_prints_json_and_nothing_else_when_it_is_asked_to() {
    let (server, sink, folder) = (Server::shared(), Sink::start(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let slack = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == "slack").unwrap();
    std::fs::write(path("slack.wasm"), slack.wasm).unwrap();
    std::fs::write(path("body"), "{}").unwrap();
    let mut runs = Runs { server: &server, names: BTreeSet::new() };

    let url = sink.url("/");
    let webhook = id(&runs.run("webhook create", &["--url", &url, "--events", "json.*", "--plugin", "slack"]));
    for name in ["webhook show", "webhook pause", "webhook resume", "webhook test"] {
        runs.run(name, &[&webhook]);
    }
    runs.run("webhook list", &[]);
    runs.run("webhook templates", &[]);
    let event = id(&runs.run("trigger", &["json.a", "--data", "{}"]));
    let delivery = id(&server.ended(&id(&server.delivery_after(&event, 1))));
    runs.run("explain", &[&event]);
    runs.run("replay", &[&delivery]);
    runs.run("webhook recover", &[&webhook, "--since", "2026-01-01T00:00:00Z"]);
    runs.run("plugin rerun", &[&delivery]);
    runs.run("plugin list", &[]);
    for name in ["plugin run", "plugin inspect", "plugin push"] {
        runs.run(name, &[&path("slack.wasm")]);
    }
    runs.run("portal-link", &["--role", "viewer", "--minutes", "1"]);
    let token = id(&runs.run("token create", &["--role", "viewer"]));
    runs.run("token list", &[]);
    runs.run("token revoke", &[&token]);
    let secret = ["--format", "github", "--secret", "s", "--body", &path("body")];
    let headers = runs.run("sign", &secret)["headers"].clone();
    let lines: Vec<String> = headers.as_array().unwrap().iter().map(line).collect();
    let lines: Vec<&str> = lines.iter().flat_map(|line| ["--header", line]).collect();
    runs.run("verify", &[&secret[..], &lines].concat());
    runs.run("doctor", &["--listen", "127.0.0.1:0", "--data", &path("data")]);
    runs.run("openapi", &[]);
    runs.run("webhook delete", &[&webhook]);

    let covered: BTreeSet<String> = runs.names.into_iter().chain(ELSEWHERE.map(str::to_owned)).collect();
    assert_eq!(covered, all());
}

#[test]
fn a_failure_is_json_too_on_standard_error_with_its_exit_code() {
    let server = Server::shared();
    let failing = |arguments: &[&str], code: i32, says: &str| {
        let output = server.run(&[arguments, &["--json"]].concat());
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
        let told: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        assert_eq!((output.status.code(), &told["exitCode"]), (Some(code), &json!(code)), "{told}");
        assert!(told["error"].as_str().unwrap().contains(says), "{told}");
    };
    failing(&["webhook", "show", "webhook_0000000000000"], 1, "not-found");
    failing(&["trigger", "a.b", "--data", "{"], 2, "not JSON");
    failing(&["--server", "http://127.0.0.1:1", "token", "list"], 3, "can't reach");
    failing(&["--token", "wrong", "token", "list"], 1, "token-unknown");
}

fn line(header: &Value) -> String {
    format!("{}: {}", header["name"].as_str().unwrap(), header["value"].as_str().unwrap())
}
