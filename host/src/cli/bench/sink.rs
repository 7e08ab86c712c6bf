//! The receiver, as a process of its own: counts what arrives, and how long after it was sent. Under `/silent` it takes everything and
//! answers nothing.
//!
//! For each line on its standard input it says one on its standard output: how many came, or (`told`) all that it knows.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use super::body::sent_at;
use super::latency::{Latencies, Percentiles, wall_micros};
use super::process::say;
use crate::cli::Failure;

pub(super) const SILENT: &str = "/silent";

#[derive(Default)]
struct Arrivals {
    count: AtomicUsize,
    /// When the last one came, in microseconds of the wall clock.
    last: AtomicU64,
    latencies: Mutex<Latencies>,
}

/// What a sink tells at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) count: usize,
    pub(super) last: u64,
    /// From the send time in the body to the receipt.
    pub(super) latencies: Option<Percentiles>,
}

impl Arrivals {
    fn note(&self, body: &[u8]) {
        let now = wall_micros();
        if let Some(sent) = sent_at(body) {
            self.latencies.lock().note(sent, now.saturating_sub(sent));
        }
        self.last.fetch_max(now, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Release);
    }

    fn told(&self) -> Told {
        let (count, last) = (self.count.load(Ordering::Acquire), self.last.load(Ordering::Relaxed));
        Told { count, last, latencies: self.latencies.lock().percentiles() }
    }
}

pub(super) async fn be_sink() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("the sink: {error}"));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(failed)?;
    say(&format!("{{\"listening\":\"http://{}\"}}", listener.local_addr().map_err(failed)?)).await?;
    let arrivals = Arc::<Arrivals>::default();
    tokio::spawn(accept(listener, Arc::clone(&arrivals)));
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = asked.next_line().await {
        let answer = match line.as_str() {
            "told" => serde_json::to_string(&arrivals.told()).map_err(|error| Failure::Failed(error.to_string()))?,
            _ => arrivals.count.load(Ordering::Acquire).to_string(),
        };
        say(&answer).await?;
    }
    Ok(())
}

async fn accept(listener: TcpListener, arrivals: Arc<Arrivals>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Small answers must not wait for more.
        let _ = stream.set_nodelay(true);
        let arrivals = Arc::clone(&arrivals);
        let service = service_fn(move |request| answer(request, Arc::clone(&arrivals)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>, arrivals: Arc<Arrivals>) -> Result<Response<Full<Bytes>>, Infallible> {
    let silent = request.uri().path().starts_with(SILENT);
    // A broken request will come again.
    if let Ok(body) = request.into_body().collect().await {
        if silent {
            return pending().await;
        }
        arrivals.note(&body.to_bytes());
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"ok"))))
}
