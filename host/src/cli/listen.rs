//! `waxwing listen`: a receiver on this machine that verifies, prints and passes on what arrives.

use std::net::SocketAddr;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Failure;
use super::client;
use super::print::Printer;
use super::sink::{Arrived, Handler, Sink};
use crate::clock::{Clock, SystemClock};
use crate::format::verify::{self, Received, TOLERANCE, Terms};
use crate::model::request::Header;
use crate::model::secret::Secret;
use crate::model::webhook::FormatName;

/// More than these wait for the terminal, or for whom they are passed on to: the sender is told to come again.
const WAITING_MAX: usize = 256;

#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    #[arg(long, default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// How it is signed.
    #[arg(long, default_value = "standard")]
    format: FormatName,
    /// The webhook's secret or public key; without one nothing is verified. Repeated, any may have signed.
    #[arg(long, env = "WAXWING_SECRET", hide_env_values = true)]
    secret: Vec<String>,
    /// Pass on what arrives to this URL, with its headers.
    #[arg(long)]
    forward: Option<url::Url>,
    /// What to answer; a request that doesn't verify gets 401.
    #[arg(long, default_value = "200")]
    status: StatusCode,
    /// Stop after so many requests.
    #[arg(long)]
    count: Option<usize>,
}

impl Listen {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let (sender, mut arrived) = mpsc::channel(WAITING_MAX);
        let secrets: Vec<Secret> = self.secret.iter().map(Secret::new).collect();
        let (format, status) = (self.format, self.status);
        let handler: Handler = Arc::new(move |request: Arrived| {
            let verdict = (!secrets.is_empty()).then(|| check(&request, format, &secrets));
            let answer = if matches!(verdict, Some(Err(_))) { StatusCode::UNAUTHORIZED } else { status };
            match sender.try_send((request, verdict)) {
                Ok(()) => answer,
                Err(_) => StatusCode::SERVICE_UNAVAILABLE,
            }
        });
        let sink = Sink::start(self.listen, handler).await?;
        let http = client::http()?;
        printer.result(
            &json!({ "listening": format!("http://{}", sink.address()) }),
            format!(
                "listening on http://{}; a server needs --allow-http --allow-network 127.0.0.0/8 to send here",
                sink.address()
            ),
        )?;
        let mut left = self.count;
        while left != Some(0) {
            let next = tokio::select! {
                next = arrived.recv() => next,
                _ = tokio::signal::ctrl_c() => None,
            };
            let Some((request, verdict)) = next else { break };
            let passed_on = match &self.forward {
                Some(to) => Some(forward(&http, to, &request).await),
                None => None,
            };
            show(printer, &request, verdict.as_ref(), passed_on)?;
            left = left.map(|left| left - 1);
        }
        Ok(())
    }
}

type Verdict = Result<verify::Verified, verify::Fault>;

fn check(request: &Arrived, format: FormatName, secrets: &[Secret]) -> Verdict {
    let headers: Vec<Header> = request.headers.iter().filter_map(header).collect();
    let received =
        Received { method: &request.method, target: &request.target, headers: &headers, body: &request.body };
    verify::verify(received, &Terms { format, secrets, now: Some(SystemClock.now()), tolerance: TOLERANCE })
}

fn header((name, value): (&http::HeaderName, &http::HeaderValue)) -> Option<Header> {
    Some(Header { name: name.as_str().into(), value: value.to_str().ok()?.into() })
}

/// The status that came back from where it was passed on to, or why none did.
type PassedOn = Result<StatusCode, String>;

fn show(
    printer: &mut Printer,
    request: &Arrived,
    verdict: Option<&Verdict>,
    passed_on: Option<PassedOn>,
) -> Result<(), Failure> {
    let (valid, told) = match verdict {
        None => (Value::Null, "not checked: no --secret".to_owned()),
        Some(Ok(verified)) => (json!(true), format!("valid, id {}", verified.id.as_deref().unwrap_or("none"))),
        Some(Err(fault)) => (json!(false), format!("NOT VALID: {fault} ({})", fault.code())),
    };
    let body = String::from_utf8_lossy(&request.body);
    let headers: Vec<Value> = request.headers.iter().filter_map(header).map(|header| json!(header)).collect();
    let (forwarded, passed_on) = match passed_on {
        None => (Value::Null, String::new()),
        Some(Ok(status)) => (json!({ "status": status.as_u16() }), format!("\n  passed on: answered {status}")),
        Some(Err(error)) => (json!({ "error": error }), format!("\n  not passed on: {error}")),
    };
    let value = json!({
        "method": request.method, "target": request.target, "headers": headers, "body": body, "valid": valid, "verdict": told,
        "forwarded": forwarded,
    });
    // Control characters of a stranger's body don't reach the terminal.
    let shown: String = body.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    printer.result(&value, format!("{} {}  {told}\n  {shown}{passed_on}", request.method, request.target))
}

async fn forward(http: &reqwest::Client, to: &url::Url, request: &Arrived) -> PassedOn {
    let mut headers = request.headers.clone();
    for name in
        [http::header::HOST, http::header::CONTENT_LENGTH, http::header::CONNECTION, http::header::TRANSFER_ENCODING]
    {
        headers.remove(name);
    }
    let sent = http.post(to.clone()).headers(headers).body(request.body.clone()).send().await;
    sent.map(|response| response.status()).map_err(|error| error.to_string())
}
