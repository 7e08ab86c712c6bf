//! `waxwing listen`: a receiver for a developer's machine, which verifies, prints, and passes on.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::process::{Server, command};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A `listen` that prints JSON, a line for each request.
struct Listening {
    url: String,
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Listening {
    fn start(arguments: &[&str]) -> Self {
        let mut listen = command(&["listen", "--json", "--listen", "127.0.0.1:0"]);
        let mut process = listen.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut listening = Self { url: String::new(), process, lines };
        listening.url = listening.next()["listening"].as_str().unwrap().to_owned();
        listening
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("listen said {line:?}"))
    }

    fn ends_well(mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

#[test]
fn what_a_server_sends_is_verified_and_printed() {
    let server = Server::shared();
    let mut listen = Listening::start(&["--count", "1", "--secret", SECRET]);
    server.json(&["webhook", "create", "--url", &listen.url, "--events", "parcel.*", "--secret", SECRET]);
    let posted = server.json(&["trigger", "parcel.sent", "--data", r#"{"total": 9}"#]);
    assert_eq!(posted["deliveries"], json!(1));
    let arrived = listen.next();
    assert_eq!((&arrived["valid"], &arrived["forwarded"]), (&json!(true), &Value::Null), "{arrived}");
    assert!(arrived["body"].as_str().unwrap().contains(r#""data":{"total":9}"#), "{arrived}");
    listen.ends_well();
}

#[test]
fn what_arrives_is_passed_on_as_it_came_and_still_verifies_there() {
    let server = Server::shared();
    let mut behind = Listening::start(&["--count", "1", "--secret", SECRET, "--status", "202"]);
    let mut front = Listening::start(&["--count", "1", "--secret", SECRET, "--forward", &behind.url]);
    server.json(&["webhook", "create", "--url", &front.url, "--events", "passed.*", "--secret", SECRET]);
    server.json(&["trigger", "passed.on", "--data", r#"{"a":  1.50}"#]);
    let (first, second) = (front.next(), behind.next());
    assert_eq!((&first["valid"], &first["forwarded"]["status"]), (&json!(true), &json!(202)), "{first}");
    assert_eq!((&second["valid"], &second["body"]), (&json!(true), &first["body"]), "{second}");
    front.ends_well();
    behind.ends_well();
}

#[test]
fn what_does_not_verify_gets_a_401_and_is_told_apart() {
    let server = Server::shared();
    let mut listen = Listening::start(&["--count", "1", "--secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
    let made = server.json(&["webhook", "create", "--url", &listen.url, "--events", "forged.*", "--secret", SECRET]);
    let tested = server.run(&["webhook", "test", made["id"].as_str().unwrap(), "--type", "forged.one", "--json"]);
    let told: Value = serde_json::from_slice(&tested.stdout).unwrap();
    assert_eq!((tested.status.code(), &told["statusCode"]), (Some(4), &json!(401)), "{told}");
    let arrived = listen.next();
    assert_eq!(arrived["valid"], json!(false));
    assert!(arrived["verdict"].as_str().unwrap().contains("(wrong-secret)"), "{arrived}");
    listen.ends_well();
}
