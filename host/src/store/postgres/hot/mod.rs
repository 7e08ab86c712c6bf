//! The hot path: what the group commit's two writers hand over is appended, or completed, and made durable.
//!
//! Each has a connection of its own, so that a completion, for which nobody waits and whose commit isn't waited for, never holds up a
//! 202. Whatever the size of a group, it is a handful of statements over arrays. After a failure the connection is dropped, and the
//! next group begins with a new one.

mod admit;
mod append;
mod complete;
mod end;
mod health;
mod log;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};

use self::health::Health;
use super::Shared;
use super::connect::Purpose;
use super::partitions::is_missing;
use crate::store::writer::{Answers, Commit, Group};
use crate::store::{Result, Start, StoreError};

/// A database that doesn't answer for so long is taken for gone.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// One that was used so lately isn't asked whether it still stands: a database that was restarted meanwhile costs nobody a refusal.
const SURELY_SOUND: Duration = Duration::from_secs(1);
/// One that doesn't answer within this is replaced.
const PING_WAIT: Duration = Duration::from_secs(3);
/// Once under another id, once with new partitions, and once more.
const TRIES: usize = 3;

/// The database is there and says nothing.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} seconds", ANSWER_WAIT.as_secs())]
struct NoAnswer;

/// Each time that it joined anew.
#[derive(Debug, thiserror::Error)]
#[error("this node was taken for dead again and again")]
struct BuriedAgain;

/// What came of one try at a group.
enum Tried<T> {
    Written(T),
    /// This node isn't known under this id any more; nothing was written.
    Buried,
}

pub(super) struct AppendCommit {
    shared: Arc<Shared>,
    connection: Option<Kept>,
}

impl AppendCommit {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, connection: None }
    }

    async fn try_once(&mut self, group: &Group, node: i64) -> Result<Tried<Answers>> {
        let mut connection = connection(&self.shared, &mut self.connection, Purpose::Appends).await?;
        let sent = append::append(&mut connection, &group.batches, node);
        let tried = in_time(sent).await.inspect_err(|error| self.doubt(group, node, error))?;
        self.connection = Some(Kept::now(connection));
        Ok(match tried {
            Tried::Written(batches) => Tried::Written(Answers { batches, completions: Vec::new() }),
            Tried::Buried => Tried::Buried,
        })
    }

    /// It was sent off: perhaps it was written, and only the answer got lost.
    fn doubt(&self, group: &Group, node: i64, error: &StoreError) {
        if matches!(error, StoreError::Unavailable(_)) && !is_missing(error) {
            let deliveries = group.batches.iter().flat_map(|batch| &batch.events).flat_map(|new| &new.deliveries);
            let claimed = deliveries.filter(|new| new.start == Start::Claimed);
            self.shared.doubts.add(node, claimed.map(|new| (super::convert::int(new.id.number()), 1)));
        }
    }
}

#[async_trait]
impl Commit for AppendCommit {
    const BLOCKS: bool = false;
    type Errand = Infallible;

    async fn commit(&mut self, group: &Group) -> Result<Answers> {
        let mut tries = 1;
        loop {
            let node = self.shared.membership.id()?;
            match self.try_once(group, node).await {
                Ok(Tried::Written(answers)) => {
                    if append::leaves_work(&group.batches, &answers.batches) {
                        self.shared.tidings.work();
                    }
                    return Ok(answers);
                }
                Ok(Tried::Buried) if tries < TRIES => self.shared.membership.rejoin(node).await?,
                Ok(Tried::Buried) => return Err(StoreError::Unavailable(Box::new(BuriedAgain))),
                Err(error) if is_missing(&error) && tries < TRIES => {
                    self.shared.partitions.make_for(&append::times(&group.batches)).await?;
                }
                Err(error) => return Err(error),
            }
            tries += 1;
        }
    }

    async fn run(&mut self, errand: Infallible) {
        match errand {}
    }
}

pub(super) struct CompleteCommit {
    shared: Arc<Shared>,
    connection: Option<Kept>,
    health: Health,
}

impl CompleteCommit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, connection: None, health: Health::default() }
    }

    async fn try_once(&mut self, group: &Group) -> Result<Answers> {
        // One that has signed off has nothing in hand: its attempts are logged.
        let node = self.shared.membership.id().unwrap_or_default();
        let mut connection = connection(&self.shared, &mut self.connection, Purpose::Completions).await?;
        let completions =
            in_time(complete::complete(&mut connection, &group.completions, (node, &mut self.health))).await?;
        self.connection = Some(Kept::now(connection));
        Ok(Answers { batches: Vec::new(), completions })
    }
}

#[async_trait]
impl Commit for CompleteCommit {
    const BLOCKS: bool = false;
    type Errand = Infallible;

    async fn commit(&mut self, group: &Group) -> Result<Answers> {
        let kept = self.connection.is_some();
        match self.try_once(group).await {
            // It had broken. Twice is as good as once: a completion is applied by its fence.
            Err(error @ StoreError::Unavailable(_)) if kept && !is_missing(&error) => self.try_once(group).await,
            Err(error) if is_missing(&error) => {
                let mut connection = self.shared.connector.connect(Purpose::Cold).await?;
                let parts = complete::parts(&mut connection, &group.completions).await?;
                self.shared.partitions.make(&mut connection, parts).await?;
                self.try_once(group).await
            }
            other => other,
        }
    }

    async fn run(&mut self, errand: Infallible) {
        match errand {}
    }
}

/// A connection between two groups.
struct Kept {
    connection: PgConnection,
    since: Instant,
}

impl Kept {
    fn now(connection: PgConnection) -> Self {
        Self { connection, since: Instant::now() }
    }

    /// Whether it can be used, as far as one can tell without using it.
    async fn is_sound(&mut self) -> bool {
        if self.since.elapsed() < SURELY_SOUND {
            return true;
        }
        tokio::time::timeout(PING_WAIT, self.connection.ping()).await.is_ok_and(|answer| answer.is_ok())
    }
}

/// Taken out of its place: whoever doesn't put it back, for whatever reason, has dropped it.
async fn connection(shared: &Shared, place: &mut Option<Kept>, purpose: Purpose) -> Result<PgConnection> {
    if let Some(mut kept) = place.take()
        && kept.is_sound().await
    {
        return Ok(kept.connection);
    }
    shared.connector.connect(purpose).await
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(ANSWER_WAIT, work).await.map_err(|_| StoreError::Unavailable(Box::new(NoAnswer)))?
}

/// Text as PostgreSQL can hold it: a plugin's reason may hold anything.
pub(in crate::store::postgres) fn without_nul(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "").into() } else { text.into() }
}
