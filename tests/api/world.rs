//! A server, a receiver, and clients with different tokens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use waxwing::app::{App, Surroundings};
use waxwing::clock::{Clock, SystemClock, SystemRng};
use waxwing::config::{Config, Layers};

pub(crate) const ADMIN: &str = "wxt_of_the_tests_administrator";

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) sink: Sink,
    pub(crate) clock: Arc<Ahead>,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// Status and JSON of an answer; `Null` for an empty body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a call that must have worked.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status < 300, "{} {:#}", self.status, self.body);
        self.body
    }

    /// A refusal is a whole problem+json, with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{:#}", self.body);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.body["status"], json!(status));
        assert_eq!(self.body["type"], json!(format!("/docs#{code}")));
        assert!(self.body["title"].is_string() && self.body["detail"].is_string());
        self.body
    }
}

/// The pointers of a problem's faults.
pub(crate) fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(&[("WAXWING_ALLOW_HTTP", "true"), ("WAXWING_ALLOW_NETWORKS", "127.0.0.0/8")]).await
    }

    /// A server with these settings besides its folder, port and admin token.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let mut environ: HashMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environ.insert("WAXWING_DATA".into(), data);
        environ.insert("WAXWING_LISTEN".into(), "127.0.0.1:0".into());
        environ.insert("WAXWING_ADMIN_TOKEN".into(), ADMIN.into());
        // One key, so that the servers of all tests can share what one of them compiled.
        environ.insert("WAXWING_KEY".into(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into());
        let layers = Layers::default().with_environ(&|name| environ.get(name).cloned()).unwrap();
        let clock = Arc::new(Ahead::default());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app = App::start_in(Config::read(&layers).unwrap(), surroundings(Arc::clone(&clock))).await.unwrap();
        Self { app, clock, sink: Sink::start().await, http: reqwest::Client::new(), _folder: folder }
    }

    /// Does all deliveries that are due.
    pub(crate) async fn deliver(&self) -> usize {
        self.app.deliver().run_due().await.unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.app.address()))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.bytes().await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
        Answer { status, content_type: content_type.unwrap_or_default(), body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(ADMIN)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(ADMIN)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(ADMIN).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).bearer_auth(ADMIN).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).bearer_auth(ADMIN).json(&body)).await
    }

    /// A token of this role.
    pub(crate) async fn token(&self, role: &str, tenant: Option<&str>) -> String {
        let made = self.post("/api/tokens", json!({ "name": role, "role": role, "tenant": tenant })).await.ok();
        made["token"].as_str().unwrap().to_owned()
    }

    /// A webhook on the test's receiver; its id.
    pub(crate) async fn webhook(&self, events: &[&str]) -> String {
        self.webhook_with(json!({ "events": events })).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn webhook_with(&self, mut body: Value) -> Value {
        let url = self.sink.url();
        body.as_object_mut().unwrap().entry("url").or_insert(json!(url));
        self.post("/api/webhooks", body).await.ok()
    }

    /// Posts an event; its id.
    pub(crate) async fn publish(&self, event_type: &str, data: Value) -> String {
        let accepted = self.post("/api/events", json!({ "type": event_type, "data": data })).await;
        assert_eq!(accepted.status, 202, "{:#}", accepted.body);
        accepted.body["id"].as_str().unwrap().to_owned()
    }

    /// The only delivery of an event.
    pub(crate) async fn delivery_of(&self, event: &str) -> Value {
        let listed = self.get(&format!("/api/deliveries?event={event}")).await.ok();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
        listed["data"][0].clone()
    }
}

fn surroundings(clock: Arc<Ahead>) -> Surroundings {
    Surroundings {
        clock,
        rng: Arc::new(SystemRng),
        executable: PathBuf::from(env!("CARGO_BIN_EXE_waxwing")),
        compiled: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        roots: Vec::new(),
        delivers: false,
        metrics: Arc::new(|| "waxwing_up 1\n".to_owned()),
    }
}

/// The machine's clock, and as many milliseconds more as a test wants.
#[derive(Default)]
pub(crate) struct Ahead(pub(crate) std::sync::atomic::AtomicU64);

impl Clock for Ahead {
    fn now(&self) -> waxwing::model::time::Timestamp {
        let more = self.0.load(std::sync::atomic::Ordering::Relaxed);
        SystemClock.now().plus(std::time::Duration::from_millis(more))
    }
}

/// A receiver that answers as it is told and remembers what it got.
pub(crate) struct Sink {
    address: SocketAddr,
    state: Arc<Received>,
}

#[derive(Default)]
struct Received {
    answers: Mutex<Vec<u16>>,
    requests: Mutex<Vec<(HeaderMap, String)>>,
}

impl Sink {
    async fn start() -> Self {
        let state = Arc::new(Received::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in/secret-path", self.address)
    }

    /// The next answers; then 200.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        *self.state.answers.lock() = statuses.iter().rev().copied().collect();
    }

    pub(crate) fn requests(&self) -> Vec<(HeaderMap, String)> {
        self.state.requests.lock().clone()
    }
}

async fn receive(State(state): State<Arc<Received>>, headers: HeaderMap, body: String) -> (StatusCode, &'static str) {
    state.requests.lock().push((headers, body));
    let status = state.answers.lock().pop().unwrap_or(200);
    (StatusCode::from_u16(status).unwrap(), "seen")
}
