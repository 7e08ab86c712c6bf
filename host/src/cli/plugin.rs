//! `waxwing plugin`: runs plugins here with the server's own engine and limits, uploads them, looks at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, rows, text};
use super::sign::read;
use crate::clock::{Clock, Rng, SystemClock, SystemRng};
use crate::format;
use crate::ingest::check_json;
use crate::model::event::{Event, Payload};
use crate::model::ids::{IdSource, WebhookId};
use crate::model::name::{Environment, EventType, Tenant};
use crate::model::plugin::{Digest, Manifest};
use crate::transform::wasm::limits::Limits;
use crate::transform::wasm::{WasmSetup, WasmTransform};
use crate::transform::{Components, Run, StageInput, Transform, Verdict, WebhookView};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Plugin {
    /// Run a component over an event, here and without a server.
    Run(RunHere),
    /// Run a past delivery's chain again, on the server, and compare; nothing is sent.
    Rerun {
        /// delivery_…
        delivery: String,
        /// Another version of a plugin in the chain: NAME@VERSION. Repeated.
        #[arg(long)]
        with: Vec<String>,
    },
    /// Upload a component to the server.
    Push {
        /// The .wasm file.
        component: PathBuf,
    },
    /// Show what a component says of itself: a .wasm file, or a plugin of the server.
    Inspect {
        /// FILE.wasm, or NAME
        plugin: String,
    },
    /// Show the server's plugins.
    List,
}

#[derive(Debug, clap::Args)]
pub(super) struct RunHere {
    /// The .wasm file.
    component: PathBuf,
    /// The event's data: a JSON file. The component's first sample if absent.
    #[arg(long)]
    event: Option<PathBuf>,
    /// The settings: a JSON file.
    #[arg(long)]
    settings: Option<PathBuf>,
    /// The event's type.
    #[arg(long = "type")]
    event_type: Option<EventType>,
}

/// The one component that is run.
struct Only(Bytes);

#[async_trait]
impl Components for Only {
    async fn component(&self, _: Digest) -> Option<Bytes> {
        Some(self.0.clone())
    }
}

impl Plugin {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        match self {
            Self::Run(here) => here.run(printer).await,
            Self::Rerun { delivery, with } => {
                let path = format!("/api/deliveries/{delivery}/rerun");
                let told = client.post(&path, &json!({ "plugins": with })).await?;
                let same = match told.get("same").and_then(Value::as_bool) {
                    Some(true) => "the same bytes as then",
                    Some(false) => "other bytes than then",
                    None => "nothing was made then to compare with",
                };
                printer.result(&told, same)
            }
            Self::Push { component } => {
                let pushed = client.upload("/api/plugins", "application/wasm", read(&component)?).await?;
                let (name, version) = (text(&pushed, "/name"), text(&pushed, "/version"));
                printer.result(&pushed, format!("{name}@{version} {}", text(&pushed, "/digest")))
            }
            Self::Inspect { plugin } if plugin.ends_with(".wasm") => inspect(Path::new(&plugin), printer).await,
            Self::Inspect { plugin } => {
                let shown = client.get(&format!("/api/plugins/{plugin}"), &[]).await?;
                printer.value(&shown)
            }
            Self::List => {
                let listed = client.get("/api/plugins", &[]).await?;
                let rows = rows(&listed, &["/name", "/version", "/size", "/description", "/digest"]);
                printer.table(&listed, &["name", "version", "bytes", "description", "digest"], rows)
            }
        }
    }
}

impl RunHere {
    async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let (engine, digest, manifest) = admitted(&self.component).await?;
        let sample = manifest.samples.first();
        let data = match &self.event {
            Some(path) => read(path)?,
            None => sample
                .map(|sample| sample.data.clone().into_bytes())
                .ok_or_else(|| Failure::Usage("the component has no samples: give --event FILE".into()))?,
        };
        check_json(&data).map_err(|bad| Failure::Usage(format!("the event's data: {bad}")))?;
        let settings = match &self.settings {
            Some(path) => String::from_utf8_lossy(&read(path)?).into_owned(),
            None => sample.map_or_else(|| "{}".to_owned(), |sample| sample.settings.clone()),
        };
        let event_type = match self.event_type {
            Some(event_type) => event_type,
            None => sample
                .and_then(|sample| sample.event_type.parse().ok())
                .ok_or_else(|| Failure::Usage("the component has no sample to take a type from: give --type".into()))?,
        };
        let issues = engine.check_settings(digest, &settings).await;
        if let Ok(issues) = &issues.result
            && !issues.is_empty()
        {
            let issues: Vec<String> = issues.iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect();
            return Err(Failure::No(format!("the settings are not usable: {}", issues.join("; "))));
        }
        let event = event(event_type, data);
        let webhook = WebhookView { id: WebhookId::from(1), origin: "https://example.com", allow_origins: &[] };
        let data = event.data.bytes.clone();
        let fuel = u64::MAX;
        let run =
            engine.transform(StageInput { digest, event: &event, data, webhook, settings: &settings, fuel }).await;
        show(printer, &run)
    }
}

