//! A group with those who wait for it: written as a whole, and where one member spoils it, one by one.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{BYTES_MAX, Commit, Group, NotWritten, ROWS_MAX, Waiting, unavailable};
use crate::model::causes::WithCauses;
use crate::store::packed::PackedCompletion;
use crate::store::{Appended, NewBatch, Result, StoreError};

/// A group with those who wait for it.
#[derive(Default)]
pub(super) struct Taken {
    group: Group,
    appenders: Vec<oneshot::Sender<Result<Appended>>>,
    /// Each with the number of its completions.
    completers: Vec<(usize, oneshot::Sender<Result<Vec<bool>>>)>,
    rows: usize,
    bytes: usize,
}

impl Taken {
    pub(super) fn batch(&mut self, waiting: Waiting<NewBatch, Appended>) {
        let events = &waiting.work.events;
        self.rows += events.iter().map(|new| 1 + new.deliveries.len()).sum::<usize>();
        self.bytes += events.iter().map(|new| new.event.data.bytes.len()).sum::<usize>();
        self.group.batches.push(waiting.work);
        self.appenders.push(waiting.answer);
    }

    pub(super) fn completions(&mut self, waiting: Waiting<Vec<PackedCompletion>, Vec<bool>>) {
        let count = waiting.work.len();
        self.rows += count;
        self.bytes += waiting.work.iter().map(PackedCompletion::weight).sum::<usize>();
        self.group.completions.extend(waiting.work);
        self.completers.push((count, waiting.answer));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.group.batches.is_empty() && self.group.completions.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) async fn write(self, database: &mut impl Commit) {
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
