//! Folders of a run: each gone when nobody needs it any more, unless something failed in it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FsWord, statfs};

use crate::cli::Failure;

/// `f_type` of a file system that is nothing but memory (statfs(2)).
const TMPFS: FsWord = 0x0102_1994;

pub(super) struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// A new one below `parent`, open to nobody else.
    pub(super) fn new(parent: &Path, name: &str) -> Result<Self, Failure> {
        let path = parent.join(format!("waxwing-bench-{}-{name}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Failure::file(&path, &error))?;
        Ok(Self { path, kept: false })
    }

    /// Another one with all that is in this one, on disk when this returns: no writing of it falls into what is measured.
    pub(super) fn copy(&self, parent: &Path, name: &str) -> Result<Self, Failure> {
        let copy = Self::new(parent, name)?;
        copy_all(&self.path, &copy.path).map_err(|error| Failure::file(&copy.path, &error))?;
        Ok(copy)
    }

    /// A folder of this name in it, with all that is in another one.
    pub(super) fn holds(&self, name: &str, from: &Self) -> Result<(), Failure> {
        let path = self.path.join(name);
        let copied = std::fs::DirBuilder::new().mode(0o700).create(&path).and_then(|()| copy_all(&from.path, &path));
        copied.map_err(|error| Failure::file(&path, &error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> String {
        self.path.display().to_string()
    }

    /// It stays, for whoever wants to know what went wrong.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::DirBuilder::new().mode(0o700).create(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            std::fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

/// Whether what is written there never reaches a disk.
pub(super) fn is_memory(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.f_type == TMPFS)
}
