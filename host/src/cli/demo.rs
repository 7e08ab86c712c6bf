//! `waxwing demo`: a server with sample webhooks on sinks of its own, 20 sample events, and a table of what became of them.
//!
//! Loopback addresses are allowed for the sinks alone, and everything is kept in a folder that is gone afterwards.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, text};
use super::serve;
use super::sink::{Arrived, Handler, Sink};
use crate::clock::{Rng, SystemRng};
use crate::config::{Config, Layers};
use crate::model::secret::Secret;

const EVENTS: usize = 20;
const TYPES: [&str; 5] = ["license.created", "license.expired", "order.paid", "user.created", "activation.created"];
/// How long the first attempts may take.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Where API and portal answer; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Keep the data in this folder, which must be new or empty; else in one that is deleted at the end.
    #[arg(long)]
    data: Option<PathBuf>,
    /// End after the table instead of staying up.
    #[arg(long)]
    exit: bool,
}

/// A sample webhook: where it goes, and through which plugin.
struct Sample {
    name: &'static str,
    path: &'static str,
    events: &'static str,
    format: &'static str,
    plugin: Option<&'static str>,
}

const SAMPLES: [Sample; 5] = [
    Sample { name: "shop", path: "/shop", events: "*", format: "standard", plugin: None },
    Sample { name: "licences", path: "/licences", events: "license.*", format: "license-validator", plugin: None },
    Sample { name: "failing", path: "/failing", events: "order.*", format: "standard", plugin: None },
    Sample { name: "slack", path: "/slack", events: "*", format: "standard", plugin: Some("slack") },
    Sample { name: "discord", path: "/discord", events: "user.*", format: "standard", plugin: Some("discord") },
];

impl Demo {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let sink = Sink::start(SocketAddr::from(([127, 0, 0, 1], 0)), receivers()).await?;
        let folder = Folder::new(self.data.clone())?;
        let token = token();
        let config = config(self.listen, &folder, &token, sink.address())?;
        let app = serve::start(config).await?;
        let base = format!("http://{}", app.address());
        let url = base.parse().map_err(|error| Failure::Failed(format!("{base}: {error}")))?;
        let client = Client::new(url, Some(token.clone()))?;
        printer.line(format_args!("a server on {base}, with sample receivers on http://{}", sink.address()))?;

        let webhooks = webhooks(&client, sink.address(), printer).await?;
        let accepted = events(&client).await?;
        let deliveries = settled(&client, accepted, printer.is_json()).await?;
        report(printer, &webhooks, &deliveries, &base)?;
        links(printer, &deliveries, (&base, &token))?;
        let link = client.post("/api/portal/links", &json!({})).await?;
        printer.line(format_args!("  {}    (the portal, once)", text(&link, "/url")))?;
        if !self.exit {
            printer.line("\nThe server stays up; Ctrl-C ends it.")?;
            serve::stopped().await?;
        }
        app.stop().await;
        Ok(())
    }
}

/// Every receiver in one: `/failing` never takes anything.
fn receivers() -> Handler {
    Arc::new(|request: Arrived| match request.target.split('?').next() {
        Some("/failing") => StatusCode::SERVICE_UNAVAILABLE,
        Some("/discord") => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    })
}

fn config(listen: SocketAddr, folder: &Folder, token: &str, sink: SocketAddr) -> Result<Config, Failure> {
    let mut config = Config::read(&Layers::default())?;
    config.server.listen = listen;
    config.server.admin_token = Some(Secret::new(token));
    config.storage.data.clone_from(&folder.path);
    config.storage.database = crate::config::Database::Sqlite(folder.path.join("waxwing.db"));
    config.storage.key = crate::config::KeySource::File { path: folder.path.join("key"), make: true };
    config.egress.allow_http = true;
    config.egress.allow_addresses.push(sink);
    Ok(config)
}

/// The sample webhooks, by id; one whose plugin isn't in this binary is left out, and said so.
async fn webhooks(
    client: &Client,
    sink: SocketAddr,
    printer: &mut Printer,
) -> Result<HashMap<String, String>, Failure> {
    let listed = client.get("/api/plugins", &[]).await?;
    let plugins = listed.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut made = HashMap::new();
    for sample in &SAMPLES {
        let Sample { name, path, events, format, plugin } = sample;
        if let Some(plugin) = plugin
            && !plugins.iter().any(|known| text(known, "/name") == *plugin)
        {
            printer.line(format_args!("the plugin '{plugin}' is not in this binary: no webhook '{name}'"))?;
            continue;
        }
        let chain: Vec<Value> = plugin.iter().map(|plugin| json!({ "plugin": plugin })).collect();
        let url = format!("http://{sink}{path}");
        let body = json!({ "url": url, "events": [events], "name": name, "format": format, "plugins": chain });
        let webhook = client.post("/api/webhooks", &body).await?;
        made.insert(text(&webhook, "/id"), (*name).to_owned());
    }
    Ok(made)
}

