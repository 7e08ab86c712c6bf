//! The database that the configuration names, opened.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::Surroundings;
use super::key::Keys;
use crate::config::{Config, Database, DatabaseUrl, Role};
use crate::model::causes::WithCauses;
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{self, Events, Store, StoreError};

/// How soon a database that doesn't answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

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
                let open = || {
                    let (vault, rng, clock) = (Arc::clone(&vault), Arc::clone(&rng), Arc::clone(&clock));
                    PostgresStore::open(url.expose(), options.clone(), vault, rng, clock)
                };
                let opened = when_it_answers(open, url, config.storage.wait).await;
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

/// Asks until it answers, at most for as long as was said. What won't mend by itself is told at once.
async fn when_it_answers<T>(
    open: impl AsyncFn() -> store::Result<T>,
    url: &DatabaseUrl,
    wait: Option<Duration>,
) -> store::Result<T> {
    let (begun, mut told) = (Instant::now(), false);
    loop {
        match open().await {
            Err(error @ StoreError::Unavailable(_)) if wait.is_none_or(|wait| begun.elapsed() < wait) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%url, error = %WithCauses(&error), "the database doesn't answer yet: waiting for it");
                }
                tokio::time::sleep(AGAIN).await;
            }
            answer => {
                if told && answer.is_ok() {
                    tracing::info!(%url, seconds = begun.elapsed().as_secs_f64(), "the database answers");
                }
                return answer;
            }
        }
    }
}
