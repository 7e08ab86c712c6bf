//! `/sinks/…`: takes whatever comes from whoever knows the URL, has it kept, and answers as the sink is told to.
//!
//! It stands on the portal's own origin. So a browser's session never comes in here (cookies aren't kept), and nothing that a sink
//! answers runs in a browser: see also what a sink may answer at all, in the service.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;

use crate::model::request::Header;
use crate::model::sink::{BODY_KEPT, PREFIX, SinkAnswer};
use crate::service::{Arrival, ServiceError};

use crate::api::Api;
use crate::api::problem::{Answer, Problem, not_found};

/// Bodies that are read at a time, of all sinks.
pub(in crate::api) const AT_ONCE_MAX: usize = 32;
/// What is beyond the beginning is only counted, up to here.
const BODY_MAX: u64 = 8 * 1024 * 1024;
const BODY_WITHIN: Duration = Duration::from_secs(30);
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

pub(in crate::api) fn is_one(path: &str) -> bool {
    path.starts_with(PREFIX)
}

pub(in crate::api) async fn receive(api: &Api, request: Request) -> Response {
    let mut response = taken(api, request).await.unwrap_or_else(Problem::into_response);
    enclose(response.headers_mut());
    response
}

async fn taken(api: &Api, request: Request) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let Some(sink) = api.services.sink_at(parts.uri.path()).await? else { return Err(not_found()) };
    let place = api.receiving.try_acquire().map_err(|_| ServiceError::Busy { after_seconds: 1 })?;
    let (body, size) = beginning(body).await?;
    let mut headers = kept(&parts.headers);
    // HTTP/2 asks for the host elsewhere.
    if !parts.headers.contains_key(header::HOST)
        && let Some(host) = parts.uri.authority()
    {
        headers.insert(0, Header { name: "host".into(), value: host.as_str().into() });
    }
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let arrival = Arrival { method: parts.method.to_string(), target, headers, body, size };
    api.services.receive(&sink, arrival).await?;
    drop(place);
    tokio::time::sleep(Duration::from_millis(u64::from(sink.answer().delay_ms))).await;
    Ok(answered(sink.answer()))
}

/// The beginning of a body, and how long all of it is.
async fn beginning(mut body: Body) -> Answer<(Bytes, u64)> {
    let read = async {
        let (mut kept, mut size) = (Vec::new(), 0_u64);
        while let Some(frame) = body.frame().await {
            let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "body-broken", "the body ended before its end");
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            let room = BODY_KEPT.saturating_sub(kept.len()).min(data.len());
            kept.extend(data.iter().take(room));
            size += data.len() as u64;
            if size > BODY_MAX {
                let detail = format!("the body is larger than {BODY_MAX} bytes");
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail));
            }
        }
        Ok((Bytes::from(kept), size))
    };
    let too_slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body didn't come in time");
    tokio::time::timeout(BODY_WITHIN, read).await.map_err(too_slow)?
}

/// As they came, but for what a browser sends along because it is signed in here, or to a proxy in front of us.
fn kept(headers: &HeaderMap) -> Vec<Header> {
    let by_browser = headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    let is_own = |name: &HeaderName| {
        matches!(*name, header::COOKIE | header::PROXY_AUTHORIZATION) || (by_browser && name == header::AUTHORIZATION)
    };
    let shown = |(name, value): (&HeaderName, &HeaderValue)| Header {
        name: name.as_str().into(),
        value: String::from_utf8_lossy(value.as_bytes()).into(),
    };
    headers.iter().filter(|(name, _)| !is_own(name)).map(shown).collect()
}

fn answered(answer: &SinkAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    if !answer.body.is_empty() {
        headers.entry(header::CONTENT_TYPE).or_insert(PLAIN);
    }
    response
}

/// Whatever it is, a browser shows it as a stranger's, and runs nothing of it.
fn enclose(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
