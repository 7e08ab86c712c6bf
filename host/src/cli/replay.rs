//! `waxwing replay`: one delivery, or all that match a filter.

use serde_json::{Map, Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, text};

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// delivery_…; without it, give a filter.
    #[arg(conflicts_with_all = ["webhook", "event_type", "status", "since", "until"])]
    delivery: Option<String>,
    #[arg(long)]
    webhook: Option<String>,
    #[arg(long = "type")]
    event_type: Option<String>,
    /// delivered, failed, dropped or cancelled
    #[arg(long)]
    status: Option<String>,
    /// By the time of acceptance: 2026-01-31T12:00:00Z
    #[arg(long)]
    since: Option<String>,
    #[arg(long)]
    until: Option<String>,
    /// Only count.
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        if let Some(id) = self.delivery {
            if self.dry_run {
                return Err(Failure::Usage("--dry-run counts what a filter matches; one delivery is one".into()));
            }
            let made = client.post(&format!("/api/deliveries/{id}/replay"), &json!({})).await?;
            return printer.result(&made, format!("{} replays {id}", text(&made, "/id")));
        }
        let filter = [
            ("webhook", self.webhook),
            ("type", self.event_type),
            ("status", self.status),
            ("since", self.since),
            ("until", self.until),
        ];
        let filter = filter.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        let mut body: Map<String, Value> = filter.collect();
        if body.is_empty() {
            return Err(Failure::Usage(
                "name a delivery, or give a filter: --webhook, --type, --status, --since".into(),
            ));
        }
        body.insert("dryRun".into(), json!(self.dry_run));
        let counted = client.post("/api/deliveries/replay", &Value::Object(body)).await?;
        let did = if self.dry_run { "would be replayed" } else { "replayed" };
        let more = if counted.get("more") == Some(&json!(true)) { ", and there are more: run it again" } else { "" };
        printer.result(&counted, format!("{} {did}{more}", text(&counted, "/count")))
    }
}
