//! The group commit: what waits to be written shares one transaction, and each caller is answered once it is durable.
//!
//! One thread takes whatever waits (up to [`ROWS_MAX`] rows or [`BYTES_MAX`] bytes), has the database commit it, and answers all.
//! It never lingers for an append. A completion, for which nobody waits, may wait [`LINGER`] for company or for the next append.
//! Between two groups it does one errand, if one waits: what the same connection is best for besides, and what must be short.
//! It knows no SQL: a database gives it [`Commit`]. Callers wait, they are never refused, while the channels are full.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::packed::PackedCompletion;
use super::{Appended, NewBatch, Result, StoreError};
use crate::model::causes::WithCauses;

/// The most events, deliveries and completions in one transaction; what was handed over together is never split.
pub const ROWS_MAX: usize = 1024;
/// About the most bytes of data in one transaction.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
const LINGER: Duration = Duration::from_millis(2);
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
    /// Closed when the thread has let go of the database.
    ended: Mutex<oneshot::Receiver<()>>,
}

impl<E: Send + 'static> Writer<E> {
    /// Starts the thread; must be called inside a tokio runtime, whose clock it uses. Its commits may block.
    pub fn start(database: impl Commit<Errand = E>) -> Result<Self> {
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
        let work = move || {
            runtime.block_on(run(intake, database));
            let _ = ends.send(());
        };
        let started = std::thread::Builder::new().name("waxwing-writer".into()).spawn(work);
        started.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
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

/// What comes next.
enum Work<E> {
    Group(Taken),
    Errand(E),
}

/// The thread's end of the channels.
struct Intake<E> {
    appends: mpsc::Receiver<Waiting<NewBatch, Appended>>,
    completions: mpsc::Receiver<Waiting<Vec<PackedCompletion>, Vec<bool>>>,
    errands: mpsc::Receiver<E>,
    /// The last thing was a group: it is an errand's turn, so that neither kind holds up the other.
    wrote: bool,
    closing: CancellationToken,
    open: bool,
}

impl<E> Intake<E> {
    /// Waits for work and takes all that is there; `None` once closed and empty.
    async fn next(&mut self) -> Option<Work<E>> {
        if std::mem::take(&mut self.wrote)
            && let Ok(errand) = self.errands.try_recv()
        {
            return Some(Work::Errand(errand));
        }
        let mut taken = Taken::default();
        while taken.is_empty() {
            tokio::select! {
                biased;
                Some(batch) = self.appends.recv() => taken.batch(batch),
                Some(completions) = self.completions.recv() => {
                    taken.completions(completions);
                    self.linger(&mut taken).await;
                }
                Some(errand) = self.errands.recv() => return Some(Work::Errand(errand)),
                () = self.closing.cancelled(), if self.open => self.close(),
                else => return None,
            }
        }
        self.drain(&mut taken);
        self.wrote = true;
        Some(Work::Group(taken))
    }

    async fn linger(&mut self, taken: &mut Taken) {
        if !self.open || taken.is_full() {
            return;
        }
        tokio::select! {
            biased;
            Some(batch) = self.appends.recv() => taken.batch(batch),
            () = self.closing.cancelled() => self.close(),
            () = tokio::time::sleep(LINGER) => {}
        }
    }

    fn close(&mut self) {
        self.open = false;
        self.appends.close();
        self.completions.close();
        self.errands.close();
    }

    /// Alternates, so that neither kind holds up the other.
    fn drain(&mut self, taken: &mut Taken) {
        while !taken.is_full() {
            let append = self.appends.try_recv().map(|batch| taken.batch(batch));
            let completion = self.completions.try_recv().map(|completions| taken.completions(completions));
            if append.is_err() && completion.is_err() {
                return;
            }
        }
    }
}

/// A group with those who wait for it.
#[derive(Default)]
struct Taken {
    group: Group,
    appenders: Vec<oneshot::Sender<Result<Appended>>>,
    /// Each with the number of its completions.
    completers: Vec<(usize, oneshot::Sender<Result<Vec<bool>>>)>,
    rows: usize,
    bytes: usize,
}

impl Taken {
    fn batch(&mut self, waiting: Waiting<NewBatch, Appended>) {
        let events = &waiting.work.events;
        self.rows += events.iter().map(|new| 1 + new.deliveries.len()).sum::<usize>();
        self.bytes += events.iter().map(|new| new.event.data.bytes.len()).sum::<usize>();
        self.group.batches.push(waiting.work);
        self.appenders.push(waiting.answer);
    }

    fn completions(&mut self, waiting: Waiting<Vec<PackedCompletion>, Vec<bool>>) {
        let count = waiting.work.len();
        self.rows += count;
        self.bytes += waiting.work.iter().map(PackedCompletion::weight).sum::<usize>();
        self.group.completions.extend(waiting.work);
        self.completers.push((count, waiting.answer));
    }

    fn is_empty(&self) -> bool {
        self.group.batches.is_empty() && self.group.completions.is_empty()
    }

    fn is_full(&self) -> bool {
        self.rows >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    async fn write(self, database: &mut impl Commit) {
        match database.commit(&self.group).await {
            Ok(answers) => {
                answer(self.appenders, answers.batches.into_iter().map(Ok));
                let mut applied = answers.completions.into_iter();
                for (count, completer) in self.completers {
                    answer(vec![completer], std::iter::once(Ok(applied.by_ref().take(count).collect())));
                }
            }
            Err(error @ StoreError::Unavailable(_)) => self.fail(error),
            // One member can't be written: it must not take the others with it.
            Err(error) => {
                tracing::warn!(error = %WithCauses(&error), "a group commit failed; its members are written one by one");
                self.write_one_by_one(database).await;
            }
        }
    }

    fn fail(self, error: StoreError) {
        let error = Arc::new(error);
        let failed = || unavailable(NotWritten::Group(Arc::clone(&error)));
        answer(self.appenders, std::iter::repeat_with(|| Err(failed())));
        let completers = self.completers.into_iter().map(|(_, completer)| completer).collect();
        answer(completers, std::iter::repeat_with(|| Err(failed())));
    }

    async fn write_one_by_one(self, database: &mut impl Commit) {
        for (batch, appender) in self.group.batches.into_iter().zip(self.appenders) {
            let group = Group { batches: vec![batch], completions: Vec::new() };
            let result = database.commit(&group).await.map(|answers| answers.batches);
            answer(vec![appender], only(result));
        }
        let mut completions = self.group.completions.into_iter();
        for (count, completer) in self.completers {
            let group = Group { batches: Vec::new(), completions: completions.by_ref().take(count).collect() };
            let result = database.commit(&group).await.map(|answers| answers.completions);
            answer(vec![completer], std::iter::once(result));
        }
    }
}

fn only<A>(result: Result<Vec<A>>) -> impl Iterator<Item = Result<A>> {
    let (answers, error) = match result {
        Ok(answers) => (answers, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    answers.into_iter().map(Ok).chain(error.map(Err))
}

/// A caller that went away meanwhile doesn't hear it.
fn answer<A>(waiting: Vec<oneshot::Sender<Result<A>>>, answers: impl Iterator<Item = Result<A>>) {
    waiting.into_iter().zip(answers).for_each(|(caller, result)| drop(caller.send(result)));
}
