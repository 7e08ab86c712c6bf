//! The cold writes' transactions: one after the other over all nodes, so that what reads, decides and writes is right, as it is with
//! SQLite's one writer.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres};
use tokio::sync::MutexGuard;

use super::{PostgresStore, locks};
use crate::store::Result;

/// Rolled back unless committed.
pub(super) struct Turn<'a> {
    transaction: sqlx::Transaction<'static, Postgres>,
    store: &'a PostgresStore,
    /// Whether others have to hear of it.
    configures: bool,
    /// At most one connection of the pool waits for the other nodes.
    _own: MutexGuard<'a, ()>,
}

impl PostgresStore {
    pub(super) async fn begin(&self) -> Result<Turn<'_>> {
        self.turn(false).await
    }

    /// For what other nodes keep in memory: they hear of it once it is committed.
    pub(super) async fn configure(&self) -> Result<Turn<'_>> {
        self.turn(true).await
    }

    async fn turn(&self, configures: bool) -> Result<Turn<'_>> {
        let own = self.cold.lock().await;
        let mut transaction = self.writers.begin().await?;
        locks::COLD.take(&mut transaction).await?;
        Ok(Turn { transaction, store: self, configures, _own: own })
    }
}

impl Turn<'_> {
    /// Durable when it returns.
    pub(super) async fn commit(mut self) -> Result<()> {
        if !self.configures {
            return Ok(self.transaction.commit().await?);
        }
        let version = self.store.shared.tidings.announce(&mut self.transaction).await?;
        self.transaction.commit().await?;
        self.store.shared.tidings.announced(version);
        Ok(())
    }

    /// For a call that found nothing to write.
    pub(super) async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }
}

impl Deref for Turn<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
