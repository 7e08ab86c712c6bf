//! The group commit: what waits to be written shares one transaction, and each caller is answered once it is durable.
//!
//! One writer takes whatever waits (up to [`ROWS_MAX`] rows or [`BYTES_MAX`] bytes), has the database commit it, and answers all.
//! It never lingers for an append. A completion that nobody waits for may wait [`intake::LINGER`] for company or for the next append.
//! Between two groups it does one errand, if one waits: what the same connection is best for besides, and what must be short.
//! It knows no SQL: a database gives it [`Commit`]. Callers wait, they are never refused, while the channels are full.

mod intake;
mod taken;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::intake::{Intake, Work};
use super::packed::PackedCompletion;
use super::{Appended, NewBatch, Result, StoreError};

/// The most events, deliveries and completions in one transaction; what was handed over together is never split.
pub const ROWS_MAX: usize = 1024;
/// About the most bytes of data in one transaction.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
const APPENDS_WAITING_MAX: usize = 512;
const COMPLETIONS_WAITING_MAX: usize = 512;
const ERRANDS_WAITING_MAX: usize = 16;

/// What is written together, in the order of arrival.
#[derive(Debug, Default)]
pub struct Group {
    pub batches: Vec<NewBatch>,
    pub completions: Vec<PackedCompletion>,
}

/// One answer for each member of a group, in order.
#[derive(Debug, Default)]
pub struct Answers {
    pub batches: Vec<Appended>,
    pub completions: Vec<bool>,
}

/// What a database does for the writer.
#[async_trait]
pub trait Commit: Send + 'static {
    /// Whether it stands still while the disk is at work: then it needs a thread of its own. Otherwise it waits like anybody else, and a
    /// thread that has to be woken for every answer costs more than the rest of the wait.
    const BLOCKS: bool;
    /// What it does besides; knows whom to answer.
    type Errand: Send + 'static;

    /// Writes the group in one transaction, durable when it returns. After an error nothing of it is written, and the next call
    /// begins afresh.
    async fn commit(&mut self, group: &Group) -> Result<Answers>;

    /// In a transaction of its own, which needn't be durable.
    async fn run(&mut self, errand: Self::Errand);
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error("the store was closed")]
    Closed,
    #[error("the transaction that this was part of failed")]
    Group(#[source] Arc<StoreError>),
}

struct Waiting<W, A> {
    work: W,
    answer: oneshot::Sender<Result<A>>,
}

/// The callers' end.
pub struct Writer<E> {
    appends: mpsc::Sender<Waiting<NewBatch, Appended>>,
    completions: mpsc::Sender<Waiting<Vec<PackedCompletion>, Vec<bool>>>,
    errands: mpsc::Sender<E>,
    closing: CancellationToken,
    /// Closed when the writer has let go of the database.
    ended: Mutex<oneshot::Receiver<()>>,
}

