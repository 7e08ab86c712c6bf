//! Ends of a copy that don't do what they should: a target that is lost, a source that somebody changes.

use async_trait::async_trait;
use waxwing::model::time::Timestamp;
use waxwing::store::copy::rows::{Batch, Rows, Value};
use waxwing::store::copy::tables::Table;
use waxwing::store::copy::{Begun, Holding, Mark, Place};
use waxwing::store::{Result, StoreError};

use crate::fixture::Address;

/// A target that is lost at the write that the test names: before it was done, or after it and before that could be said.
pub(crate) struct Lost {
    pub(crate) inner: Box<dyn Place>,
    /// Writes before that one.
    pub(crate) left: usize,
    pub(crate) done: bool,
}

impl Lost {
    fn now(&mut self) -> Option<StoreError> {
        let lost = self.left == 0;
        self.left = self.left.wrapping_sub(1);
        lost.then(|| StoreError::Unavailable("the target is lost".into()))
    }
}

/// A source that somebody changes before it is counted again.
pub(crate) struct Meddled {
    pub(crate) inner: Box<dyn Place>,
    pub(crate) address: Address,
}

#[async_trait]
impl Place for Lost {
    async fn is_left_alone(&mut self) -> Result<()> {
        self.inner.is_left_alone().await
    }

    async fn holding(&mut self) -> Result<Holding> {
        self.inner.holding().await
    }

    async fn key_id(&mut self) -> Result<Option<String>> {
        self.inner.key_id().await
    }

    async fn read(&mut self, table: &'static Table, after: &[Value], most: u32) -> Result<Batch> {
        self.inner.read(table, after, most).await
    }

    async fn mark(&mut self) -> Result<Option<Mark>> {
        self.inner.mark().await
    }

    async fn begin(&mut self, key_id: Option<&str>, mark: &Mark) -> Result<Begun> {
        self.inner.begin(key_id, mark).await
    }

    async fn write(&mut self, rows: &Rows, mark: &Mark) -> Result<()> {
        let lost = self.now();
        if lost.is_none() || self.done {
            self.inner.write(rows, mark).await?;
        }
        lost.map_or(Ok(()), Err)
    }

    async fn finish(&mut self, now: Timestamp) -> Result<()> {
        let lost = self.now();
        if lost.is_none() || self.done {
            self.inner.finish(now).await?;
        }
        lost.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Place for Meddled {
    async fn is_left_alone(&mut self) -> Result<()> {
        self.address.runs("DELETE FROM health").await;
        self.inner.is_left_alone().await
    }

    async fn holding(&mut self) -> Result<Holding> {
        self.inner.holding().await
    }

    async fn key_id(&mut self) -> Result<Option<String>> {
        self.inner.key_id().await
    }

    async fn read(&mut self, table: &'static Table, after: &[Value], most: u32) -> Result<Batch> {
        self.inner.read(table, after, most).await
    }

    async fn mark(&mut self) -> Result<Option<Mark>> {
        self.inner.mark().await
    }

    async fn begin(&mut self, key_id: Option<&str>, mark: &Mark) -> Result<Begun> {
        self.inner.begin(key_id, mark).await
    }

    async fn write(&mut self, rows: &Rows, mark: &Mark) -> Result<()> {
        self.inner.write(rows, mark).await
    }

    async fn finish(&mut self, now: Timestamp) -> Result<()> {
        self.inner.finish(now).await
    }
}
