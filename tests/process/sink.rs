//! A receiver in the test's own process: it answers as it is told, remembers every byte, and checks signatures by other people's
//! code. HTTP/1.1 by hand, one request a connection, so that nothing of ours stands between the wire and the test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::PATIENCE;

/// Answers 200 unless it was told otherwise.
pub(crate) struct Sink {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<u16>,
    received: Vec<Received>,
    /// Requests are taken in, and answered when it ends.
    holding: bool,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The address that it came from.
    pub(crate) from: IpAddr,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// Where it is, with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next answers; then 200.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.state.0.lock().unwrap().answers = statuses.iter().copied().collect();
    }

    /// From now on requests are taken in and not answered, until `hold(false)`.
    pub(crate) fn hold(&self, holding: bool) {
        self.state.0.lock().unwrap().holding = holding;
        self.state.1.notify_all();
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.0.lock().unwrap().received.clone()
    }

    /// All that came, once so many have.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Received> {
        let (state, changed) = &*self.state;
        let few = |state: &mut State| state.received.len() < count;
        let (state, _) = changed.wait_timeout_while(state.lock().unwrap(), PATIENCE, few).unwrap();
        assert!(state.received.len() >= count, "{} of {count} came", state.received.len());
        state.received.clone()
    }
}

impl Received {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} among {:?}", self.headers)).1
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Standard Webhooks, by the `standardwebhooks` crate: signed with this secret, under this id.
    #[track_caller]
    pub(crate) fn assert_standard(&self, secret: &str, id: &str) {
        assert_eq!(self.header("webhook-id"), id);
        let key = standardwebhooks::Webhook::new(secret).unwrap();
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let expected = key.sign(id, timestamp, &self.body).unwrap();
        assert!(self.header("webhook-signature").split(' ').any(|signature| signature == expected), "another secret");
    }

    /// `keygen`: Ed25519 over the lines that Keygen documents, of what stands on the wire.
    #[track_caller]
    pub(crate) fn assert_keygen(&self, key: &VerifyingKey) {
        let digest = format!("sha-256={}", STANDARD.encode(Sha256::digest(&self.body)));
        assert_eq!(self.header("digest"), digest);
        let (target, host, date) = (&self.target, self.header("host"), self.header("date"));
        let message = format!("(request-target): post {target}\nhost: {host}\ndate: {date}\ndigest: {digest}");
        let signature = self.header("keygen-signature").split('"').nth(5).unwrap();
        let signature = Signature::from_slice(&STANDARD.decode(signature).unwrap()).unwrap();
        key.verify_strict(message.as_bytes(), &signature).unwrap();
    }

    /// `license-validator`: the hexadecimal HMAC-SHA256 of the body under the whole secret.
    #[track_caller]
    pub(crate) fn assert_license_validator(&self, secret: &str) {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&self.body);
        assert_eq!(self.header("x-webhook-signature"), hex::encode(mac.finalize().into_bytes()));
    }
}

/// Takes one request in, writes it down, and answers it when it may.
fn serve(stream: TcpStream, state: &(Mutex<State>, Condvar)) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read(&mut reader) else { return };
    let (state, changed) = state;
    let status = {
        let mut state = state.lock().unwrap();
        state.received.push(request);
        state.answers.pop_front().unwrap_or(200)
    };
    changed.notify_all();
    drop(changed.wait_while(state.lock().unwrap(), |state| state.holding).unwrap());
    let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: 4\r\nconnection: close\r\n\r\nseen");
    // Whoever asked may be gone.
    let _ = reader.get_mut().write_all(answer.as_bytes());
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let from = reader.get_ref().peer_addr().ok()?.ip();
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &String| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().into()));
    let headers: Vec<(String, String)> = lines.iter().skip(1).filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, target, headers, body, from })
}