fn event(event_type: EventType, data: Vec<u8>) -> Event {
    let now = SystemClock.now();
    Event {
        id: IdSource::new(0, 0).next(now),
        event_type,
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: now,
        data: Payload::json(data),
        external_id: None,
    }
}

fn show(printer: &mut Printer, run: &Run<Verdict>) -> Result<(), Failure> {
    let (verdict, shown) = match &run.result {
        Ok(Verdict::Pass) => (json!({ "verdict": "pass" }), "pass".to_owned()),
        Ok(Verdict::Drop(reason)) => (json!({ "verdict": "drop", "reason": reason }), format!("drop: {reason}")),
        Ok(Verdict::Replace(data)) => {
            let data = String::from_utf8_lossy(data);
            (json!({ "verdict": "replace", "data": data }), format!("replace\n{data}"))
        }
        Ok(Verdict::Send(draft)) => {
            let body = String::from_utf8_lossy(&draft.body);
            let head = format!(
                "send {} {} {}",
                draft.method.as_str(),
                draft.path.as_deref().unwrap_or("(the webhook's own path)"),
                draft.content_type
            );
            (json!({ "verdict": "send", "request": draft, "body": body }), format!("{head}\n{body}"))
        }
        Err(kind) => (json!({ "fault": kind }), String::new()),
    };
    let cost = run.cost;
    let log: Vec<String> = run.log.iter().map(|line| format!("\nlog {:?}: {}", line.level, line.message)).collect();
    let spent = format!(
        "fuel {} of {}, memory {} of {} bytes, {} µs",
        cost.fuel, cost.fuel_limit, cost.memory, cost.memory_limit, cost.micros
    );
    printer.result(
        &json!({ "result": verdict, "cost": cost, "log": run.log, "logDropped": run.log_dropped }),
        format!("{shown}{}\n{spent}", log.concat()),
    )?;
    match &run.result {
        Ok(_) => Ok(()),
        Err(kind) => {
            let fault = crate::model::fault::Fault { plugin: "here".into(), kind: kind.clone() };
            Err(Failure::No(fault.to_string()))
        }
    }
}

async fn inspect(path: &Path, printer: &mut Printer) -> Result<(), Failure> {
    let (_, digest, manifest) = admitted(path).await?;
    let mut shown = json!(manifest);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("digest".into(), json!(digest));
        let schema = serde_json::from_str(&manifest.settings_schema).unwrap_or(Value::Null);
        shown.insert("settingsSchema".into(), schema);
    }
    printer.value(&shown)
}

async fn admitted(path: &Path) -> Result<(WasmTransform, Digest, Manifest), Failure> {
    let wasm = Bytes::from(read(path)?);
    admit(wasm).await.map_err(|bad| Failure::No(format!("{}: {bad}", path.display())))
}

/// The engine with one component in it. Compiled code is kept for this process only.
pub(super) async fn admit(wasm: Bytes) -> Result<(WasmTransform, Digest, Manifest), String> {
    let mut cache_key = [0; 32];
    SystemRng.fill(&mut cache_key);
    let cache = std::env::temp_dir().join(format!("waxwing-run-{}", std::process::id()));
    let setup = WasmSetup {
        limits: Limits::default(),
        cache: cache.clone(),
        cache_key,
        executable: std::env::current_exe().map_err(|error| format!("can't find myself: {error}"))?,
        reserved_headers: format::reserved_headers(),
        components: Arc::new(Only(wasm.clone())),
    };
    let engine = WasmTransform::new(setup).map_err(|error| error.to_string())?;
    let admitted = engine.admit(wasm).await;
    // What was loaded stays mapped; the folder is of no more use.
    let _ = std::fs::remove_dir_all(&cache);
    let (digest, manifest) = admitted.map_err(|bad| bad.to_string())?;
    Ok((engine, digest, manifest))
}
