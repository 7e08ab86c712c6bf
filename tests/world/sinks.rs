//! Receivers that answer by a script, told apart by their host name. What they got can be asked.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use waxwing::model::attempt::{SendError, SendErrorKind, Timings};
use waxwing::model::request::{Header, Request};
use waxwing::send::{Exchange, Reply, Sender};

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Reply {
        status: u16,
        headers: Vec<Header>,
        body: Bytes,
    },
    /// The connection stands, and nothing comes.
    Timeout,
}

impl From<u16> for Answer {
    fn from(status: u16) -> Self {
        Self::Reply { status, headers: Vec::new(), body: Bytes::from_static(b"ok") }
    }
}

impl Answer {
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Reply { status, mut headers, body } => {
                headers.push(header(name, value));
                Self::Reply { status, headers, body }
            }
            Self::Timeout => Self::Timeout,
        }
    }
}

pub(crate) fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

#[derive(Default)]
pub(crate) struct Sinks {
    by_host: Mutex<HashMap<String, Sink>>,
    changed: Notify,
}

#[derive(Default)]
struct Sink {
    script: VecDeque<Answer>,
    received: Vec<Request>,
    /// It answers nobody more before it is let go.
    hanging: bool,
    /// So many are answered before it hangs.
    patience: usize,
}

impl Sinks {
    /// These come next; after them, 200.
    pub(crate) fn script(&self, host: &str, answers: impl IntoIterator<Item = Answer>) {
        self.by_host.lock().entry(host.to_owned()).or_default().script.extend(answers);
    }

    pub(crate) fn hang(&self, host: &str, hanging: bool) {
        self.hang_after(host, 0);
        self.by_host.lock().entry(host.to_owned()).or_default().hanging = hanging;
        self.changed.notify_waiters();
    }

    /// It answers so many, and nobody more before it is let go.
    pub(crate) fn hang_after(&self, host: &str, patience: usize) {
        let mut sinks = self.by_host.lock();
        let sink = sinks.entry(host.to_owned()).or_default();
        (sink.hanging, sink.patience) = (true, patience);
    }

    pub(crate) fn received(&self, host: &str) -> Vec<Request> {
        self.by_host.lock().get(host).map(|sink| sink.received.clone()).unwrap_or_default()
    }

    /// Waits until a receiver got so many; half a minute of real time means that they don't come.
    pub(crate) async fn wait_for(&self, host: &str, count: usize) {
        let enough = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.received(host).len() >= count {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), enough).await;
        waited.unwrap_or_else(|_| panic!("{host} got {} of {count}", self.received(host).len()));
    }

    /// `number`: its request's place among those that came, from 1 on.
    async fn until_let_go(&self, host: &str, number: usize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.by_host.lock().get(host).is_some_and(|sink| sink.hanging && number > sink.patience) {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Sender for Sinks {
    async fn send(&self, request: Request, _timeout: Duration) -> Exchange {
        let host = request.url.host_str().unwrap().to_owned();
        let (answer, number) = {
            let mut sinks = self.by_host.lock();
            let sink = sinks.entry(host.clone()).or_default();
            sink.received.push(request);
            (sink.script.pop_front().unwrap_or(Answer::from(200)), sink.received.len())
        };
        self.changed.notify_waiters();
        self.until_let_go(&host, number).await;
        let result = match answer {
            Answer::Reply { status, headers, body } => Ok(Reply { status, headers, body, truncated: false }),
            Answer::Timeout => Err(SendError { kind: SendErrorKind::Timeout, detail: format!("{host}: nothing came") }),
        };
        Exchange { result, timings: Timings::default() }
    }
}
