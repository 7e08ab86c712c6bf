//! The API as commands see it: JSON in, JSON out, every refusal one line.

use std::error::Error;
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Failure;

const TIMEOUT: Duration = Duration::from_secs(120);

pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(base: Url, token: Option<String>) -> Result<Self, Failure> {
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(Failure::Usage(format!("--server: '{base}' is not a URL such as http://127.0.0.1:8480")));
        }
        let http = http()?;
        Ok(Self { http, base, token })
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(query);
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", text.finish()) };
        self.send(self.request(Method::GET, &path)?).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.request(Method::DELETE, path)?).await
    }

    /// Posts bytes as they are.
    pub(super) async fn upload(&self, path: &str, content_type: &str, body: Vec<u8>) -> Result<Value, Failure> {
        self.send(self.request(Method::POST, path)?.header("content-type", content_type).body(body)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, Failure> {
        let url = self.base.join(path.trim_start_matches('/')).map_err(|error| Failure::Usage(error.to_string()))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = body(response).await.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Failure::Failed(refusal(status.as_u16(), &body)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut reason = error as &dyn Error;
        while let Some(cause) = reason.source() {
            reason = cause;
        }
        Failure::Unreachable { url: self.base.origin().ascii_serialization(), reason: reason.to_string() }
    }
}

/// A client for any server, with our own timeout.
pub(super) fn http() -> Result<reqwest::Client, Failure> {
    // Said once a process; a second time changes nothing. Deliveries name their provider themselves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
    built.map_err(|error| Failure::Failed(format!("no HTTP client: {error}")))
}

async fn body(response: Response) -> reqwest::Result<Value> {
    let bytes = response.bytes().await?;
    // What isn't JSON is shown as it is.
    Ok(serde_json::from_slice(&bytes).unwrap_or_else(|_| match bytes.is_empty() {
        true => Value::Null,
        false => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
    }))
}

/// One line of a problem+json, with the place of each fault.
fn refusal(status: u16, body: &Value) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let faults = body.get("errors").and_then(Value::as_array);
    let each = |fault: &Value| format!("{} {}", text(fault, "pointer"), text(fault, "detail"));
    let faults: Vec<String> = faults.into_iter().flatten().map(each).collect();
    let hint =
        if status == 401 { ". --token or WAXWING_TOKEN gives one; `waxwing token create` makes one" } else { "" };
    match (text(body, "detail"), text(body, "code")) {
        (detail, _) if detail.is_empty() => format!("refused with status {status}{hint}"),
        (detail, code) if faults.len() <= 1 => format!("{detail} ({code}){hint}"),
        (detail, code) => format!("{detail} ({code}): {}{hint}", faults.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_one_line_that_says_where() {
        let body = json!({
            "detail": "/url: must be https", "code": "invalid-url", "errors": [{ "pointer": "/url", "detail": "must be https" }]
        });
        assert_eq!(refusal(422, &body), "/url: must be https (invalid-url)");
        let body = json!({
            "detail": "2 faults; see `errors`", "code": "invalid-request",
            "errors": [{ "pointer": "/url", "detail": "must be https" }, { "pointer": "/name", "detail": "at most 128 bytes" }],
        });
        assert_eq!(
            refusal(422, &body),
            "2 faults; see `errors` (invalid-request): /url must be https; /name at most 128 bytes"
        );
        assert!(refusal(401, &Value::Null).contains("WAXWING_TOKEN"));
    }
}
