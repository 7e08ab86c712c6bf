//! Receivers on loopback: they write down what arrived and when, or accept and never answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// What arrived at all receivers that share it, by event id.
#[derive(Clone, Default)]
pub(crate) struct Arrivals(Arc<Shared>);

#[derive(Default)]
struct Shared {
    by_event: Mutex<HashMap<String, Vec<Arrival>>>,
    changed: Notify,
}

#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) body: Bytes,
}

impl Arrivals {
    pub(crate) fn of(&self, event: &str) -> Vec<Arrival> {
        self.0.by_event.lock().get(event).cloned().unwrap_or_default()
    }

    /// How many came more than once, each repeat counted.
    pub(crate) fn repeats(&self) -> usize {
        self.0.by_event.lock().values().map(|arrivals| arrivals.len() - 1).sum()
    }

    /// Those of `events` that haven't arrived.
    pub(crate) fn missing(&self, events: &[String]) -> Vec<String> {
        let arrived = self.0.by_event.lock();
        events.iter().filter(|event| !arrived.contains_key(*event)).cloned().collect()
    }

    /// Returns when all have arrived, or after `limit` those that haven't.
    pub(crate) async fn wait_for(&self, events: &[String], limit: Duration) -> Vec<String> {
        // One after another: whoever looked for all of them at each arrival would be what the receiver waits for.
        let all_there = async {
            for event in events {
                self.until(|arrived| arrived.contains_key(event)).await;
            }
        };
        let _ = tokio::time::timeout(limit, all_there).await;
        self.missing(events)
    }

    /// Returns when `event` has arrived `times` times; panics after `limit`.
    pub(crate) async fn wait_for_repeat(&self, event: &str, times: usize, limit: Duration) {
        let there = self.until(|arrived| arrived.get(event).is_some_and(|all| all.len() >= times));
        tokio::time::timeout(limit, there).await.expect("it arrives in time");
    }

    async fn until(&self, wanted: impl Fn(&HashMap<String, Vec<Arrival>>) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            if wanted(&self.0.by_event.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Writes down a delivery that came whole; a broken one will come again.
    async fn note(&self, request: Request<Incoming>) {
        let event = request.headers().get("webhook-id").map(|id| id.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await;
        let (Some(event), Ok(body)) = (event, body) else { return };
        let arrival = Arrival { at: Instant::now(), body: body.to_bytes() };
        self.0.by_event.lock().entry(event).or_default().push(arrival);
        self.0.changed.notify_waiters();
    }
}

/// Answers 200 to whatever arrives; the URL to register.
pub(crate) async fn healthy(arrivals: &Arrivals) -> String {
    let arrivals = arrivals.clone();
    serve(move |request| {
        let arrivals = arrivals.clone();
        async move {
            arrivals.note(request).await;
            Response::new(Full::new(Bytes::from_static(b"ok")))
        }
    })
    .await
}

/// Answers 200 to whatever arrives, while `holding` is false.
pub(crate) async fn holding(arrivals: &Arrivals, holding: watch::Receiver<bool>) -> String {
    let arrivals = arrivals.clone();
    serve(move |request| {
        let (arrivals, mut holding) = (arrivals.clone(), holding.clone());
        async move {
            arrivals.note(request).await;
            let _ = holding.wait_for(|holding| !holding).await;
            Response::new(Full::new(Bytes::from_static(b"ok")))
        }
    })
    .await
}

/// Writes down what arrives and never answers.
pub(crate) async fn silent(arrivals: &Arrivals) -> String {
    let arrivals = arrivals.clone();
    serve(move |request| {
        let arrivals = arrivals.clone();
        async move {
            arrivals.note(request).await;
            std::future::pending().await
        }
    })
    .await
}

async fn serve<F, A>(answer: F) -> String
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/receive", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|request| {
                    let answered = answer(request);
                    async move { Ok::<_, Infallible>(answered.await) }
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    url
}
