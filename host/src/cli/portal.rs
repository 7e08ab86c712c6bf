//! `waxwing portal-link`: a way into the portal, once.

use serde_json::{Map, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, text};

#[derive(Debug, clap::Args)]
pub(super) struct PortalLink {
    /// admin, viewer or tenant
    #[arg(long, default_value = "admin")]
    role: String,
    /// Shows only this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// How long the link may lie around, 1 to 1440.
    #[arg(long, default_value_t = 15)]
    minutes: u32,
    /// A site that may show the portal in a frame; only for the role tenant.
    #[arg(long, value_name = "ORIGIN")]
    allowed_origin: Option<String>,
}

impl PortalLink {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        let mut body = Map::from_iter([
            ("role".to_owned(), json!(self.role)),
            ("expiresInMinutes".to_owned(), json!(self.minutes)),
        ]);
        body.extend(self.tenant.map(|tenant| ("tenant".to_owned(), json!(tenant))));
        body.extend(self.allowed_origin.map(|origin| ("allowedOrigin".to_owned(), json!(origin))));
        let made = client.post("/api/portal/links", &body.into()).await?;
        printer.result(&made, text(&made, "/url"))
    }
}
