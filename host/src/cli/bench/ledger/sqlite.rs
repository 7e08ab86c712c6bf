//! On SQLite: one thread, one connection, `synchronous=FULL`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::{BATCH, Ledger, Row, answer, int, place};

/// `ended` is answered when the thread can't go on.
pub(in crate::cli::bench) fn start(folder: &Path) -> rusqlite::Result<(Ledger, oneshot::Receiver<rusqlite::Error>)> {
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
    Ok((Ledger { events: sender.clone(), deliveries: sender }, ended))
}

pub(in crate::cli::bench) fn open(folder: &Path) -> rusqlite::Result<Connection> {
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
pub(in crate::cli::bench) fn write(database: &mut Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut event = transaction.prepare_cached("INSERT INTO events (id, at, data) VALUES (?, ?, ?)")?;
        let mut delivery = transaction.prepare_cached("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?)")?;
        for row in rows {
            match row {
                Row::Event { id, at, data, .. } => event.execute(params![id, int(*at), &**data])?,
                Row::Delivery { event, receiver, status, at, micros } => {
                    delivery.execute(params![event, place(*receiver), status, int(*at), int(*micros)])?
                }
            };
        }
    }
    transaction.commit()
}
