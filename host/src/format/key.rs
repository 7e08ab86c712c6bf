//! Secrets as keys, and what is computed with them. Text is read here, so that the formats deal in keys only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::BadSecret;
use crate::model::request::Body;

/// Begins a shared secret (Standard Webhooks).
pub(super) const SHARED_PREFIX: &str = "whsec_";
/// Begins a private Ed25519 key (Standard Webhooks).
pub(super) const PRIVATE_PREFIX: &str = "whsk_";

/// The key of a `whsec_` secret: 24 to 64 bytes, as the Standard Webhooks specification has it.
pub(super) fn shared(secret: &str) -> Result<Zeroizing<Vec<u8>>, BadSecret> {
    let text = secret.strip_prefix(SHARED_PREFIX).ok_or(BadSecret::Prefix(SHARED_PREFIX))?;
    let key = decode(text)?;
    if (24..=64).contains(&key.len()) { Ok(key) } else { Err(BadSecret::KeyLength("24 to 64")) }
}

/// The key of a `whsk_` secret: the 32 bytes of the private key, or those and the 32 of its public key.
pub(super) fn private(secret: &str) -> Result<SigningKey, BadSecret> {
    let text = secret.strip_prefix(PRIVATE_PREFIX).ok_or(BadSecret::Prefix(PRIVATE_PREFIX))?;
    let key = decode(text)?;
    if let Ok(seed) = key.as_slice().try_into() {
        return Ok(SigningKey::from_bytes(seed));
    }
    let pair = key.as_slice().try_into().map_err(|_| BadSecret::KeyLength("32 or 64"))?;
    SigningKey::from_keypair_bytes(pair).map_err(|_| BadSecret::KeyPair)
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, BadSecret> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| BadSecret::Base64)
}

/// HMAC-SHA256 over the parts in order, as if they were one.
pub(super) fn hmac<'a>(key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    // RFC 2104: a key is padded with zeros to a block of 64 bytes; a longer one is hashed first.
    let mut block = [0; 64];
    if key.len() > block.len() {
        let hashed: [u8; 32] = Sha256::digest(key).into();
        block.iter_mut().zip(hashed).for_each(|(padded, byte)| *padded = byte);
    } else {
        block.iter_mut().zip(key).for_each(|(padded, byte)| *padded = *byte);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    parts.into_iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 over `prefix` and the body.
pub(super) fn hmac_body(key: &[u8], prefix: &str, body: &Body) -> [u8; 32] {
    hmac(key, std::iter::once(prefix.as_bytes()).chain(body.parts().map(AsRef::as_ref)))
}

/// An Ed25519 signature. The message must be in one piece: the scheme reads it twice.
pub(super) fn ed25519(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

pub(super) fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Appends standard base64 with padding.
pub(super) fn push_base64(text: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, text);
}

/// Appends lower-case hexadecimal.
pub(super) fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].iter().filter_map(|half| DIGITS.get(usize::from(*half))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_answers_the_cases_of_rfc_4231() {
        let hex = |tag: [u8; 32]| {
            let mut text = String::new();
            push_hex(&mut text, &tag);
            text
        };
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        assert_eq!(hex(hmac(b"Jefe", parts)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long: [&[u8]; 1] = [b"Test Using Larger Than Block-Size Key - Hash Key First"];
        assert_eq!(hex(hmac(&[0xaa; 131], long)), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn keys_are_read_only_in_their_lengths_and_alphabets() {
        let encoded = |prefix: &str, length: usize| {
            let mut text = prefix.to_owned();
            push_base64(&mut text, &vec![7; length]);
            text
        };
        for length in [24, 32, 64] {
            assert_eq!(shared(&encoded("whsec_", length)).unwrap().len(), length);
        }
        for length in [0, 23, 65] {
            assert_eq!(shared(&encoded("whsec_", length)).unwrap_err(), BadSecret::KeyLength("24 to 64"));
        }
        assert_eq!(shared("whsec_ä").unwrap_err(), BadSecret::Base64);
        assert_eq!(shared(&encoded("", 32)).unwrap_err(), BadSecret::Prefix("whsec_"));
        assert!(private(&encoded("whsk_", 32)).is_ok());
        assert_eq!(private(&encoded("whsk_", 64)).unwrap_err(), BadSecret::KeyPair);
        assert_eq!(private(&encoded("whsk_", 33)).unwrap_err(), BadSecret::KeyLength("32 or 64"));
    }
}
