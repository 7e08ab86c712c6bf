//! Receivers that play a script, and names that change their minds.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waxwing::model::request::{Body, Header, Method, Request};
use waxwing::send::resolver::Resolve;
use waxwing::send::{EgressOptions, HttpSender};

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// Longer than any exchange of a test that is meant to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// For exchanges that are meant to run out of time.
pub(crate) const BRIEF: Duration = Duration::from_millis(150);

/// What a receiver does once it has read a whole request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes this and waits for the next request.
    Answer(Bytes),
    /// Writes this and closes the connection.
    AnswerAndClose(Bytes),
    /// Writes this, then nothing more, and keeps the connection open.
    AnswerAndStall(Bytes),
    /// Writes this again and again, until the other side has had enough.
    Flood(Bytes),
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Every request gets the same answer.
    pub(crate) async fn answering(answer: impl Into<Bytes>) -> Self {
        Self::playing(Act::Answer(answer.into())).await
    }

    pub(crate) async fn playing(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver =
            Self { address: listener.local_addr().unwrap(), connections: Arc::default(), requests: Arc::default() };
        let (connections, requests) = (Arc::clone(&receiver.connections), Arc::clone(&receiver.requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(play(stream, act.clone(), Arc::clone(&requests)));
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?token=s3cret", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Head and body of each, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn play(mut stream: tokio::net::TcpStream, act: Act, requests: Arc<Mutex<Vec<String>>>) {
    while let Ok(request) = read_request(&mut stream).await {
        requests.lock().unwrap().push(request);
        match &act {
            Act::Answer(answer) => stream.write_all(answer).await.unwrap_or_default(),
            Act::AnswerAndClose(answer) => {
                stream.write_all(answer).await.unwrap_or_default();
                return;
            }
            Act::AnswerAndStall(answer) => {
                stream.write_all(answer).await.unwrap_or_default();
                std::future::pending::<()>().await;
            }
            Act::Flood(piece) => {
                while stream.write_all(piece).await.is_ok() {}
                return;
            }
        }
    }
}

/// A head and as much body as its `content-length` says.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&text).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    text.extend(body);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Options under which this machine's loopback may be called, over plain HTTP.
pub(crate) fn loopback() -> EgressOptions {
    EgressOptions { allow_http: true, allow_networks: vec!["127.0.0.0/8".parse().unwrap()], ..EgressOptions::default() }
}

pub(crate) fn sender(options: &EgressOptions) -> HttpSender {
    HttpSender::new(options).unwrap()
}

pub(crate) fn post(url: &str) -> Request {
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    Request {
        method: Method::Post,
        url: url.parse().unwrap(),
        headers: vec![header("content-type", "application/json"), header("x-test", "yes")],
        body: Body([Bytes::from_static(b"{\"data\":"), Bytes::from_static(b"[1,2]"), Bytes::from_static(b"}")]),
    }
}

/// Answers each lookup with the next list; the last one stays.
pub(crate) struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.ok_or_else(|| io::Error::other("no such name"))
    }
}
