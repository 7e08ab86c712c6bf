//! What a node does now and then: it renews its lease, takes over from the dead, hears of others, and signs off.

use async_trait::async_trait;

use super::PostgresStore;
use super::convert::millis;
use super::doubts::settle;
use super::membership::{bury, free};
use crate::model::time::Timestamp;
use crate::store::{News, Nodes, Pulse, Reach, Result};

#[async_trait]
impl Nodes for PostgresStore {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn changes(&self) -> Option<u64> {
        None
    }

    fn number(&self) -> u16 {
        self.shared.membership.number()
    }

    async fn pulse(&self, now: Timestamp) -> Result<Pulse> {
        let doubts = self.shared.doubts.take();
        let mut found = Vec::new();
        let work = async {
            let mut transaction = self.writers.begin().await?;
            let held = self.shared.membership.renew(&mut transaction).await?;
            found = settle(&mut transaction, &doubts, millis(now)).await?;
            // Where this node's lease had run out too, it was the database that stood still: the others get time to come back.
            let freed = if held { bury(&mut transaction, millis(now)).await? } else { 0 };
            let delivering = self.shared.membership.delivering(&mut transaction).await?;
            transaction.commit().await?;
            Ok((freed, delivering))
        };
        let (freed, delivering) = match work.await {
            Ok(done) => done,
            Err(error) => {
                self.shared.doubts.put_back(doubts);
                return Err(error);
            }
        };
        self.shared.doubts.keep(doubts, &found);
        if freed > 0 {
            self.shared.tidings.work();
        }
        Ok(Pulse { rejoined: self.shared.membership.has_rejoined(), freed, delivering })
    }

    async fn news(&self) -> News {
        self.shared.tidings.next().await
    }

    async fn leave(&self, now: Timestamp) -> Result<()> {
        let Some(id) = self.shared.membership.sign_off() else { return Ok(()) };
        let mut transaction = self.writers.begin().await?;
        // Waits for who is just writing rows into this node's hands.
        sqlx::query("SELECT id FROM nodes WHERE id = $1 FOR UPDATE").bind(id).execute(&mut *transaction).await?;
        let freed = free(&mut transaction, &[id], millis(now)).await?;
        transaction.commit().await?;
        if freed > 0 {
            self.shared.tidings.announce_work(&self.writers).await?;
        }
        Ok(())
    }
}

impl PostgresStore {
    /// At start: others may be at work, and what they have in hand stays there.
    pub(super) async fn free(&self, now: Timestamp) -> Result<u64> {
        let mut transaction = self.writers.begin().await?;
        let freed = bury(&mut transaction, millis(now)).await?;
        transaction.commit().await?;
        Ok(freed)
    }
}
