//! One process has the file: no other node ever says anything, dies or is waited for.

use async_trait::async_trait;

use super::{NODE, SqliteStore};
use crate::model::time::Timestamp;
use crate::store::{News, Nodes, Pulse, Reach, Result};

#[async_trait]
impl Nodes for SqliteStore {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn changes(&self) -> Option<u64> {
        Some(self.connector.changes())
    }

    fn number(&self) -> u16 {
        NODE.0
    }

    /// A page is written anew: with a full disk, or a file that is read-only, that fails.
    async fn pulse(&self, _now: Timestamp) -> Result<Pulse> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE settings SET value = value WHERE name = 'key_id'").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Pulse { rejoined: false, freed: 0, delivering: 1 })
    }

    async fn news(&self) -> News {
        std::future::pending().await
    }

    async fn leave(&self, now: Timestamp) -> Result<()> {
        self.free(now).await.map(drop)
    }
}
