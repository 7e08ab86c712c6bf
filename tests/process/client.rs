//! Calls of the API, each waited for.

use std::sync::LazyLock;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::{PATIENCE, Server, TOKEN, text};

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
});

impl Server {
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body))
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Value {
        self.call(Method::PUT, path, Some(body))
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Value {
        self.call(Method::PATCH, path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) {
        self.call(Method::DELETE, path, None);
    }

    /// The status of an answer, whatever it is.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let request = HTTP.get(format!("{}{path}", self.url)).bearer_auth(TOKEN);
        RUNTIME.block_on(async { request.send().await.unwrap().status().as_u16() })
    }

    /// What a GET brings, whatever its status.
    pub(crate) fn text(&self, path: &str) -> String {
        let request = HTTP.get(format!("{}{path}", self.url)).bearer_auth(TOKEN);
        RUNTIME.block_on(async { request.send().await.unwrap().text().await.unwrap() })
    }

    /// A POST's answer, whatever its status.
    pub(crate) fn answer(&self, path: &str, body: &Value) -> (u16, reqwest::header::HeaderMap, String) {
        let request = HTTP.post(format!("{}{path}", self.url)).bearer_auth(TOKEN).json(body);
        RUNTIME.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
        })
    }

    /// A POST that bears an idempotency key.
    pub(crate) fn post_once(&self, path: &str, key: &str, body: &Value) -> Value {
        let request = HTTP.post(format!("{}{path}", self.url)).header("idempotency-key", key).json(body);
        succeeded(path, request)
    }

    /// Uploads a component; what the server says of it.
    pub(crate) fn upload(&self, wasm: Vec<u8>) -> Value {
        let request = HTTP.post(format!("{}/api/plugins", self.url)).header("content-type", "application/wasm");
        succeeded("upload", request.body(wasm))
    }

    /// Registers a webhook; what is said of it, its secret too.
    pub(crate) fn webhook(&self, webhook: Value) -> Value {
        self.post("/api/webhooks", webhook)
    }

    /// Posts an event; its id.
    pub(crate) fn publish(&self, event_type: &str, data: Value) -> String {
        id(&self.post("/api/events", json!({ "type": event_type, "data": data })))
    }

    /// Asks again and again until the answer is as a test wants it.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {answer:#}");
            std::thread::yield_now();
        }
    }

    /// An event's only delivery with its attempts, once so many were made.
    #[track_caller]
    pub(crate) fn delivery_after(&self, event: &str, attempts: u64) -> Value {
        let tried = |listed: &Value| listed["data"][0]["attemptCount"].as_u64() >= Some(attempts);
        let listed = self.until(&format!("/api/deliveries?event={event}"), tried);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
        self.get(&format!("/api/deliveries/{}", id(&listed["data"][0])))
    }

    /// A delivery with its attempts, once it has ended.
    #[track_caller]
    pub(crate) fn ended(&self, delivery: &str) -> Value {
        self.until(&format!("/api/deliveries/{delivery}"), |shown| shown["status"] != "pending")
    }

    fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = HTTP.request(method.clone(), format!("{}{path}", self.url));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        succeeded(&format!("{method} {path}"), request)
    }
}

/// The `id` of an answer.
#[track_caller]
pub(crate) fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer:#}")).to_owned()
}

fn succeeded(what: &str, request: reqwest::RequestBuilder) -> Value {
    let (status, bytes) = RUNTIME.block_on(async {
        let answer = request.bearer_auth(TOKEN).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap())
    });
    assert!(status.is_success(), "{what} answered {status}: {}", text(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}
