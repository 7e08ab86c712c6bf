//! Compiled components on disk: ours alone, and believed only with our seal.
//!
//! Machine code from a file is run as it is, so a file counts only if its HMAC fits the very bytes that were read, by digest of
//! the component and by engine. What doesn't fit is as good as absent: it is compiled again. Never reads what a link points to.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::WasmError;
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
}

impl DiskCache {
    /// Makes the folder if there is none, open to nobody else, and clears out what other engines left.
    pub(super) fn open(folder: &Path, key: [u8; 32], engine: u64, most: usize) -> Result<Self, WasmError> {
        let failed = |source| WasmError::Cache { folder: folder.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let found = std::fs::symlink_metadata(folder).map_err(failed)?;
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
            let message = "it is not a folder of the server's own user";
            return Err(failed(std::io::Error::new(std::io::ErrorKind::PermissionDenied, message)));
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let cache = Self { folder: folder.to_owned(), key: Zeroizing::new(key), engine, most };
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
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        let length = bytes.len().checked_sub(SEAL).filter(|length| *length <= self.most)?;
        let (code, seal) = bytes.split_at(length);
        if self.sealing(digest, code)?.verify_slice(seal).is_err() {
            tracing::warn!(path = %path.display(), "a compiled plugin without our seal; it is compiled again");
            return None;
        }
        bytes.truncate(length);
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
        std::fs::rename(&beside, self.path(digest))
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

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: Digest = Digest([7; 32]);

    fn cache(folder: &Path, key: u8, engine: u64) -> DiskCache {
        DiskCache::open(folder, [key; 32], engine, 1000).unwrap()
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
