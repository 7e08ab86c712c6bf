//! What a request says of itself, read from the headers of its format.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Fault, Received, header};
use crate::model::time::Timestamp;
use crate::model::webhook::FormatName;

/// The most signatures that are looked at.
const SIGNATURES_MAX: usize = 16;

pub(super) struct Claims {
    /// What is signed before the body.
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    /// HMAC-SHA256, as text.
    pub(super) signatures: Vec<String>,
    /// Ed25519, in base64.
    pub(super) asymmetric: Vec<String>,
    pub(super) id: Option<String>,
    pub(super) signed_at: Option<Timestamp>,
}

impl Claims {
    pub(super) fn of(received: Received<'_>, format: FormatName) -> Result<Self, Fault> {
        let plain = |encoding, signature: &str, id: Option<&str>| Self {
            prefix: String::new(),
            encoding,
            signatures: vec![signature.to_owned()],
            asymmetric: Vec::new(),
            id: id.map(str::to_owned),
            signed_at: None,
        };
        match format {
            FormatName::Standard => Self::standard(&received, ["webhook-id", "webhook-timestamp", "webhook-signature"]),
            FormatName::Svix => Self::standard(&received, ["svix-id", "svix-timestamp", "svix-signature"]),
            FormatName::Stripe => Self::stripe(header(&received, "stripe-signature")?),
            FormatName::Cryptlex => Ok(plain(Encoding::Base64, header(&received, "webhook-signature")?, None)),
            FormatName::LicenseValidator => {
                let id = header(&received, "x-webhook-delivery").ok();
                Ok(plain(Encoding::Hex, header(&received, "x-webhook-signature")?, id))
            }
            FormatName::Github | FormatName::Keygen => {
                let value = header(&received, "x-hub-signature-256")?;
                let expected = "sha256= and 64 hexadecimal digits";
                let malformed = Fault::MalformedHeader { name: "x-hub-signature-256", expected };
                let signature = value.strip_prefix("sha256=").ok_or(malformed)?;
                Ok(plain(Encoding::Hex, signature, header(&received, "x-github-delivery").ok()))
            }
        }
    }

    fn standard(received: &Received<'_>, names: [&'static str; 3]) -> Result<Self, Fault> {
        let [id_name, time_name, signature_name] = names;
        let (id, time) = (header(received, id_name)?, header(received, time_name)?);
        let (mut signatures, mut asymmetric) = (Vec::new(), Vec::new());
        for part in header(received, signature_name)?.split(' ').take(SIGNATURES_MAX) {
            match part.split_once(',') {
                Some(("v1", signature)) => signatures.push(signature.to_owned()),
                Some(("v1a", signature)) => asymmetric.push(signature.to_owned()),
                _ => {}
            }
        }
        if signatures.is_empty() && asymmetric.is_empty() {
            let expected = "v1, or v1a, and base64; several with spaces between them";
            return Err(Fault::MalformedHeader { name: signature_name, expected });
        }
        let signed_at = Some(seconds(time, time_name)?);
        let prefix = format!("{id}.{time}.");
        Ok(Self { prefix, encoding: Encoding::Base64, signatures, asymmetric, id: Some(id.to_owned()), signed_at })
    }

    fn stripe(value: &str) -> Result<Self, Fault> {
        const NAME: &str = "stripe-signature";
        let pairs = || value.split(',').filter_map(|pair| pair.trim().split_once('='));
        let expected = "t=<unix time>,v1=<hexadecimal>";
        let time = pairs().find(|(name, _)| *name == "t").map(|(_, time)| time);
        let time = time.ok_or(Fault::MalformedHeader { name: NAME, expected })?;
        let signatures: Vec<_> =
            pairs().filter(|(name, _)| *name == "v1").take(SIGNATURES_MAX).map(|(_, text)| text.to_owned()).collect();
        if signatures.is_empty() {
            return Err(Fault::MalformedHeader { name: NAME, expected });
        }
        let signed_at = Some(seconds(time, NAME)?);
        let prefix = format!("{time}.");
        Ok(Self { prefix, encoding: Encoding::Hex, signatures, asymmetric: Vec::new(), id: None, signed_at })
    }
}

fn seconds(text: &str, name: &'static str) -> Result<Timestamp, Fault> {
    let seconds: Option<u64> = text.parse().ok();
    let millis = seconds.and_then(|seconds| seconds.checked_mul(1000));
    millis.map(Timestamp::from_millis).ok_or(Fault::MalformedHeader { name, expected: "seconds since 1970" })
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    Base64Url,
    Hex,
    HexUpper,
}

impl Encoding {
    pub(super) const ALL: [Self; 4] = [Self::Base64, Self::Base64Url, Self::Hex, Self::HexUpper];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Base64Url => "base64 for URLs",
            Self::Hex => "lower-case hexadecimal",
            Self::HexUpper => "upper-case hexadecimal",
        }
    }

    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok(),
            Self::Hex => hex::decode(text).ok().filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase())),
            Self::HexUpper => hex::decode(text).ok(),
        }
    }
}
