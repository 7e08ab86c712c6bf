//! Compiled components on disk: ours alone, and believed only with our seal.
//!
//! Machine code from a file is run as it is, so a file counts only if its HMAC fits the very bytes that were read, by digest of
//! the component and by engine. What doesn't fit is as good as absent: it is compiled again. Never reads what a link points to.
//! The folder has a size: what was not used for the longest time makes room.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::WasmError;
use super::limits::CompileLimits;
use crate::model::plugin::Digest;

const SEAL: usize = 32;
const ENDING: &str = "cwasm";
/// As in `fcntl.h` of Linux, by way of rustix.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// The folder, the key of its seals, and the engine that its files are for.
pub(super) struct DiskCache {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    engine: u64,
    /// The most that a file may hold.
    most: usize,
    /// The most that all files together may hold.
    total: u64,
}

impl DiskCache {
    /// Makes the folder if there is none, open to nobody else, and clears out what other engines left.
    pub(super) fn open(folder: &Path, key: [u8; 32], engine: u64, limits: &CompileLimits) -> Result<Self, WasmError> {
        let failed = |source| WasmError::Cache { folder: folder.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let found = std::fs::symlink_metadata(folder).map_err(failed)?;
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
            let message = "it is not a folder of the server's own user";
            return Err(failed(std::io::Error::new(std::io::ErrorKind::PermissionDenied, message)));
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let (most, total) = (limits.output, limits.cache);
        let cache = Self { folder: folder.to_owned(), key: Zeroizing::new(key), engine, most, total };
        cache.clear_foreign().map_err(failed)?;
        Ok(cache)
    }

    /// The machine code of a component; `None` if there is none that bears our seal.
    pub(super) fn load(&self, digest: Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let file = std::fs::OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(&path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let most = u64::try_from(self.most.saturating_add(SEAL)).ok()?;
        let mut bytes = Vec::new();
        (&file).take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        let length = bytes.len().checked_sub(SEAL).filter(|length| *length <= self.most)?;
        let (code, seal) = bytes.split_at(length);
        if self.sealing(digest, code)?.verify_slice(seal).is_err() {
            tracing::warn!(path = %path.display(), "a compiled plugin without our seal; it is compiled again");
            return None;
        }
        bytes.truncate(length);
        // Without it, the file merely goes earlier.
        let _ = touch(&file);
        Some(bytes)
    }

    /// Writes beside and renames, so that nobody reads half a file. A cache that can't be written is only slower.
    pub(super) fn store(&self, digest: Digest, code: &[u8]) {
        if let Err(error) = self.try_store(digest, code) {
            tracing::warn!(folder = %self.folder.display(), %error, "a compiled plugin could not be kept");
        }
    }

    fn try_store(&self, digest: Digest, code: &[u8]) -> std::io::Result<()> {
        let seal = self.sealing(digest, code).ok_or(std::io::ErrorKind::InvalidInput)?.finalize().into_bytes();
        let beside = self.path(digest).with_extension("new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(code)?;
        file.write_all(&seal)?;
        std::fs::rename(&beside, self.path(digest))?;
        self.make_room()
    }

    /// Removes what was not used for the longest time until the rest is within the folder's size. The newest file stays: it is
    /// the one that somebody waits for.
    fn make_room(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if entry.path().extension().is_some_and(|ending| ending == ENDING) {
                files.push((found.modified()?, found.len(), entry.path()));
            }
        }
        files.sort_unstable_by(|one, other| other.cmp(one));
        let mut kept: u64 = 0;
        for (index, (_, size, path)) in files.iter().enumerate() {
            kept = kept.saturating_add(*size);
            if kept > self.total && index > 0 {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn sealing(&self, digest: Digest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).ok()?;
        mac.update(b"waxwing compiled 1");
        mac.update(&digest.0);
        mac.update(&self.engine.to_be_bytes());
        mac.update(code);
        Some(mac)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{}-{:016x}.{ENDING}", hex::encode(digest.0), self.engine))
    }

    fn clear_foreign(&self) -> std::io::Result<()> {
        let ours = format!("-{:016x}.{ENDING}", self.engine);
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if (name.ends_with(".cwasm") && !name.ends_with(&ours)) || name.ends_with(".new") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Used now.
fn touch(file: &std::fs::File) -> std::io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: Digest = Digest([7; 32]);

    fn cache(folder: &Path, key: u8, engine: u64) -> DiskCache {
        let limits = CompileLimits { output: 1000, ..CompileLimits::default() };
        DiskCache::open(folder, [key; 32], engine, &limits).unwrap()
    }

    /// As if it had last been used so many seconds after 1970.
    fn last_used(cache: &DiskCache, digest: Digest, seconds: u64) {
        let file = std::fs::File::options().write(true).open(cache.path(digest)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let limits = CompileLimits { cache: 2 * (100 + 32), ..CompileLimits::default() };
        let cache = DiskCache::open(folder.path(), [1; 32], 5, &limits).unwrap();
        let [one, two, three] = [1, 2, 3].map(|byte| Digest([byte; 32]));
        cache.store(one, &[1; 100]);
        cache.store(two, &[2; 100]);
        last_used(&cache, one, 10);
        last_used(&cache, two, 20);
        assert!(cache.load(one).is_some(), "now it is the one used last");
        cache.store(three, &[3; 100]);
        assert_eq!([one, two, three].map(|digest| cache.load(digest).is_some()), [true, false, true]);
        cache.store(two, &[2; 1000]);
        assert_eq!(
            [one, two, three].map(|digest| cache.load(digest).is_some()),
            [false, true, false],
            "alone too large"
        );
    }

    #[test]
    fn what_was_stored_is_loaded_by_the_same_key_and_engine_only() {
        let folder = tempfile::tempdir().unwrap();
        cache(folder.path(), 1, 5).store(DIGEST, b"code");
        assert_eq!(cache(folder.path(), 1, 5).load(DIGEST), Some(b"code".to_vec()));
        assert_eq!(cache(folder.path(), 1, 5).load(Digest([8; 32])), None);
        assert_eq!(cache(folder.path(), 2, 5).load(DIGEST), None);
        assert_eq!(cache(folder.path(), 1, 6).load(DIGEST), None);
        assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn one_flipped_bit_anywhere_or_another_plugins_file_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 1, 5);
        cache.store(DIGEST, b"code");
        let path = cache.path(DIGEST);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert_eq!(cache.load(DIGEST), None, "byte {at}");
        }
        std::fs::write(&path, good).unwrap();
        std::fs::copy(&path, cache.path(Digest([8; 32]))).unwrap();
        assert_eq!(cache.load(Digest([8; 32])), None);
    }

    #[test]
    fn a_link_is_not_followed_and_a_file_too_large_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 1, 5);
        cache.store(DIGEST, b"code");
        let (path, elsewhere) = (cache.path(DIGEST), folder.path().join("elsewhere"));
        std::fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert_eq!(cache.load(DIGEST), None);
        cache.store(DIGEST, &[0; 1001]);
        assert_eq!(cache.load(DIGEST), None);
    }
}
