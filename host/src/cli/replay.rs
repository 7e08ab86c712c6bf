//! `waxwing replay`: one delivery, or all that match a filter; and the loop that it shares with `webhook recover`.

use indicatif::{ProgressBar, ProgressStyle};
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
        let total = all(client, "/api/deliveries/replay", body, printer.is_json()).await?;
        let did = if self.dry_run { "would be replayed" } else { "replayed" };
        printer.result(&total, format!("{} {did}{}", text(&total, "/count"), skipped(&total)))
    }
}

/// A call does a bounded number: makes it again from where it ended until there is no more, and adds up what was done.
pub(super) async fn all(
    client: &Client,
    path: &str,
    mut body: Map<String, Value>,
    quiet: bool,
) -> Result<Value, Failure> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} so far, {elapsed}") {
        bar.set_style(style);
    }
    let (mut count, mut skipped) = (0, 0);
    loop {
        let done = client.post(path, &Value::Object(body.clone())).await;
        let done = done.map_err(|failure| if count > 0 { stopped(count, &failure) } else { failure })?;
        let number = |name: &str| done.get(name).and_then(Value::as_u64).unwrap_or(0);
        (count, skipped) = (count + number("count"), skipped + number("skipped"));
        bar.set_position(count);
        match done.get("next").filter(|next| next.is_string()) {
            Some(next) => body.insert("after".into(), next.clone()),
            None => break,
        };
    }
    bar.finish_and_clear();
    Ok(json!({ "count": count, "skipped": skipped, "more": false }))
}

/// What can't be sent any more, if there is any.
pub(super) fn skipped(total: &Value) -> String {
    match total.get("skipped").and_then(Value::as_u64) {
        None | Some(0) => String::new(),
        Some(skipped) => format!(" ({skipped} can't be: their webhook is deleted or disabled, or their event is gone)"),
    }
}

fn stopped(count: u64, failure: &Failure) -> Failure {
    Failure::Failed(format!("{failure}; {count} were done before that"))
}
