//! The hot path: what the group commit's writer hands over is appended, then completed, then made durable.
//!
//! It has a thread and a connection of its own, through rusqlite: a row costs what SQLite costs, where each statement of an
//! asynchronous connection costs two threads' wake-ups besides (`docs/adr/0014-hot-path-on-a-thread.md`). It shares the writers'
//! turn with the rest of the store, so that nobody ever waits for SQLite's own lock.

mod append;
mod claim;
mod complete;
mod expire;
mod feed;
mod health;
mod keys;
mod row;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row, ToSql, TransactionBehavior};
use tokio::sync::oneshot;

pub(super) use self::claim::Claiming;
pub(super) use self::expire::{EXPIRED, Expiring, Gone};
use self::feed::{Feed, Rows};
use self::keys::{Changes, Keys};
use super::connect::{BUSY, Connector};
use crate::model::delivery::Claimed;
use crate::model::ids::WebhookId;
use crate::store::writer::{Answers, Commit, Group};
use crate::store::{Result, Taken};

/// 8 MiB: it only ever writes to the ends of its tables, and at each commit SQLite goes over the whole cache's index.
const CACHE: i64 = -8192;
/// Each text is prepared once; there are fewer than these.
const STATEMENTS_KEPT: usize = 64;

pub(super) struct GroupCommit {
    connector: Arc<Connector>,
    /// `None` before the first use and after a failure: closing is the one way back that works after every failure.
    open: Option<Open>,
}

/// What this connection does besides.
pub(super) enum Errand {
    Claim(Claiming, oneshot::Sender<Result<Taken>>),
    /// With whether something is scheduled, behind which nothing is taken.
    ClaimInOrder((WebhookId, u32), oneshot::Sender<Result<(Vec<Claimed>, bool)>>),
    Expire(Expiring, oneshot::Sender<Result<Gone>>),
}

struct Open {
    connection: Connection,
    feed: Feed,
    keys: Keys,
}

/// Where a group is written.
#[derive(Clone, Copy)]
struct Target<'a> {
    /// In its transaction.
    connection: &'a Connection,
    feed: &'a Feed,
}

impl Target<'_> {
    /// All these rows by one statement, which has them from `feed`; how many it wrote.
    fn insert<const N: usize>(&self, statement: &str, rows: &Arc<Rows<N>>) -> Result<usize> {
        self.feed.insert(self.connection, statement, rows)
    }

    /// What a query finds that has these rows from `feed`.
    fn select<const N: usize, T>(
        &self,
        query: &str,
        rows: (&Arc<Rows<N>>, &[&dyn ToSql]),
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.feed.select(self.connection, query, rows, read)
    }
}

impl GroupCommit {
    pub(super) const fn new(connector: Arc<Connector>) -> Self {
        Self { connector, open: None }
    }

    /// In the writers' turn. After a failure the connection goes.
    async fn work<T>(&mut self, work: impl FnOnce(&mut Open) -> Result<T>) -> Result<T> {
        let connector = Arc::clone(&self.connector);
        let _turn = connector.turn().await;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&connector)?,
        };
        let done = work(&mut open)?;
        self.open = Some(open);
        Ok(done)
    }

    async fn undurably<T>(&mut self, work: impl FnOnce(Target<'_>) -> Result<T>) -> Result<T> {
        self.work(|open| open.undurably(work)).await
    }
}

#[async_trait]
impl Commit for GroupCommit {
    const BLOCKS: bool = true;
    type Errand = Errand;

    async fn commit(&mut self, group: &Group) -> Result<Answers> {
        let answers = self.work(|open| open.write(group)).await?;
        self.connector.has_changed();
        Ok(answers)
    }

    async fn run(&mut self, errand: Errand) {
        // Whoever asked may have gone away.
        match errand {
            Errand::Claim(claiming, answer) => {
                drop(answer.send(self.undurably(|target| claim::claim(target, &claiming)).await));
            }
            Errand::ClaimInOrder(wanted, answer) => {
                drop(answer.send(self.undurably(|target| claim::claim_in_order(target, wanted)).await));
            }
            Errand::Expire(expiring, answer) => {
                drop(answer.send(self.undurably(|target| expire::expire(target, &expiring)).await));
            }
        }
    }
}

impl Open {
    fn new(connector: &Connector) -> Result<Self> {
        let connection = connect(connector)?;
        let feed = Feed::of(&connection)?;
        let keys = Keys::load(&connection)?;
        Ok(Self { connection, feed, keys })
    }

    fn write(&mut self, group: &Group) -> Result<Answers> {
        let mut changes = Changes::default();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let target = Target { connection: &transaction, feed: &self.feed };
        let batches = append::append(target, &group.batches, &self.keys, &mut changes)?;
        let completions = complete::complete(target, &group.completions)?;
        self.keys.settle(target, &mut changes)?;
        transaction.commit()?;
        self.keys.committed(changes);
        Ok(Answers { batches, completions })
    }

    /// Doesn't wait for the disk: a power cut may undo the last of it, each transaction as a whole. The next group's commit, which
    /// waits, makes it last.
    fn undurably<T>(&mut self, work: impl FnOnce(Target<'_>) -> Result<T>) -> Result<T> {
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(Target { connection: &transaction, feed: &self.feed })?;
        transaction.commit()?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(done)
    }
}

fn connect(connector: &Connector) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(connector.path(), flags)?;
    connection.busy_timeout(BUSY)?;
    for (name, value) in connector.pragmas() {
        connection.pragma_update(None, name, value)?;
    }
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // One plan for each text, whatever is bound: else a statement with a limit is prepared anew at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}
