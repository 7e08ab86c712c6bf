//! chromedriver and its browsers: one driver a test process, and for each test a new browser with a folder of its own.
//!
//! A shell looks after the driver: it reads a pipe that only this process holds open, and when that ends, however it does, asks the
//! driver to end its browsers, and removes their folders. What the machine lacks is said loudly, and fails where everything is required.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{ParseError, Url};

/// How many browsers there are at once: each of them keeps a core busy.
static TURNS: Semaphore = Semaphore::const_new(2);
static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Starts the driver, is told its port, and waits for the end of its input.
const KEEPER: &str = r#"
chromedriver --port=0 &
driver=$!
trap '' INT HUP TERM
read -r port && cat >/dev/null
if [ -n "$port" ] && exec 3<>"/dev/tcp/127.0.0.1/$port"; then
  printf 'GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
  timeout 10 cat <&3 >/dev/null
fi 2>/dev/null
kill -KILL "$driver" 2>/dev/null
wait "$driver" 2>/dev/null
rm -rf "$1"
"#;

/// How long a script may take in a page, unless more is granted.
pub(crate) const SCRIPT_TIME: Duration = Duration::from_secs(2);

const BROWSER_FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

struct Driver {
    port: u16,
    browser: PathBuf,
    folder: PathBuf,
    /// Its input ends with this process.
    _keeper: Child,
    /// What the driver says later goes nowhere, and must have somewhere to go.
    _said: BufReader<ChildStdout>,
}

/// A browser.
pub(crate) struct Session {
    pub(crate) client: Client,
    id: String,
    port: u16,
    _turn: SemaphorePermit<'static>,
}

/// What only chromedriver knows: a path below the session's, and what is posted there.
#[derive(Debug)]
struct ChromeCommand(&'static str, String);

impl WebDriverCompatibleCommand for ChromeCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.clone()))
    }
}

impl Session {
    /// `None` if the machine lacks what it takes.
    pub(crate) async fn start() -> Option<Self> {
        let turn = TURNS.acquire().await.unwrap();
        let driver = DRIVER.get_or_init(Driver::start).as_ref()?;
        let profile = driver.folder.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        let mut flags = BROWSER_FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.display()));
        let Value::Object(capabilities) = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": driver.browser, "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "pageLoad": 60_000, "script": 1000 * SCRIPT_TIME.as_secs() },
        }) else {
            unreachable!("capabilities are an object")
        };
        let url = format!("http://127.0.0.1:{}", driver.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&url).await.unwrap();
        // It would end the browser in a task of the test's runtime, which ends first where the test fails.
        client.persist().await.unwrap();
        let id = client.session_id().await.unwrap().unwrap();
        Some(Self { client, id, port: driver.port, _turn: turn })
    }

    /// A command of chromedriver's own.
    pub(crate) async fn ask_chrome(&self, what: &'static str, body: &Value) -> Result<Value, CmdError> {
        self.client.issue_cmd(ChromeCommand(what, body.to_string())).await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let ended = format!("DELETE /session/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.id);
        // A driver that is gone has no browsers either. It answers when the browser has ended, and keeps the connection.
        if stream.write_all(ended.as_bytes()).is_ok() {
            let _ = stream.read(&mut [0; 1]);
        }
    }
}

impl Driver {
    fn start() -> Option<Self> {
        let (browser, driver) = (on_path("chromium"), on_path("chromedriver"));
        let (Some(browser), Some(_)) = (browser, driver) else {
            left_out(
                "Chromium or chromedriver is missing (apt-get install chromium chromium-driver): no page was looked at",
            );
            return None;
        };
        let folder = tempfile::Builder::new().prefix("waxwing-browsers-").tempdir().unwrap().keep();
        let mut keeper = Command::new("bash")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(keeper.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "chromedriver doesn't start");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        writeln!(keeper.stdin.as_mut().unwrap(), "{port}").unwrap();
        Some(Self { port, browser, folder, _keeper: keeper, _said: said })
    }
}

fn on_path(tool: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(tool)).find(|file| Path::is_file(file))
}

/// Says it past the test harness, which keeps back what a passing test prints; fails where everything is required.
#[allow(clippy::disallowed_methods, reason = "how the test command says that nothing may be left out")]
pub(crate) fn left_out(what: &str) {
    let required = std::env::var("WAXWING_TESTS_REQUIRE").is_ok_and(|value| value == "1");
    assert!(!required, "{what}");
    std::io::stderr().write_all(format!("\n!!! LEFT OUT: {what} !!!\n").as_bytes()).unwrap();
}
