//! How much memory the server has resident when a quarter, a half and three quarters of the events are on their way, and at the end.

use parking_lot::Mutex;

use super::process::resident;
use crate::cli::Failure;

pub(super) struct Quarters {
    processes: Vec<u32>,
    marks: [usize; 3],
    bytes: Mutex<Vec<u64>>,
}

impl Quarters {
    /// Of these processes together.
    pub(super) fn of(processes: Vec<u32>, events: usize) -> Self {
        let marks = [1, 2, 3].map(|quarter| events / 4 * quarter + events % 4 * quarter / 4);
        Self { processes, marks, bytes: Mutex::default() }
    }

    /// The event with this number is about to be sent; each comes here once.
    pub(super) fn reached(&self, number: usize) {
        let marks = self.marks.iter().filter(|mark| **mark == number).count();
        if marks > 0
            && let Ok(bytes) = self.now()
        {
            self.bytes.lock().extend(std::iter::repeat_n(bytes, marks));
        }
    }

    /// The four, in order; the last one is of now.
    pub(super) fn end(&self) -> Result<[u64; 4], Failure> {
        let now = self.now()?;
        let mut bytes = self.bytes.lock().iter().copied().collect::<Vec<_>>().into_iter();
        Ok(std::array::from_fn(|index| if index < 3 { bytes.next().unwrap_or(now) } else { now }))
    }

    fn now(&self) -> Result<u64, Failure> {
        self.processes.iter().map(|id| resident(*id)).sum()
    }
}
