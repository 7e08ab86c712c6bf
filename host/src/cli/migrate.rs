//! `waxwing migrate`: brings a PostgreSQL database's schema up to date, for those whose servers may not do that themselves.

use serde_json::json;

use super::Failure;
use super::print::Printer;
use crate::config::DatabaseUrl;
use crate::store::postgres::{Migrated, PostgresStore};

#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// postgres://USER:PASSWORD@HOST/DATABASE; better given in the environment if there is a password in it.
    #[arg(long, env = "WAXWING_DATABASE", hide_env_values = true, value_name = "URL")]
    database: String,
}

impl Migrate {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        if self.database.starts_with("sqlite:") {
            let message = "--database: the schema of an SQLite database is brought up by `waxwing serve`, at its start";
            return Err(Failure::Usage(message.into()));
        }
        let url = DatabaseUrl::parse(&self.database).map_err(|error| Failure::Usage(format!("--database: {error}")))?;
        let migrated = PostgresStore::migrate(url.expose()).await;
        let migrated = migrated.map_err(|error| Failure::Failed(format!("{url}: {:#}", anyhow::Error::from(error))))?;
        let value = json!({ "from": migrated.from, "to": migrated.to });
        printer.result(&value, format!("{url}: {}", told(migrated)))
    }
}

fn told(Migrated { from, to }: Migrated) -> String {
    let to = to.unwrap_or_default();
    match from {
        None => format!("made the schema, version {to}"),
        Some(from) if from == to => format!("the schema is version {to} already"),
        Some(from) => format!("brought the schema from version {from} to {to}"),
    }
}
