//! The hot path: what the group commit's writer hands over is appended, then completed, then made durable.
//!
//! It has a thread and a connection of its own, through rusqlite: a row costs what SQLite costs, where each statement of an
//! asynchronous connection costs two threads' wake-ups besides (`docs/adr/0014-hot-path-on-a-thread.md`). It shares the writers'
//! turn with the rest of the store, so that nobody ever waits for SQLite's own lock.

mod append;
mod complete;
mod feed;
mod health;
mod keys;
mod row;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::feed::{Feed, Rows};
pub(super) use self::keys::day_of;
use self::keys::{Changes, Keys};
use super::connect::{BUSY, Connector};
use crate::store::Result;
use crate::store::writer::{Answers, Commit, Group};

/// 8 MiB: it only ever writes to the ends of its tables, and at each commit SQLite goes over the whole cache's index.
const CACHE: i64 = -8192;
/// Each text is prepared once; there are fewer than these.
const STATEMENTS_KEPT: usize = 32;

pub(super) struct GroupCommit {
    connector: Arc<Connector>,
    /// `None` before the first use and after a failure: closing is the one way back that works after every failure.
    open: Option<Open>,
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
}

impl GroupCommit {
    pub(super) const fn new(connector: Arc<Connector>) -> Self {
        Self { connector, open: None }
    }
}

#[async_trait]
impl Commit for GroupCommit {
    async fn commit(&mut self, group: &Group) -> Result<Answers> {
        let connector = Arc::clone(&self.connector);
        let _turn = connector.turn().await;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&connector)?,
        };
        let answers = open.write(group)?;
        self.open = Some(open);
        Ok(answers)
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
    Ok(connection)
}
