//! The load: single events, so many under way at once, over kept connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use super::TOKEN;
use crate::cli::Failure;

pub(super) type Http = Client<HttpConnector, Full<Bytes>>;

/// A client for plain HTTP that keeps its connections.
pub(super) fn http() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Posts so many events, and returns when all are accepted.
pub(super) async fn post_all(to: SocketAddr, events: usize, connections: usize, bytes: usize) -> Result<(), Failure> {
    let client = http();
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers: JoinSet<Result<(), Failure>> = JoinSet::new();
    for _ in 0..connections.max(1) {
        let (client, next) = (client.clone(), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= events {
                    return Ok(());
                }
                post(&client, to, body(number, bytes)).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|error| Failure::Failed(format!("the load stopped: {error}")))??;
    }
    Ok(())
}

async fn post(client: &Http, to: SocketAddr, body: Bytes) -> Result<(), Failure> {
    let request = Request::post(format!("http://{to}/api/events"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Full::new(body))
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let response = client.request(request).await.map_err(|error| Failure::Failed(format!("{to}: {error}")))?;
    let status = response.status();
    let answer = response.into_body().collect().await.map_err(|error| Failure::Failed(format!("{to}: {error}")))?;
    if status == StatusCode::ACCEPTED {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&answer.to_bytes()).into_owned();
    Err(Failure::Failed(format!("an event was refused with {status}: {said}")))
}

fn body(number: usize, bytes: usize) -> Bytes {
    let filler = "x".repeat(bytes.saturating_sub(64));
    format!(r#"{{"type":"order.paid","data":{{"number":{number},"amount":1200,"currency":"EUR","note":"{filler}"}}}}"#)
        .into()
}