impl<E: Send + 'static> Writer<E> {
    /// Must be called inside a tokio runtime, whose clock it uses.
    pub fn start<D: Commit<Errand = E>>(database: D) -> Result<Self> {
        let (appends, appends_in) = mpsc::channel(APPENDS_WAITING_MAX);
        let (completions, completions_in) = mpsc::channel(COMPLETIONS_WAITING_MAX);
        let (errands, errands_in) = mpsc::channel(ERRANDS_WAITING_MAX);
        let closing = CancellationToken::new();
        let intake = Intake {
            appends: appends_in,
            completions: completions_in,
            errands: errands_in,
            wrote: false,
            closing: closing.clone(),
            open: true,
        };
        let (ends, ended) = oneshot::channel();
        let runtime = Handle::current();
        let work = async move {
            run(intake, database).await;
            let _ = ends.send(());
        };
        if D::BLOCKS {
            let thread = std::thread::Builder::new().name("waxwing-writer".into());
            let started = thread.spawn(move || runtime.block_on(work));
            started.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        } else {
            runtime.spawn(work);
        }
        Ok(Self { appends, completions, errands, closing, ended: Mutex::new(ended) })
    }

    pub async fn append(&self, batch: NewBatch) -> Result<Appended> {
        hand_over(&self.appends, batch).await
    }

    /// All of them or none.
    pub async fn complete(&self, completions: Vec<PackedCompletion>) -> Result<Vec<bool>> {
        hand_over(&self.completions, completions).await
    }

    /// Waits for one group at most; `errand` is given whom to answer.
    pub async fn run<A>(&self, errand: impl FnOnce(oneshot::Sender<Result<A>>) -> E) -> Result<A> {
        let (answer, answered) = oneshot::channel();
        self.errands.send(errand(answer)).await.map_err(|_| unavailable(NotWritten::Closed))?;
        answered.await.map_err(|_| unavailable(NotWritten::Closed))?
    }

    /// Writes what waits and stops; later calls fail.
    pub async fn close(&self) {
        self.closing.cancel();
        let mut ended = self.ended.lock().await;
        if !ended.is_terminated() && (&mut *ended).await.is_err() {
            tracing::error!("the writer ended badly");
        }
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

async fn hand_over<W, A>(channel: &mpsc::Sender<Waiting<W, A>>, work: W) -> Result<A> {
    let (answer, answered) = oneshot::channel();
    channel.send(Waiting { work, answer }).await.map_err(|_| unavailable(NotWritten::Closed))?;
    answered.await.map_err(|_| unavailable(NotWritten::Closed))?
}

fn unavailable(error: NotWritten) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

async fn run<D: Commit>(mut intake: Intake<D::Errand>, mut database: D) {
    while let Some(work) = intake.next().await {
        match work {
            Work::Group(taken) => taken.write(&mut database).await,
            Work::Errand(errand) => database.run(errand).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;
    use crate::model::time::Timestamp;

    /// Notes what it is given; an errand lasts until it is let go.
    struct Noting(Arc<Mutex<Vec<String>>>);

    struct Errand {
        number: usize,
        begun: oneshot::Sender<()>,
        let_go: oneshot::Receiver<()>,
    }

    #[async_trait]
    impl Commit for Noting {
        const BLOCKS: bool = true;
        type Errand = Errand;

        async fn commit(&mut self, group: &Group) -> Result<Answers> {
            self.0.lock().push(format!("{} appends", group.batches.len()));
            Ok(Answers { batches: group.batches.iter().map(|_| Appended::Stored).collect(), completions: Vec::new() })
        }

        async fn run(&mut self, errand: Errand) {
            let _ = errand.begun.send(());
            let _ = errand.let_go.await;
            self.0.lock().push(format!("errand {}", errand.number));
        }
    }

    fn batch() -> NewBatch {
        NewBatch { events: Vec::new(), idempotency: None, now: Timestamp::default() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_append_waits_for_one_errand_at_most_and_an_errand_for_one_group() {
        let noted = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::new(Writer::start(Noting(Arc::clone(&noted))).unwrap());
        let mut errands = Vec::new();
        for number in 0..3 {
            let ((begun, begins), (lets_go, let_go)) = (oneshot::channel(), oneshot::channel());
            writer.errands.send(Errand { number, begun, let_go }).await.unwrap();
            errands.push((begins, lets_go));
        }
        for (begins, lets_go) in errands {
            begins.await.unwrap();
            // They come while it is under way; the others wait already.
            let appends: Vec<_> = (0..2)
                .map(|_| {
                    let writer = Arc::clone(&writer);
                    tokio::spawn(async move { writer.append(batch()).await })
                })
                .collect();
            while writer.appends.capacity() > APPENDS_WAITING_MAX - 2 {
                tokio::task::yield_now().await;
            }
            lets_go.send(()).unwrap();
            for append in appends {
                let answer = tokio::time::timeout(Duration::from_secs(30), append).await;
                assert_eq!(answer.expect("another errand came first").unwrap().unwrap(), Appended::Stored);
            }
        }
        writer.close().await;
        let each = |number| [format!("errand {number}"), "2 appends".to_owned()];
        assert_eq!(*noted.lock(), [each(0), each(1), each(2)].concat());
    }
}
