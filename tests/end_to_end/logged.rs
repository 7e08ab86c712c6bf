//! A server's log, read while it runs.

use std::path::PathBuf;
use std::time::Instant;

use crate::process::PATIENCE;

pub(crate) struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// The first line with this in it.
    #[track_caller]
    pub(crate) fn line_with(&self, what: &str) -> String {
        self.wait_for(what);
        self.text().lines().find(|line| line.contains(what)).unwrap().to_owned()
    }

    pub(crate) fn lines_with(&self, what: &str) -> usize {
        self.text().lines().filter(|line| line.contains(what)).count()
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str) {
        let begun = Instant::now();
        while self.lines_with(what) == 0 {
            assert!(begun.elapsed() < PATIENCE, "the log never says {what:?}");
            std::thread::yield_now();
        }
    }
}
