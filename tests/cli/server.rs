//! A server in a process and a folder of its own, and commands that talk to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const TOKEN: &str = "a-token-for-the-tests";
const BINARY: &str = env!("CARGO_BIN_EXE_waxwing");

pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    _folder: TempDir,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// One for all tests that run at the same time: its start compiles every bundled plugin.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Starts one and waits until it says where it listens.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(BINARY)
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--log-filter", "error", "--data"])
            .arg(folder.path())
            .args(["--allow-http", "--allow-network", "127.0.0.0/8"])
            .env("WAXWING_ADMIN_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the server said {line:?}"));
        let url = said["listening"].as_str().unwrap().to_owned();
        Self { url, process, _folder: folder }
    }

    /// A command against this server, with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(arguments).env("WAXWING_URL", &self.url).env("WAXWING_TOKEN", TOKEN).output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A command that inherits no settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("WAXWING_URL").env_remove("WAXWING_TOKEN").env_remove("WAXWING_SECRET");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
