//! The database that the configuration names, opened.

use std::sync::Arc;

use anyhow::Context as _;

use super::Surroundings;
use super::key::Keys;
use crate::config::{Config, Database, Role};
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Events, Store};

/// Everybody else knows it by its traits; here it is closed.
#[derive(Clone)]
pub(super) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    pub(super) async fn open(config: &Config, keys: &Keys, around: &Surroundings) -> anyhow::Result<Self> {
        let (vault, rng, clock) = (Arc::clone(&keys.vault), Arc::clone(&around.rng), Arc::clone(&around.clock));
        match &config.storage.database {
            Database::Sqlite(path) => {
                let opened = SqliteStore::open(path, SqliteOptions::default(), vault, rng, clock.as_ref()).await;
                let store = opened.with_context(|| format!("the database {} can't be opened", path.display()))?;
                Ok(Self::Sqlite(Arc::new(store)))
            }
            Database::Postgres(url) => {
                let delivers = around.delivers && config.server.role != Role::Api;
                let options = PostgresOptions { delivers, ..PostgresOptions::default() };
                let opened = PostgresStore::open(url.expose(), options, vault, rng, clock).await;
                let store = opened.with_context(|| format!("the database {url} can't be opened"))?;
                Ok(Self::Postgres(Arc::new(store)))
            }
        }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::<SqliteStore>::clone(store),
            Self::Postgres(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    pub(super) fn events(&self) -> Arc<dyn Events + Send + Sync> {
        match self {
            Self::Sqlite(store) => Arc::<SqliteStore>::clone(store),
            Self::Postgres(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    /// Writes what waits; later calls fail.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}
