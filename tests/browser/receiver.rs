//! A receiver that answers each path as it was told to, with a body and headers of the test's choosing.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::IntoResponse;
use parking_lot::Mutex;

pub(crate) struct Receiver {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let answers = Arc::<Mutex<HashMap<String, Answer>>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&answers));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answers }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, at this path; elsewhere it is 200 and `ok`.
    pub(crate) fn answers(&self, path: &str, answer: Answer) {
        self.answers.lock().insert(path.to_owned(), answer);
    }
}

async fn answer(State(answers): State<Arc<Mutex<HashMap<String, Answer>>>>, uri: Uri) -> impl IntoResponse {
    let answer = answers.lock().get(uri.path()).cloned().unwrap_or_else(|| Answer::new(200, "ok"));
    let headers: HeaderMap = answer
        .headers
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap()))
        .collect();
    (StatusCode::from_u16(answer.status).unwrap(), headers, answer.body)
}
