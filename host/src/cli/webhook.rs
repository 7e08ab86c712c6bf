//! `waxwing webhook`: the receivers.

use serde_json::{Map, Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, rows, text};
use super::replay::all;
use super::trigger::json_text;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Webhook {
    /// Register a receiver; its secret is shown this one time.
    Create(Box<Create>),
    /// Show all that match.
    List {
        /// In name or URL.
        #[arg(long)]
        search: Option<String>,
        #[arg(long)]
        environment: Option<String>,
        /// active, paused or disabled
        #[arg(long)]
        status: Option<String>,
    },
    /// Show one.
    Show { id: String },
    /// Hold its deliveries back.
    Pause { id: String },
    /// Let go what was held back, and go on.
    Resume { id: String },
    /// Delete it: what is pending is cancelled, the log stays.
    Delete { id: String },
    /// Send it a test, and tell how that went.
    Test {
        id: String,
        /// The event's type.
        #[arg(long = "type")]
        event_type: Option<String>,
    },
    /// Send what it didn't get once more: all events whose last delivery failed or was cancelled.
    Recover {
        id: String,
        /// From when on, by the time of acceptance: 2026-01-31T12:00:00Z
        #[arg(long)]
        since: String,
        #[arg(long)]
        until: Option<String>,
        /// Also what matched while it was disabled.
        #[arg(long)]
        missed: bool,
    },
    /// Show the integration templates.
    Templates,
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Where to send.
    #[arg(long)]
    url: Option<String>,
    /// Event types, a.* or *; comma-separated.
    #[arg(long, value_delimiter = ',')]
    events: Vec<String>,
    #[arg(long)]
    name: Option<String>,
    /// An integration template, such as slack-alerts.
    #[arg(long)]
    template: Option<String>,
    /// Answers to the template's questions: {"slack": {"channel": …}}, or @FILE
    #[arg(long, requires = "template")]
    settings: Option<String>,
    /// A plugin of the chain: NAME, NAME@VERSION, or NAME={"setting": …}. Repeated, in order.
    #[arg(long)]
    plugin: Vec<String>,
    /// standard, svix, cryptlex, license-validator, keygen, github or stripe
    #[arg(long)]
    format: Option<String>,
    /// Your own signing secret; one is made if absent.
    #[arg(long)]
    secret: Option<String>,
    #[arg(long)]
    environment: Option<String>,
    #[arg(long)]
    tenant: Option<String>,
}

impl Webhook {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(client, printer).await,
            Self::List { search, environment, status } => {
                let query = [("search", search), ("environment", environment), ("status", status)];
                let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let listed = client.get("/api/webhooks", &query).await?;
                let rows = rows(&listed, &["/id", "/name", "/status", "/environment", "/format", "/url"]);
                printer.table(&listed, &["id", "name", "status", "environment", "format", "url"], rows)
            }
            Self::Show { id } => {
                let shown = client.get(&format!("/api/webhooks/{id}"), &[]).await?;
                printer.value(&shown)
            }
            Self::Pause { id } => change(client, printer, &id, "pause").await,
            Self::Resume { id } => change(client, printer, &id, "resume").await,
            Self::Delete { id } => {
                client.delete(&format!("/api/webhooks/{id}")).await?;
                printer.result(&json!({ "deleted": id }), format!("{id} is deleted"))
            }
            Self::Test { id, event_type } => test(client, printer, &id, event_type).await,
            Self::Recover { id, since, until, missed } => {
                let mut body = Map::from_iter([("since".into(), json!(since)), ("missed".into(), json!(missed))]);
                body.extend(until.map(|until| ("until".to_owned(), json!(until))));
                let path = format!("/api/webhooks/{id}/recover");
                let total = all(client, &path, body, printer.is_json()).await?;
                printer.result(&total, format!("{} sent once more", text(&total, "/count")))
            }
            Self::Templates => {
                let listed = client.get("/api/templates", &[]).await?;
                let rows = rows(&listed, &["/id", "/title", "/urlHint", "/getUrl"]);
                printer.table(&listed, &["id", "title", "its URL", "how to get it"], rows)
            }
        }
    }
}

impl Create {
    async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        let texts = [
            ("url", self.url),
            ("name", self.name),
            ("template", self.template),
            ("format", self.format),
            ("secret", self.secret),
            ("environment", self.environment),
            ("tenant", self.tenant),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        let mut body: Map<String, Value> = texts.collect();
        if !self.events.is_empty() {
            body.insert("events".into(), json!(self.events));
        }
        if !self.plugin.is_empty() {
            let stages = self.plugin.iter().map(|stage| stage_of(stage)).collect::<Result<Vec<_>, _>>()?;
            body.insert("plugins".into(), Value::Array(stages));
        }
        if let Some(settings) = &self.settings {
            body.insert("settings".into(), json_text(settings)?);
        }
        let made = client.post("/api/webhooks", &Value::Object(body)).await?;
        let (id, secret) = (text(&made, "/id"), text(&made, "/secret"));
        printer.result(&made, format!("{id}\nsecret {secret} (shown this one time)\ntry it: waxwing webhook test {id}"))
    }
}

/// `NAME`, or `NAME={settings}`.
fn stage_of(given: &str) -> Result<Value, Failure> {
    match given.split_once('=') {
        None => Ok(json!({ "plugin": given })),
        Some((plugin, settings)) => Ok(json!({ "plugin": plugin, "settings": json_text(settings)? })),
    }
}

async fn change(client: &Client, printer: &mut Printer, id: &str, verb: &str) -> Result<(), Failure> {
    let now = client.post(&format!("/api/webhooks/{id}/{verb}"), &json!({})).await?;
    printer.result(&now, format!("{id} is {}", text(&now, "/status")))
}

async fn test(client: &Client, printer: &mut Printer, id: &str, event_type: Option<String>) -> Result<(), Failure> {
    let mut body = json!({ "webhookId": id });
    if let (Some(event_type), Some(body)) = (event_type, body.as_object_mut()) {
        body.insert("type".into(), json!(event_type));
    }
    let tested = client.post("/api/webhooks/test", &body).await?;
    let (status, time) = (text(&tested, "/statusCode"), text(&tested, "/responseTime"));
    printer.result(&tested, format!("{} status {status} in {time} ms", text(&tested, "/deliveryId")))?;
    if tested.get("success") == Some(&json!(true)) {
        return Ok(());
    }
    Err(Failure::No(format!("the test failed: {}", text(&tested, "/error"))))
}
