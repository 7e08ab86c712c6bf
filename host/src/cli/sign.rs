//! `waxwing sign` and `waxwing verify`: a format's signature over a body from a file, without a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::Failure;
use super::print::Printer;
use crate::clock::{Clock, SystemClock};
use crate::format::verify::{self, Received, TOLERANCE, Terms};
use crate::format::{self, Signing};
use crate::model::event::{Event, Payload};
use crate::model::ids::{DeliveryId, EventId, IdSource};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::request::{Body, Header, Method};
use crate::model::secret::{Secret, SigningSecret};
use crate::model::webhook::{Format, FormatName, FormatOptions};

#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// standard, svix, cryptlex, license-validator, keygen, github or stripe
    #[arg(long, default_value = "standard")]
    format: FormatName,
    #[arg(long, env = "WAXWING_SECRET", hide_env_values = true)]
    secret: String,
    /// The body's file; - is standard input.
    #[arg(long, default_value = "-")]
    body: PathBuf,
    /// Where it goes; keygen signs host and path.
    #[arg(long, default_value = "http://localhost/")]
    url: url::Url,
    /// The event's type, for formats with a header for it.
    #[arg(long = "type", default_value = "test.event")]
    event_type: EventType,
    /// keygen's account.
    #[arg(long)]
    account: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[arg(long, default_value = "standard")]
    format: FormatName,
    /// The webhook's secret, or its public key; repeated, any may have signed.
    #[arg(long, env = "WAXWING_SECRET", hide_env_values = true, required = true)]
    secret: Vec<String>,
    /// The raw body's file, as it was received; - is standard input.
    #[arg(long, default_value = "-")]
    body: PathBuf,
    /// A header as it was received, "Name: value"; repeated.
    #[arg(long, short = 'H')]
    header: Vec<String>,
    /// Path and query that it was posted to; keygen signs them.
    #[arg(long, default_value = "/")]
    target: String,
    /// However old it is.
    #[arg(long)]
    any_age: bool,
}

impl Sign {
    pub(super) fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let body = Body::whole(read(&self.body)?.into());
        let now = SystemClock.now();
        let ids = IdSource::new(0, 0);
        let event = Event {
            id: ids.next::<EventId>(now),
            event_type: self.event_type,
            tenant: Tenant::default_tenant(),
            environment: Environment::default(),
            occurred_at: now,
            data: Payload::json(Bytes::from_static(b"null")),
            external_id: None,
        };
        let secrets = [SigningSecret { secret: Secret::new(self.secret), until: None }];
        let format = Format { name: self.format, options: FormatOptions { account: self.account } };
        let delivery = ids.next::<DeliveryId>(now);
        let (method, url) = (Method::Post, &self.url);
        let signing =
            Signing { event: &event, delivery, test: false, secrets: &secrets, now, method, url, body: &body };
        let headers = format::sign(&format, signing).map_err(|error| Failure::Failed(error.to_string()))?;
        let lines: Vec<String> = headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
        printer.result(&json!({ "headers": headers }), lines.join("\n"))
    }
}

impl Verify {
    pub(super) fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let body = read(&self.body)?;
        let headers = self.header.iter().map(|line| header(line)).collect::<Result<Vec<_>, _>>()?;
        let secrets: Vec<Secret> = self.secret.into_iter().map(Secret::new).collect();
        let now = (!self.any_age).then(|| SystemClock.now());
        let received = Received { method: "POST", target: &self.target, headers: &headers, body: &body };
        let terms = Terms { format: self.format, secrets: &secrets, now, tolerance: TOLERANCE };
        match verify::verify(received, &terms) {
            Ok(verified) => {
                let id = verified.id.as_deref().unwrap_or("none");
                let value = json!({ "valid": true, "id": verified.id, "secret": verified.secret });
                printer.result(&value, format!("valid (id {id})"))
            }
            Err(fault) => {
                if printer.is_json() {
                    printer.value(&json!({ "valid": false, "code": fault.code(), "fault": fault.to_string() }))?;
                }
                Err(Failure::No(format!("not valid: {fault} ({})", fault.code())))
            }
        }
    }
}

/// A file's bytes; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|error| Failure::file(path, &error))?;
    Ok(bytes)
}

fn header(line: &str) -> Result<Header, Failure> {
    let (name, value) =
        line.split_once(':').ok_or_else(|| Failure::Usage(format!("--header '{line}' is not \"Name: value\"")))?;
    Ok(Header { name: Arc::from(name.trim().to_ascii_lowercase()), value: Arc::from(value.trim()) })
}
