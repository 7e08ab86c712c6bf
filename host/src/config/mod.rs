//! What the server is told at its start: defaults < TOML file < environment < flags, each setting named once, in [`table`].
//!
//! A section is a small struct of a file that checks itself; whoever holds a [`Config`] holds a valid one, secrets redacted in
//! `Debug`. Only here (and in the CLI) are environment variables read. `docs/configuration.md` lists every setting.

mod delivery;
mod egress;
mod layers;
mod logs;
mod plugins;
mod server;
mod storage;
pub mod table;

use std::path::PathBuf;

pub use self::delivery::DeliveryConfig;
pub use self::egress::EgressConfig;
pub use self::layers::{Environ, Layers, Source, process_environ};
pub use self::logs::{LogConfig, LogStyle};
pub use self::plugins::PluginConfig;
pub use self::server::{Role, ServerConfig};
pub use self::storage::{Database, DatabaseUrl, KeySource, StorageConfig};

/// Everything that `app` is given.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub storage: StorageConfig,
    pub egress: EgressConfig,
    pub plugins: PluginConfig,
    pub delivery: DeliveryConfig,
    pub log: LogConfig,
}

/// A setting that can't be used, and where it was said.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{origin}: {message}")]
    Invalid { origin: String, message: String },
    #[error("{origin}: there is no setting '{key}'{hint}")]
    Unknown { origin: String, key: String, hint: String },
    #[error("{origin}: can't read {}", path.display())]
    Unreadable {
        origin: String,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}: not TOML: {message}", path.display())]
    NotToml { path: PathBuf, message: String },
}

impl Config {
    /// Reads and checks every section.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let (server, storage) = (ServerConfig::read(layers)?, StorageConfig::read(layers)?);
        if server.role != Role::All && matches!(storage.database, Database::Sqlite(_)) {
            let message = "one process has an SQLite database: a node with a part of the work needs \
                           --database postgres://…, which several may share";
            return Err(layers.invalid("role", message.into()));
        }
        Ok(Self {
            server,
            storage,
            egress: EgressConfig::read(layers)?,
            plugins: PluginConfig::read(layers)?,
            delivery: DeliveryConfig::read(layers)?,
            log: LogConfig::read(layers)?,
        })
    }
}

#[cfg(test)]
mod tests;
