//! The lock file beside the database: one process at a time, and the second is told who the first is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::model::time::Timestamp;
use crate::store::{Result, StoreError};

/// Who holds it stands in it, in one line of at most this many bytes.
const LINE_MAX: u64 = 200;

/// Held until it is dropped or the process ends, however it ends.
pub(super) struct LockFile(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl LockFile {
    pub(super) fn take(database: &Path, now: Timestamp) -> Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { holder: holder(&mut file) }),
            Err(TryLockError::Error(error)) => return Err(unavailable(error)),
        }
        write_holder(&mut file, now).map_err(unavailable)?;
        Ok(Self(file))
    }
}

fn write_holder(file: &mut File, now: Timestamp) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}, since {now}", std::process::id())?;
    file.sync_data()
}

fn holder(file: &mut File) -> String {
    let mut line = String::new();
    match file.take(LINE_MAX).read_to_string(&mut line) {
        Ok(length) if length > 0 => line.trim().to_owned(),
        _ => "another process".to_owned(),
    }
}

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}
