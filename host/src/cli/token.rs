//! `waxwing token`: who may talk to the server.

use serde_json::{Map, Value, json};

use super::Failure;
use super::client::Client;
use super::print::{Printer, rows, text};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Token {
    /// Make one; it is shown this one time.
    Create {
        /// What it is for.
        #[arg(long, default_value = "cli")]
        name: String,
        /// admin, publisher, viewer or tenant
        #[arg(long)]
        role: String,
        /// Binds it to one tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// 2026-12-31T00:00:00Z; never if absent.
        #[arg(long)]
        expires_at: Option<String>,
    },
    /// Show all, but never the tokens themselves.
    List,
    /// From now on it opens nothing.
    Revoke {
        /// token_…
        id: String,
    },
}

impl Token {
    pub(super) async fn run(self, client: &Client, printer: &mut Printer) -> Result<(), Failure> {
        match self {
            Self::Create { name, role, tenant, expires_at } => {
                let mut body = Map::from_iter([("name".into(), json!(name)), ("role".into(), json!(role))]);
                body.extend(tenant.map(|tenant| ("tenant".to_owned(), json!(tenant))));
                body.extend(expires_at.map(|at| ("expiresAt".to_owned(), json!(at))));
                let made = client.post("/api/tokens", &Value::Object(body)).await?;
                printer.result(&made, text(&made, "/token"))
            }
            Self::List => {
                let listed = client.get("/api/tokens", &[]).await?;
                let rows = rows(&listed, &["/id", "/name", "/role", "/tenant", "/createdAt", "/expiresAt"]);
                printer.table(&listed, &["id", "name", "role", "tenant", "created", "expires"], rows)
            }
            Self::Revoke { id } => {
                client.delete(&format!("/api/tokens/{id}")).await?;
                printer.result(&json!({ "revoked": id }), format!("{id} opens nothing any more"))
            }
        }
    }
}
