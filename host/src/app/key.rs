//! The server's key: 32 bytes in base64, given or in a file that only its owner may read. Made at the first start where that is
//! allowed; a file that is there is never overwritten.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock::Rng;
use crate::config::{KeySource, StorageConfig};
use crate::vault::Vault;

const LENGTH: usize = 32;
/// Whoever else may read the key, or write it.
const OTHERS: u32 = 0o077;

/// What is derived from the key.
pub(super) struct Keys {
    pub(super) vault: Arc<Vault>,
    /// For the cache of compiled plugins.
    pub(super) cache: [u8; LENGTH],
}

/// Makes the data folder too: it is the first thing that a start needs.
pub(super) fn read(config: &StorageConfig, rng: &dyn Rng) -> anyhow::Result<Keys> {
    let mut builder = std::fs::DirBuilder::new();
    let folder = &config.data;
    builder.recursive(true).mode(0o700).create(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let key = match &config.key {
        KeySource::Given(text) => decode(text.expose()).context("WAXWING_KEY")?,
        KeySource::File { path, make } => match from_file(path)? {
            Some(key) => key,
            None if *make => make_file(path, rng)?,
            None => bail!("there is no key file {}", path.display()),
        },
    };
    let cache = derived(&key, b"waxwing compiled plugins 1");
    Ok(Keys { vault: Arc::new(Vault::new(*key)), cache })
}

fn from_file(path: &Path) -> anyhow::Result<Option<Zeroizing<[u8; LENGTH]>>> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let mode = file.metadata().with_context(|| format!("can't read {}", path.display()))?.permissions().mode();
    if mode & OTHERS != 0 {
        tracing::warn!(path = %path.display(), "others may read the key file: chmod 600 it");
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).with_context(|| format!("can't read {}", path.display()))?;
    decode(&text).with_context(|| path.display().to_string()).map(Some)
}

/// Refuses to overwrite: another process may have made one in this moment.
fn make_file(path: &Path, rng: &dyn Rng) -> anyhow::Result<Zeroizing<[u8; LENGTH]>> {
    let mut key = Zeroizing::new([0; LENGTH]);
    rng.fill(key.as_mut_slice());
    write_private(path, &format!("{}\n", STANDARD.encode(key.as_slice())))?;
    tracing::info!(path = %path.display(), "made the server's key: keep a copy apart from the database's");
    Ok(key)
}

/// A new file that only its owner may read, durable when this returns.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.with_context(|| format!("can't make {}", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("can't write {}", path.display()))
}

fn decode(text: &str) -> anyhow::Result<Zeroizing<[u8; LENGTH]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).context("the key is not base64")?);
    let key: [u8; LENGTH] = bytes.as_slice().try_into().ok().context("the key must be 32 bytes in base64")?;
    Ok(Zeroizing::new(key))
}

fn derived(key: &[u8; LENGTH], purpose: &[u8]) -> [u8; LENGTH] {
    // HMAC pads a key that is shorter than its block with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(padded, byte)| *padded = *byte);
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRng;

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_read_ever_after() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let key = KeySource::File { path: data.join("key"), make: true };
        let config = StorageConfig {
            data: data.clone(),
            database: crate::config::Database::Sqlite(data.join("db")),
            wait: None,
            key,
        };
        let first = read(&config, &SystemRng).unwrap();
        assert_eq!(std::fs::metadata(data.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
        let second = read(&config, &SystemRng).unwrap();
        assert_eq!((first.vault.id(), first.cache), (second.vault.id(), second.cache));
    }

    #[test]
    fn a_key_file_that_was_named_and_is_missing_or_damaged_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let config = |make| StorageConfig {
            data: folder.path().to_owned(),
            database: crate::config::Database::Sqlite(folder.path().join("db")),
            wait: None,
            key: KeySource::File { path: path.clone(), make },
        };
        assert!(read(&config(false), &SystemRng).is_err());
        std::fs::write(&path, "c2hvcnQ=").unwrap();
        assert!(read(&config(true), &SystemRng).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2hvcnQ=");
    }
}