/// Posts the sample events in one batch; how many deliveries that makes.
async fn events(client: &Client) -> Result<usize, Failure> {
    let event = |(index, kind): (usize, &&str)| {
        let data = json!({ "number": index + 1, "customer": format!("customer-{}", index % 3), "amount": 100 * index });
        json!({ "type": kind, "data": data })
    };
    let events: Vec<Value> = TYPES.iter().cycle().take(EVENTS).enumerate().map(event).collect();
    let accepted = client.post("/api/events", &Value::Array(events)).await?;
    let counts = accepted.get("events").and_then(Value::as_array).into_iter().flatten();
    let sum: u64 = counts.filter_map(|event| event.get("deliveries").and_then(Value::as_u64)).sum();
    Ok(usize::try_from(sum).unwrap_or(usize::MAX))
}

/// All deliveries, once each has had its first attempt.
async fn settled(client: &Client, wanted: usize, quiet: bool) -> Result<Vec<Value>, Failure> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(u64::try_from(wanted).unwrap_or(0)) };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} deliveries attempted") {
        bar.set_style(style);
    }
    let waiting = async {
        loop {
            let listed = client.get("/api/deliveries", &[("limit", "250".into())]).await?;
            let deliveries = listed.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            let tried = |delivery: &&Value| delivery.get("attemptCount").and_then(Value::as_u64) > Some(0);
            let done = deliveries.iter().filter(tried).count();
            bar.set_position(u64::try_from(done).unwrap_or(0));
            if deliveries.len() >= wanted && done == deliveries.len() {
                return Ok(deliveries);
            }
            tokio::time::sleep(STEP).await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, waiting).await;
    bar.finish_and_clear();
    settled.unwrap_or_else(|_| Err(Failure::Failed("the deliveries were not attempted in time: see the log".into())))
}

fn report(
    printer: &mut Printer,
    webhooks: &HashMap<String, String>,
    deliveries: &[Value],
    base: &str,
) -> Result<(), Failure> {
    let mut names: Vec<(&String, &String)> = webhooks.iter().collect();
    names.sort_by_key(|(_, name)| *name);
    let row = |(id, name): (&String, &String)| {
        let own = || deliveries.iter().filter(|delivery| text(delivery, "/webhookId") == *id);
        let count = |status: &str| own().filter(|delivery| text(delivery, "/status") == status).count().to_string();
        let last = own().map(|delivery| text(delivery, "/reason")).find(|reason| reason != "–").unwrap_or_default();
        vec![name.clone(), own().count().to_string(), count("delivered"), count("pending"), count("failed"), last]
    };
    let rows = names.into_iter().map(row).collect();
    let value = json!({ "url": base, "events": EVENTS, "webhooks": webhooks, "deliveries": deliveries });
    printer.table(&value, &["webhook", "deliveries", "delivered", "to be retried", "failed", "why"], rows)
}

fn links(printer: &mut Printer, deliveries: &[Value], (base, token): (&str, &str)) -> Result<(), Failure> {
    let Some(pending) =
        deliveries.iter().find(|delivery| text(delivery, "/status") == "pending").or(deliveries.first())
    else {
        return Ok(());
    };
    let (event, delivery) = (text(pending, "/eventId"), text(pending, "/id"));
    printer.line(format_args!("\nLook closer:\n  export WAXWING_URL={base} WAXWING_TOKEN={token}"))?;
    printer.line(format_args!("  waxwing explain {event}"))?;
    printer
        .line(format_args!("  curl -H \"Authorization: Bearer $WAXWING_TOKEN\" {base}/api/deliveries/{delivery}"))?;
    printer.line(format_args!("  {base}/docs"))
}

fn token() -> String {
    let mut bytes = [0; 24];
    SystemRng.fill(&mut bytes);
    format!("demo_{}", hex::encode(bytes))
}

/// The demo's data; deleted at the end unless somebody asked to keep it.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(wanted: Option<PathBuf>) -> Result<Self, Failure> {
        let keep = wanted.is_some();
        let path = wanted.unwrap_or_else(|| std::env::temp_dir().join(format!("waxwing-demo-{}", std::process::id())));
        std::fs::create_dir_all(&path).map_err(|error| Failure::file(&path, &error))?;
        let mut entries = std::fs::read_dir(&path).map_err(|error| Failure::file(&path, &error))?;
        if entries.next().is_some() {
            return Err(Failure::Usage(format!("{} is not empty: the demo begins with nothing", path.display())));
        }
        Ok(Self { path, keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
