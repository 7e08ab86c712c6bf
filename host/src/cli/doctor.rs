//! `waxwing doctor`: whether a server can run here, checked one thing after the other. Changes nothing.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Failure;
use super::flags::ConfigFlags;
use super::print::Printer;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Database, DatabaseUrl, KeySource};

/// 2026-01-01: a clock before that is wrong.
const BUILT_AFTER_MILLIS: u64 = 1_767_225_600_000;

const ANSWER_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    flags: ConfigFlags,
    /// Look this name up, to see whether DNS answers.
    #[arg(long, default_value = "localhost")]
    host: String,
}

/// What was looked at, and the fault if there is one.
struct Finding {
    what: &'static str,
    result: Result<String, String>,
}

impl Doctor {
    pub(super) async fn run(self, printer: &mut Printer) -> Result<(), Failure> {
        let config = self.flags.config()?;
        let findings = [
            Finding { what: "data folder", result: folder(&config.storage.data) },
            Finding { what: "key", result: key(&config.storage.key) },
            Finding { what: "database", result: database(&config).await },
            Finding { what: "address", result: address(&config).await },
            Finding { what: "clock", result: clock() },
            Finding { what: "DNS", result: dns(&self.host).await },
            Finding { what: "compiling plugins", result: compiler().await },
        ];
        let faults = findings.iter().filter(|finding| finding.result.is_err()).count();
        let value: Vec<Value> = findings.iter().map(Finding::value).collect();
        let rows = findings.iter().map(Finding::row).collect();
        printer.table(&json!({ "checks": value }), &["", "checked", "found"], rows)?;
        if faults == 0 {
            Ok(())
        } else {
            Err(Failure::No(format!("{faults} of {} checks found a fault", findings.len())))
        }
    }
}

impl Finding {
    fn value(&self) -> Value {
        let (Ok(found) | Err(found)) = &self.result;
        json!({ "check": self.what, "ok": self.result.is_ok(), "found": found })
    }

    fn row(&self) -> Vec<String> {
        let (Ok(found) | Err(found)) = &self.result;
        vec![if self.result.is_ok() { "ok" } else { "FAULT" }.to_owned(), self.what.to_owned(), found.clone()]
    }
}

fn folder(path: &Path) -> Result<String, String> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => Err(format!("{} is not a folder", path.display())),
        Ok(found) if found.permissions().readonly() => Err(format!("{} can't be written to", path.display())),
        Ok(_) => Ok(path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(format!("{} will be made", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn key(source: &KeySource) -> Result<String, String> {
    let (text, place) = match source {
        KeySource::Given(secret) => (secret.expose().to_owned(), "WAXWING_KEY".to_owned()),
        KeySource::File { path, make } => match std::fs::read_to_string(path) {
            Ok(text) => (text, path.display().to_string()),
            Err(error) if *make && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(format!("{} will be made", path.display()));
            }
            Err(error) => return Err(format!("{}: {error}", path.display())),
        },
    };
    match STANDARD.decode(text.trim()).map(|bytes| bytes.len()) {
        Ok(32) => Ok(place),
        Ok(length) => Err(format!("{place} holds {length} bytes, not 32")),
        Err(_) => Err(format!("{place} is not base64; `head -c 32 /dev/urandom | base64` makes one")),
    }
}

async fn database(config: &Config) -> Result<String, String> {
    let path = match &config.storage.database {
        Database::Sqlite(path) => path,
        Database::Postgres(url) => return postgres(url).await,
    };
    if !path.exists() {
        return Ok(format!("{} will be made", path.display()));
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
    let failed = |error: sqlx::Error| format!("{}: {error}", path.display());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.map_err(failed)?;
    let checked: (String,) =
        sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&mut connection).await.map_err(failed)?;
    if checked.0 == "ok" { Ok(path.display().to_string()) } else { Err(format!("{}: {}", path.display(), checked.0)) }
}

async fn postgres(url: &DatabaseUrl) -> Result<String, String> {
    let failed = |error: sqlx::Error| format!("{url}: {error}");
    let options: sqlx::postgres::PgConnectOptions = url.expose().parse().map_err(failed)?;
    let connected = tokio::time::timeout(ANSWER_WAIT, sqlx::ConnectOptions::connect(&options)).await;
    let mut connection = connected.map_err(|_| format!("{url} doesn't answer"))?.map_err(failed)?;
    let version: (String,) =
        sqlx::query_as("SELECT current_setting('server_version')").fetch_one(&mut connection).await.map_err(failed)?;
    Ok(format!("{url} answers, PostgreSQL {}", version.0))
}

async fn address(config: &Config) -> Result<String, String> {
    let listen = config.server.listen;
    match tokio::net::TcpListener::bind(listen).await {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) => Err(format!("{listen}: {error}; is a server running already?")),
    }
}

fn clock() -> Result<String, String> {
    let now = SystemClock.now();
    if now.millis() >= BUILT_AFTER_MILLIS {
        Ok(now.to_string())
    } else {
        Err(format!("{now} lies in the past: signatures will be refused"))
    }
}

async fn dns(host: &str) -> Result<String, String> {
    let found = tokio::net::lookup_host((host, 443)).await.map_err(|error| format!("{host}: {error}"))?;
    let addresses: Vec<String> = found.map(|address| address.ip().to_string()).collect();
    if addresses.is_empty() {
        Err(format!("{host} has no address"))
    } else {
        Ok(format!("{host} is {}", addresses.join(", ")))
    }
}

/// Admits a bundled plugin, which compiles it in a child process as an upload would.
async fn compiler() -> Result<String, String> {
    let Some(bundled) = waxwing_bundle::plugins().first() else {
        return Ok("no plugins are in this binary".to_owned());
    };
    super::plugin::admit(bytes::Bytes::from_static(bundled.wasm)).await.map(|admitted| {
        let (_, digest, manifest) = admitted;
        format!("{}@{} compiles ({digest})", manifest.name, manifest.version)
    })
}
