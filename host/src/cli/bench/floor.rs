//! The floor: the least code that accepts an event, commits it, signs it, posts it on and logs that. What Waxwing costs above it is
//! what it does.
//!
//! hyper, a check that the body is JSON, [`ledger`](super::ledger), Standard Webhooks' HMAC, connections that are kept. No routing, no
//! retries, no limits, no idempotency, no API.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::latency::wall_micros;
use super::ledger::{Ledger, Row, postgres, sqlite};
use super::process::{left_alone, say};
use super::wire::Wire;
use crate::cli::Failure;

/// Requests under way at once.
const IN_FLIGHT: usize = 64;

struct Floor {
    ledger: Ledger,
    target: SocketAddr,
    /// How often each event is posted.
    fan_out: usize,
    key: Hmac<Sha256>,
    last: AtomicI64,
    idle: Mutex<Vec<Wire>>,
    places: Semaphore,
}

/// Where the floor keeps its ledger.
pub(super) enum Keeps<'a> {
    Folder(&'a Path),
    /// The URL of a PostgreSQL database.
    Database(&'a str),
}

pub(super) async fn be_floor(target: SocketAddr, fan_out: usize, keeps: Keeps<'_>) -> Result<(), Failure> {
    let stopped = |_| Failure::Failed("the floor's writer stopped".into());
    match keeps {
        Keeps::Folder(folder) => {
            let failed = |error: rusqlite::Error| Failure::Failed(format!("the floor's database: {error}"));
            let (ledger, ended) = sqlite::start(folder).map_err(failed)?;
            be_floor_on(ledger, (target, fan_out), async { ended.await.map_or_else(stopped, failed) }).await
        }
        Keeps::Database(url) => {
            let failed = |error: sqlx::Error| Failure::Failed(format!("the floor's database: {error}"));
            let (ledger, ended) = postgres::start(url).await.map_err(failed)?;
            be_floor_on(ledger, (target, fan_out), async { ended.await.map_or_else(stopped, failed) }).await
        }
    }
}

/// `ended`: why the ledger can't go on.
async fn be_floor_on(
    ledger: Ledger,
    (target, fan_out): (SocketAddr, usize),
    ended: impl Future<Output = Failure>,
) -> Result<(), Failure> {
    let broken = |error: std::io::Error| Failure::Failed(format!("the floor: {error}"));
    let key = Hmac::new_from_slice(&[7; 24]).map_err(|error| Failure::Failed(error.to_string()))?;
    let (last, idle, places) = (AtomicI64::new(0), Mutex::default(), Semaphore::new(IN_FLIGHT));
    let floor = Arc::new(Floor { ledger, target, fan_out, key, last, idle, places });
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(broken)?;
    say(&format!("{{\"listening\":\"http://{}\"}}", listener.local_addr().map_err(broken)?)).await?;
    tokio::select! {
        stopped = serve(listener, floor) => stopped.map_err(broken),
        () = left_alone() => Ok(()),
        failure = ended => Err(failure),
    }
}

async fn serve(listener: TcpListener, floor: Arc<Floor>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let floor = Arc::clone(&floor);
        let service = service_fn(move |request| accept(request, Arc::clone(&floor)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn accept(request: Request<Incoming>, floor: Arc<Floor>) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match floor.take(request).await {
        None => StatusCode::BAD_REQUEST,
        Some((id, body)) => {
            for receiver in 0..floor.fan_out {
                tokio::spawn(Arc::clone(&floor).deliver(id, receiver, body.clone()));
            }
            StatusCode::ACCEPTED
        }
    };
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    Ok(response)
}

impl Floor {
    /// An event, once it is committed.
    async fn take(&self, request: Request<Incoming>) -> Option<(i64, Bytes)> {
        let body = request.into_body().collect().await.ok()?.to_bytes();
        serde_json::from_slice::<serde::de::IgnoredAny>(&body).ok()?;
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.ledger.accept(id, wall_micros(), body.clone()).await?;
        Some((id, body))
    }

    async fn deliver(self: Arc<Self>, event: i64, receiver: usize, body: Bytes) {
        let (at, began) = (wall_micros(), Instant::now());
        let status = self.post(event, at / 1_000_000, body).await.map_or(0, |status| status.as_u16());
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.ledger.note(Row::Delivery { event, receiver, status, at, micros }).await;
    }

    /// `None`: no answer came.
    async fn post(&self, event: i64, seconds: u64, body: Bytes) -> Option<StatusCode> {
        let _place = self.places.acquire().await.ok()?;
        let (id, time) = (format!("evt_{event:013}"), seconds.to_string());
        let mut signature = self.key.clone();
        [id.as_bytes(), b".", time.as_bytes(), b".", &body].iter().for_each(|part| signature.update(part));
        let signature = format!("v1,{}", STANDARD.encode(signature.finalize().into_bytes()));
        let request = Request::post("/")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", time)
            .header("webhook-signature", signature)
            .body(Full::new(body))
            .ok()?;
        let kept = self.idle.lock().pop();
        let mut wire = match kept {
            Some(wire) => wire,
            None => Wire::open(self.target).await.ok()?,
        };
        let (status, _) = wire.send(request).await.ok()?;
        self.idle.lock().push(wire);
        Some(status)
    }
}
