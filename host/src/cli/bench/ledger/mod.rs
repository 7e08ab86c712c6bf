//! What the floor writes down: the rows that a log needs and no others, in one transaction for all that wait.
//!
//! What has an event's row and not yet its deliveries' is pending: as much as a restart would need to know. [`sqlite`] and [`postgres`]
//! are where they are written, each as well as it can.

pub(super) mod postgres;
pub(super) mod sqlite;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// The most rows of one transaction, as in the server.
const BATCH: usize = 1024;

pub(super) enum Row {
    /// Accepted: whoever posted it waits.
    Event { id: i64, at: u64, data: Bytes, durable: oneshot::Sender<()> },
    /// It was sent to one of its receivers.
    Delivery { event: i64, receiver: usize, status: u16, at: u64, micros: u64 },
}

/// The callers' end of what writes: one for both kinds of rows, or one for each.
#[derive(Clone)]
pub(super) struct Ledger {
    events: mpsc::Sender<Row>,
    deliveries: mpsc::Sender<Row>,
}

impl Ledger {
    /// `None`: it can't be written any more.
    pub(super) async fn accept(&self, id: i64, at: u64, data: Bytes) -> Option<()> {
        let (durable, written) = oneshot::channel();
        self.events.send(Row::Event { id, at, data, durable }).await.ok()?;
        written.await.ok()
    }

    /// Nobody waits for it to be written.
    pub(super) async fn note(&self, row: Row) {
        let _ = self.deliveries.send(row).await;
    }
}

fn answer(row: Row) {
    if let Row::Event { durable, .. } = row {
        // Who went away needs no answer.
        let _ = durable.send(());
    }
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(receiver: usize) -> i64 {
    i64::try_from(receiver).unwrap_or(i64::MAX)
}
