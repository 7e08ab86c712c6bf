//! The floor's database: the rows that a log needs and no others, in one transaction for all that wait (`synchronous=FULL`).
//!
//! What has an event's row and not yet its deliveries' is pending: as much as a restart would need to know.

use std::path::Path;

use bytes::Bytes;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

/// The most rows of one transaction, as in the server.
const BATCH: usize = 1024;

pub(super) enum Row {
    /// Accepted: whoever posted it waits.
    Event { id: i64, at: u64, data: Bytes, durable: oneshot::Sender<()> },
    /// It was sent to one of its receivers.
    Delivery { event: i64, receiver: usize, status: u16, at: u64, micros: u64 },
}

/// The callers' end of the writer's thread.
#[derive(Clone)]
pub(super) struct Ledger(mpsc::Sender<Row>);

impl Ledger {
    /// `ended` is answered when the thread can't go on.
    pub(super) fn start(folder: &Path) -> rusqlite::Result<(Self, oneshot::Receiver<rusqlite::Error>)> {
        let mut database = open(folder)?;
        let (sender, mut waiting) = mpsc::channel(BATCH);
        let (failed, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let mut rows = Vec::with_capacity(BATCH);
            // All that waits, and never for more.
            while waiting.blocking_recv_many(&mut rows, BATCH) > 0 {
                if let Err(error) = write(&mut database, &rows) {
                    let _ = failed.send(error);
                    return;
                }
                rows.drain(..).for_each(answer);
            }
        });
        Ok((Self(sender), ended))
    }

    /// `None`: it can't be written any more.
    pub(super) async fn accept(&self, id: i64, at: u64, data: Bytes) -> Option<()> {
        let (durable, written) = oneshot::channel();
        self.0.send(Row::Event { id, at, data, durable }).await.ok()?;
        written.await.ok()
    }

    /// Nobody waits for it to be written.
    pub(super) async fn note(&self, row: Row) {
        let _ = self.0.send(row).await;
    }
}

fn answer(row: Row) {
    if let Row::Event { durable, .. } = row {
        // Who went away needs no answer.
        let _ = durable.send(());
    }
}

pub(super) fn open(folder: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(folder.join("floor.db"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "wal_autocheckpoint", 4000)?;
    database.execute_batch(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
         CREATE TABLE deliveries (event INTEGER NOT NULL, receiver INTEGER NOT NULL, status INTEGER NOT NULL,
             at INTEGER NOT NULL, micros INTEGER NOT NULL, PRIMARY KEY (event, receiver)) STRICT, WITHOUT ROWID;",
    )?;
    Ok(database)
}

/// Durable when it returns.
pub(super) fn write(database: &mut Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut event = transaction.prepare_cached("INSERT INTO events (id, at, data) VALUES (?, ?, ?)")?;
        let mut delivery = transaction.prepare_cached("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?)")?;
        for row in rows {
            match row {
                Row::Event { id, at, data, .. } => event.execute(params![id, int(*at), &**data])?,
                Row::Delivery { event, receiver, status, at, micros } => {
                    let receiver = i64::try_from(*receiver).unwrap_or(i64::MAX);
                    delivery.execute(params![event, receiver, status, int(*at), int(*micros)])?
                }
            };
        }
    }
    transaction.commit()
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
