//! Limits through the whole server: upload, webhook, event, delivery. What the log of an attempt says of a plugin that met one (which
//! plugin, which limit, how much was used and allowed), and what whoever uploads a bomb is told.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use waxwing::app::{App, Surroundings};
use waxwing::clock::{SystemClock, SystemRng};
use waxwing::config::{Config, Layers};

use crate::compiling::loops;

const ADMIN: &str = "wxt_of_the_sandbox_tests";

struct Server {
    app: App,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A server that delivers when it is told to, with the faulty plugin uploaded.
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let mut environ: HashMap<&str, String> = HashMap::from([
            ("WAXWING_DATA", data),
            ("WAXWING_LISTEN", "127.0.0.1:0".to_owned()),
            ("WAXWING_ADMIN_TOKEN", ADMIN.to_owned()),
            // One key, so that what one start compiled the next one believes.
            ("WAXWING_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ]);
        environ.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let layers = Layers::default().with_environ(&|name| environ.get(name).cloned()).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            executable: PathBuf::from(env!("CARGO_BIN_EXE_waxwing")),
            compiled: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-compiled")),
            roots: Vec::new(),
            delivers: false,
            metrics: Arc::new(String::new),
        };
        let app = App::start_in(Config::read(&layers).unwrap(), surroundings).await.unwrap();
        let server = Self { app, http: reqwest::Client::new(), _folder: folder };
        let (status, told) = server.upload(waxwing_bundle::faulty().to_vec()).await;
        assert!(status < 300, "{told:#}");
        server
    }

    async fn upload(&self, wasm: Vec<u8>) -> (u16, Value) {
        let upload = self.request(reqwest::Method::POST, "/api/plugins").header("content-type", "application/wasm");
        let response = upload.body(wasm).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.app.address())).bearer_auth(ADMIN)
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.json(self.request(reqwest::Method::POST, path).json(&body)).await
    }

    /// The only attempt at an event, through a webhook with these stages.
    async fn attempt(&self, stages: Value) -> Value {
        let webhook = json!({ "url": "https://shop.example/in", "events": ["*"], "plugins": stages });
        let id = self.post("/api/webhooks", webhook).await["id"].as_str().unwrap().to_owned();
        self.post("/api/events", json!({ "type": "order.paid", "data": { "order": 7 } })).await;
        self.app.deliver().run_due().await.unwrap();
        let listed = self.json(self.request(reqwest::Method::GET, &format!("/api/deliveries?webhook={id}"))).await;
        let delivery = listed["data"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed:#}")).to_owned();
        let shown = self.json(self.request(reqwest::Method::GET, &format!("/api/deliveries/{delivery}"))).await;
        self.request(reqwest::Method::DELETE, &format!("/api/webhooks/{id}")).send().await.unwrap();
        shown["attempts"][0].clone()
    }
}

#[tokio::test]
async fn the_row_of_an_attempt_names_plugin_limit_used_and_allowed() {
    let server = Server::start().await;
    for (settings, said) in [
        (json!({ "fault": "spin" }), "plugin faulty@0.1.0: fuel limit: used 20002200 of 20002200"),
        (json!({ "fault": "recurse-deep" }), "plugin faulty@0.1.0: stack limit: used 524288 of 524288"),
        (json!({ "fault": "many-headers", "amount": 65 }), "plugin faulty@0.1.0: count limit: used 65 of 64"),
        (
            json!({ "fault": "huge-body", "amount": 1_048_577 }),
            "plugin faulty@0.1.0: output limit: used 1048577 of 1048576",
        ),
    ] {
        let attempt = server.attempt(json!([{ "plugin": "faulty", "settings": settings }])).await;
        assert_eq!(attempt["reason"], json!(said), "{attempt:#}");
        assert_eq!(attempt["outcome"]["fault"], attempt["plugins"][0]["result"]["fault"], "{attempt:#}");
    }
}

#[tokio::test]
async fn a_compile_bomb_is_refused_by_the_limit_that_it_met_and_the_server_goes_on() {
    // The plugins that come with it take longer than that: one start with the defaults compiles them for the next.
    drop(Server::start().await);
    let server = Server::with(&[("WAXWING_PLUGINS_COMPILE_SECONDS", "1")]).await;
    let before = server.json(server.request(reqwest::Method::GET, "/api/plugins")).await;
    // As much as the counting lets through.
    for (bomb, code, detail) in [
        (loops(400, 1000), "compile-limit", "compiling took more than 1 s of CPU time"),
        (loops(401, 1000), "component-too-complex", "401000 loops times locals in a function, 400000 are allowed"),
    ] {
        let (status, told) = server.upload(bomb).await;
        assert_eq!((status, told["code"].as_str()), (422, Some(code)), "{told:#}");
        assert!(told["detail"].as_str().unwrap().contains(detail), "{told:#}");
    }
    assert_eq!(server.json(server.request(reqwest::Method::GET, "/api/plugins")).await, before);
    let attempt = server.attempt(json!([{ "plugin": "faulty", "settings": { "fault": "fail" } }])).await;
    assert_eq!(attempt["reason"], json!("plugin faulty@0.1.0: failed: asked to fail"), "{attempt:#}");
}
