//! One group, one transaction: what the writer hands over is appended, then completed, then made durable.

use std::sync::Arc;

use async_trait::async_trait;

use super::append::append;
use super::complete::complete;
use super::connect::Connector;
use crate::store::Result;
use crate::store::writer::{Answers, Commit, Group};

pub(super) struct GroupCommit {
    connector: Arc<Connector>,
}

impl GroupCommit {
    pub(super) const fn new(connector: Arc<Connector>) -> Self {
        Self { connector }
    }
}

#[async_trait]
impl Commit for GroupCommit {
    async fn commit(&mut self, group: &Group) -> Result<Answers> {
        let mut transaction = self.connector.begin().await?;
        let batches = append(&mut transaction, &group.batches).await?;
        let completions = complete(&mut transaction, &group.completions).await?;
        transaction.commit().await?;
        Ok(Answers { batches, completions })
    }
}
