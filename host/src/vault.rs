//! The server's key and what it does: seal secrets at rest, and make the placeholders that plugins see in their stead.
//!
//! Pure: it never reads the key file and never draws randomness itself. Two keys are derived, one for each use, so that a
//! placeholder tells nothing about the sealing.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::clock::Rng;
use crate::model::placeholder::{PREFIX, PlaceholderScope};
use crate::model::plugin::Digest;

const NONCE: usize = 24;

/// It was sealed with another key, for another place, or it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value doesn't open with this key")]
pub struct DoesNotOpen;

pub struct Vault {
    sealing: Zeroizing<[u8; 32]>,
    placeholders: Zeroizing<[u8; 32]>,
    id: String,
}

impl Vault {
    pub fn new(mut key: [u8; 32]) -> Self {
        let sealing = Zeroizing::new(derive(&key, &[b"waxwing sealing 1"]));
        let placeholders = Zeroizing::new(derive(&key, &[b"waxwing placeholders 1"]));
        let id = derive(&key, &[b"waxwing key id 1"]);
        key.zeroize();
        Self { sealing, placeholders, id: hex::encode(id.get(..8).unwrap_or_default()) }
    }

    /// 16 hex digits that name the key and tell nothing about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `place` says where the value stands (table, row, field): sealed text moved elsewhere doesn't open.
    pub fn seal(&self, place: &str, plain: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let cipher = XChaCha20Poly1305::new(&(*self.sealing).into());
        // Fails only for more than 256 GiB of plain text.
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE>().ok_or(DoesNotOpen)?;
        let cipher = XChaCha20Poly1305::new(&(*self.sealing).into());
        let payload = Payload { msg: text, aad: place.as_bytes() };
        cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| DoesNotOpen)
    }

    /// The stand-in for a secret setting: the same for every run over one event, worth nothing for another event or webhook.
    pub fn placeholder(&self, scope: PlaceholderScope, digest: Digest, pointer: &str) -> String {
        let event = scope.event.number().to_be_bytes();
        let webhook = scope.webhook.number().to_be_bytes();
        let tag = derive(&self.placeholders, &[&event, &webhook, &digest.0, pointer.as_bytes()]);
        format!("{PREFIX}{}", hex::encode(tag.get(..16).unwrap_or_default()))
    }
}

/// HMAC-SHA256 over parts of which all but the last have a fixed length.
fn derive(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC's own rule: a key shorter than a block is padded with zeros (RFC 2104).
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(padded, byte)| *padded = *byte);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRng;

    #[test]
    fn what_was_sealed_opens_in_its_place_with_its_key_and_nowhere_else() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal("webhooks.1.url", b"https://example.com", &SystemRng);
        assert_eq!(vault.open("webhooks.1.url", &sealed).unwrap().as_slice(), b"https://example.com");
        assert!(vault.open("webhooks.2.url", &sealed).is_err());
        assert!(Vault::new([8; 32]).open("webhooks.1.url", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(vault.open("webhooks.1.url", &flipped).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_placeholder_belongs_to_one_event_webhook_plugin_and_property() {
        let vault = Vault::new([7; 32]);
        let scope = |event: u64, webhook: u64| PlaceholderScope { event: event.into(), webhook: webhook.into() };
        let first = vault.placeholder(scope(1, 2), Digest([3; 32]), "/token");
        assert_eq!(first.len(), crate::model::placeholder::LENGTH);
        assert_eq!(first, vault.placeholder(scope(1, 2), Digest([3; 32]), "/token"));
        let others = [
            vault.placeholder(scope(9, 2), Digest([3; 32]), "/token"),
            vault.placeholder(scope(1, 9), Digest([3; 32]), "/token"),
            vault.placeholder(scope(1, 2), Digest([9; 32]), "/token"),
            vault.placeholder(scope(1, 2), Digest([3; 32]), "/other"),
            Vault::new([8; 32]).placeholder(scope(1, 2), Digest([3; 32]), "/token"),
        ];
        assert!(others.iter().all(|other| *other != first));
    }
}
