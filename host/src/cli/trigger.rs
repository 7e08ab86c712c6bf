//! `waxwing trigger`: posts an event, with given data or the catalogue's sample.

use serde_json::{Map, Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, text};

#[derive(Debug, clap::Args)]
pub(super) struct Trigger {
    /// The event's type, such as license.activated.
    event_type: String,
    /// Its data: JSON, @FILE, or - for standard input. The catalogue's sample if absent.
    #[arg(long)]
    data: Option<String>,
    #[arg(long)]
    environment: Option<String>,
    #[arg(long)]
    tenant: Option<String>,
    /// Your own id: the same one within 24 hours is not taken twice.
    #[arg(long)]
    id: Option<String>,
}

impl Trigger {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        let data = match &self.data {
            Some(given) => json_text(given)?,
            None => sample(client, &self.event_type).await?,
        };
        let mut event = Map::from_iter([("type".to_owned(), json!(self.event_type)), ("data".to_owned(), data)]);
        let more = [("environment", self.environment), ("tenant", self.tenant), ("id", self.id)];
        event.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
        let accepted = client.post("/api/events", &Value::Object(event)).await?;
        let id = text(&accepted, "/id");
        let count = text(&accepted, "/deliveries");
        printer.result(&accepted, format!("{id} accepted for {count} webhooks; `waxwing explain {id}` tells more"))
    }
}

/// JSON that was given as it is, as `@FILE`, or as `-`.
pub(super) fn json_text(given: &str) -> Result<Value, Failure> {
    let text = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| Failure::file(path.as_ref(), &error))?,
        None if given == "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::Failed(format!("standard input: {error}")))?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("not JSON: {error}")))
}

async fn sample(client: &Client, event_type: &str) -> Result<Value, Failure> {
    let listed = client.get("/api/event-types", &[]).await?;
    let entries = listed.get("data").and_then(Value::as_array);
    let entry = entries.into_iter().flatten().find(|entry| text(entry, "/type") == event_type);
    let sample = entry.and_then(|entry| entry.get("sample")).filter(|sample| !sample.is_null()).cloned();
    sample.ok_or_else(|| Failure::Usage(format!("the catalogue has no sample of '{event_type}': give --data")))
}
