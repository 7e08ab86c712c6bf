//! `waxwing explain`: why each webhook did or did not get an event.

use serde_json::Value;

use super::Failure;
use super::client::Client;
use super::print::{Printer, text};

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// evt_…
    event: String,
    /// Only this webhook.
    webhook: Option<String>,
}

impl Explain {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        let mut told = client.get(&format!("/api/events/{}/explain", self.event), &[]).await?;
        if let Some(wanted) = &self.webhook
            && let Some(webhooks) = told.get_mut("webhooks").and_then(Value::as_array_mut)
        {
            webhooks.retain(|webhook| text(webhook, "/webhookId") == *wanted);
            if webhooks.is_empty() {
                return Err(Failure::Failed(format!(
                    "{wanted} was no webhook of this tenant when the event was accepted"
                )));
            }
        }
        let webhooks = told.get("webhooks").and_then(Value::as_array);
        let rows = webhooks.into_iter().flatten().map(row).collect();
        printer.table(&told, &["webhook", "name", "got it", "why", "what became of it"], rows)
    }
}

fn row(webhook: &Value) -> Vec<String> {
    let got = if webhook.get("matched") == Some(&Value::Bool(true)) { "yes" } else { "no" };
    let deliveries = webhook.get("deliveries").and_then(Value::as_array);
    let ends = deliveries.into_iter().flatten().map(|each| match text(each, "/reason").as_str() {
        "–" => text(each, "/status"),
        reason => format!("{}: {reason}", text(each, "/status")),
    });
    let ends = ends.collect::<Vec<_>>().join("\n");
    vec![text(webhook, "/webhookId"), text(webhook, "/name"), got.to_owned(), text(webhook, "/reason"), ends]
}
