//! Signing secrets by format: which text fits, how a new one is made, and the public half of an asymmetric one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::key;
use super::{BadSecret, keygen, license_validator, standard};
use crate::clock::Rng;
use crate::model::secret::Secret;
use crate::model::webhook::FormatName;

/// Bytes that a secret of a format that takes any text may have.
const ANY_MAX: usize = 256;

/// Fails if `secret` can't sign in this format; the message says what it must be.
pub fn check_secret(format: FormatName, secret: &str) -> Result<(), BadSecret> {
    if !(1..=ANY_MAX).contains(&secret.len()) {
        return Err(BadSecret::Length { max: ANY_MAX });
    }
    match format {
        FormatName::Standard | FormatName::Svix => standard::check_secret(secret),
        FormatName::LicenseValidator => license_validator::check_secret(secret),
        FormatName::Keygen => keygen::check_secret(secret),
        FormatName::Cryptlex | FormatName::Github | FormatName::Stripe => Ok(()),
    }
}

/// A new secret of 256 random bits. The symmetric one has one shape, `whsec_` and base64, which fits every format but
/// `keygen`: a webhook that changes its format can keep it.
pub fn generate_secret(format: FormatName, rng: &dyn Rng) -> Secret {
    let asymmetric = format == FormatName::Keygen;
    if asymmetric { generate_private_key(rng) } else { generate_shared(rng) }
}

/// A new Ed25519 key as a `whsk_` secret, for `keygen` and for a `standard` or `svix` webhook that wants `v1a` signatures.
pub fn generate_private_key(rng: &dyn Rng) -> Secret {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut());
    let pair = Zeroizing::new(ed25519_dalek::SigningKey::from_bytes(&seed).to_keypair_bytes());
    written(key::PRIVATE_PREFIX, pair.as_slice())
}

fn generate_shared(rng: &dyn Rng) -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill(bytes.as_mut());
    written(key::SHARED_PREFIX, bytes.as_slice())
}

fn written(prefix: &str, bytes: &[u8]) -> Secret {
    // Room for all of it at once: a string that grows leaves copies of the secret behind.
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    key::push_base64(&mut text, bytes);
    Secret::new(text)
}

/// The public half of a `whsk_` secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// `None` for a shared secret, which has no public half.
pub fn public_key(secret: &str) -> Option<PublicKey> {
    key::private(secret).ok().map(|key| PublicKey(key.verifying_key().to_bytes()))
}

impl PublicKey {
    /// As Standard Webhooks writes it: `whpk_` and base64.
    pub fn text(&self) -> String {
        let mut text = String::from("whpk_");
        key::push_base64(&mut text, &self.0);
        text
    }

    /// 64 hex digits, as Keygen's dashboard and libraries write it.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The key's name: its RFC 7638 thumbprint, so that whoever knows the name can check the key.
    pub fn kid(&self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(key::sha256([canonical.as_bytes()]))
    }

    /// As a JSON Web Key (RFC 8037).
    pub fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid(), "x": self.x(),
        })
    }

    fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRng;

    #[test]
    fn a_new_secret_fits_its_format_and_the_symmetric_one_fits_all_symmetric_formats() {
        for made_for in FormatName::ALL {
            let secret = generate_secret(made_for, &SystemRng);
            for used_in in FormatName::ALL {
                let symmetric_fits = made_for != FormatName::Keygen && used_in != FormatName::Keygen;
                if made_for == used_in || symmetric_fits {
                    assert_eq!(check_secret(used_in, secret.expose()), Ok(()), "{made_for:?} in {used_in:?}");
                }
            }
        }
        assert_eq!(check_secret(FormatName::Standard, generate_private_key(&SystemRng).expose()), Ok(()));
    }

    #[test]
    fn secrets_that_do_not_fit_are_refused_with_what_they_must_be() {
        let message = |format, secret| check_secret(format, secret).unwrap_err().to_string();
        assert_eq!(message(FormatName::Standard, "hunter2"), "it must begin with whsec_ or whsk_");
        assert_eq!(message(FormatName::Keygen, "whsec_c2hvcnQ="), "it must begin with whsk_");
        assert_eq!(message(FormatName::Svix, "whsec_c2hvcnQ="), "its key must have 24 to 64 bytes");
        assert_eq!(message(FormatName::LicenseValidator, "token"), "it must begin with whsec_");
        assert_eq!(message(FormatName::Cryptlex, ""), "it must have 1 to 256 bytes");
        assert_eq!(message(FormatName::Github, &"a".repeat(257)), "it must have 1 to 256 bytes");
        assert_eq!(check_secret(FormatName::Cryptlex, &"a".repeat(256)), Ok(()));
    }

    /// RFC 8037, appendix A.1 to A.3.
    #[test]
    fn a_public_key_has_the_thumbprint_of_the_rfcs_example() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = public_key(written(key::PRIVATE_PREFIX, &seed).expose()).unwrap();
        assert_eq!(key.x(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert!(public_key("whsec_c2hvcnQ=").is_none());
    }
}
