//! A real `waxwing serve` on a folder of its own, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

pub(crate) const TOKEN: &str = "a-token-for-load-tests-only-0123456789abcdef";

/// The folder and the settings of a server; a process of it may run or not.
pub(crate) struct Server {
    data: tempfile::TempDir,
    environment: Vec<(String, String)>,
    process: Option<Child>,
    /// What the process has said since it began to listen.
    log: watch::Sender<Vec<String>>,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let data = tempfile::tempdir().unwrap();
        let log = watch::Sender::default();
        let mut server = Self { data, environment, process: None, log, url: String::new(), http: http() };
        server.run().await;
        server
    }

    /// Starts the process and waits until it says where it listens.
    pub(crate) async fn run(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut child = Command::new(binary())
            .arg("serve")
            .env("WAXWING_DATA", self.data.path())
            .env("WAXWING_LISTEN", "127.0.0.1:0")
            .env("WAXWING_ADMIN_TOKEN", TOKEN)
            .env("WAXWING_ALLOW_HTTP", "true")
            .env("WAXWING_ALLOW_NETWORKS", "127.0.0.0/8")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (lines, mut said) = mpsc::unbounded_channel();
        forward(child.stdout.take().unwrap(), lines.clone());
        forward(child.stderr.take().unwrap(), lines);
        let listening = async {
            let mut heard = Vec::new();
            while let Some(line) = said.recv().await {
                if let Some((_, address)) = line.split_once("listening on http://") {
                    let end = address.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]-".contains(c)));
                    return address[..end.unwrap_or(address.len())].to_owned();
                }
                heard.push(line);
            }
            panic!("the server ended without listening:\n{}", heard.join("\n"));
        };
        let address = tokio::time::timeout(Duration::from_secs(120), listening).await.expect("the server starts");
        // Goes on draining the pipes, so that the server never waits for a reader.
        let log = self.log.clone();
        tokio::spawn(async move {
            while let Some(line) = said.recv().await {
                log.send_modify(|lines| lines.push(line));
            }
        });
        self.url = format!("http://{address}");
        self.process = Some(child);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().and_then(Child::id).expect("it runs")
    }

    /// `kill -9`, and the process is gone when this returns.
    pub(crate) async fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.start_kill().unwrap();
        process.wait().await.unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.data.path()
    }

    /// What all its threads have used of the processors.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let used = threads.flatten().map(|thread| {
            let told = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default()
        });
        Duration::from_nanos(used.sum())
    }

    pub(crate) async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.url);
        let answer = self.http.request(method.clone(), url).bearer_auth(TOKEN).json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path} answered {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(reqwest::Method::GET, path, &Value::Null).await
    }

    /// A webhook for one event type, tried again every second for a minute.
    pub(crate) async fn webhook(&self, url: &str, event_type: &str, plugins: Value) -> String {
        let retry = json!({ "delaysSeconds": vec![1; 50] });
        let webhook = json!({ "url": url, "events": [event_type], "plugins": plugins, "retry": retry });
        let made = self.call(reqwest::Method::POST, "/api/webhooks", &webhook).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Uploads a component.
    pub(crate) async fn upload(&self, wasm: &'static [u8]) {
        let request = self.http.post(format!("{}/api/plugins", self.url)).bearer_auth(TOKEN);
        let answer = request.header("content-type", "application/wasm").body(wasm).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "upload answered {status}: {text}");
    }

    /// Posts one event; its id when it was acknowledged, `None` when the server was gone or refused it.
    pub(crate) async fn publish(&self, event_type: &str, data: &Value) -> Option<String> {
        publish(&self.http, &self.url, event_type, data).await
    }

    /// Waits for a line with this in it; how many there are then.
    pub(crate) async fn says(&self, what: &str) -> usize {
        let mut log = self.log.subscribe();
        let count = |lines: &Vec<String>| lines.iter().filter(|line| line.contains(what)).count();
        let said = tokio::time::timeout(Duration::from_secs(60), log.wait_for(|lines| count(lines) > 0)).await;
        count(&said.unwrap_or_else(|_| panic!("it never says {what:?}")).unwrap())
    }

    /// Where its SQLite database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.path().join("waxwing.db")
    }

    /// The metrics, as they are shown.
    pub(crate) async fn metrics(&self) -> String {
        let request = self.http.get(format!("{}/metrics", self.url)).bearer_auth(TOKEN);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Peak resident memory so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

/// A client with connections of its own.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) async fn publish(http: &reqwest::Client, url: &str, event_type: &str, data: &Value) -> Option<String> {
    let event = json!({ "type": event_type, "data": data });
    let answer = http.post(format!("{url}/api/events")).bearer_auth(TOKEN).json(&event).send().await.ok()?;
    if answer.status().as_u16() != 202 {
        return None;
    }
    answer.json::<Value>().await.ok()?["id"].as_str().map(str::to_owned)
}

#[allow(clippy::disallowed_methods, reason = "which build is tested is asked for in the environment")]
fn binary() -> PathBuf {
    std::env::var_os("WAXWING_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_waxwing").into(), PathBuf::from)
}

fn forward(from: impl tokio::io::AsyncRead + Unpin + Send + 'static, to: mpsc::UnboundedSender<String>) {
    let mut lines = BufReader::new(from).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = to.send(line);
        }
    });
}
