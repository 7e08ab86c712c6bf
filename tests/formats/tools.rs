//! Verifiers in other languages, run as their users run them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::wire::Received;

/// A script and what runs it.
pub(crate) struct Script {
    interpreter: &'static str,
    name: &'static str,
}

/// `None` if the machine lacks one of the tools: said loudly, or a failure where everything is required.
pub(crate) fn script(interpreter: &'static str, name: &'static str, tools: &[&str]) -> Option<Script> {
    let missing: Vec<_> = tools.iter().chain([&interpreter]).filter(|tool| !runs(tool)).collect();
    if missing.is_empty() {
        return Some(Script { interpreter, name });
    }
    let what = format!("LEFT OUT: {name} was not run, since this machine lacks {missing:?}");
    assert!(!required(), "{what}");
    say(&what);
    None
}

impl Script {
    /// Fails unless the script says `valid` or `invalid`: an error in it must not look like a rejection.
    pub(crate) fn accepts(&self, received: &Received, secret: &str) -> bool {
        let input = serde_json::json!({
            "secret": secret,
            "method": received.method,
            "target": received.target,
            "headers": received.headers,
            "body": STANDARD.encode(&received.body),
        });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/formats/verifiers").join(self.name);
        let mut child = Command::new(self.interpreter)
            .arg(path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        match String::from_utf8_lossy(&output.stdout).trim() {
            "valid" => true,
            "invalid" => false,
            other => panic!("{} said '{other}': {}", self.name, String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn runs(tool: &str) -> bool {
    let version = if tool == "openssl" { "version" } else { "--version" };
    let run = Command::new(tool).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

#[allow(clippy::disallowed_methods, reason = "how the test command says that nothing may be left out")]
fn required() -> bool {
    std::env::var("WAXWING_TESTS_REQUIRE").is_ok_and(|value| value == "1")
}

/// Past the test harness, which keeps back what a passing test prints.
fn say(what: &str) {
    std::io::stderr().write_all(format!("\n{what}\n").as_bytes()).unwrap();
}
