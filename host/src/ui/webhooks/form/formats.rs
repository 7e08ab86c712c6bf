//! The formats in words: what each is called, how it signs, and how a receiver checks that.

use crate::model::webhook::FormatName;

pub(in crate::ui::webhooks) struct Words {
    pub(in crate::ui::webhooks) name: FormatName,
    pub(in crate::ui::webhooks) label: &'static str,
    pub(in crate::ui::webhooks) signs: &'static str,
    /// How to verify, in a sentence.
    pub(in crate::ui::webhooks) verify: &'static str,
}

const fn words(name: FormatName, label: &'static str, signs: &'static str, verify: &'static str) -> Words {
    Words { name, label, signs, verify }
}

pub(in crate::ui::webhooks) const FORMATS: [Words; 7] = [
    words(
        FormatName::Standard,
        "Standard Webhooks",
        "webhook-signature: v1 with HMAC-SHA256, or v1a with Ed25519 where the secret is a whsk_ key",
        "Verify with any Standard Webhooks library: webhook-signature holds HMAC-SHA256, in base64, of the id, the timestamp and the raw body, joined by full stops.",
    ),
    words(
        FormatName::Svix,
        "Svix",
        "svix-signature: v1 with HMAC-SHA256, or v1a with Ed25519",
        "Verify with Svix’s libraries: svix-signature holds HMAC-SHA256, in base64, of svix-id, svix-timestamp and the raw body, joined by full stops.",
    ),
    words(
        FormatName::Cryptlex,
        "Cryptlex",
        "Webhook-Signature: HMAC-SHA256 of the body, in base64",
        "Compute HMAC-SHA256 of the raw body with the secret as it stands here, in base64, and compare it with Webhook-Signature.",
    ),
    words(
        FormatName::LicenseValidator,
        "License validator",
        "X-Webhook-Signature: HMAC-SHA256 of the body, in hex",
        "Compute HMAC-SHA256 of the raw body with the whole secret, whsec_ included, in lower-case hex, and compare it with X-Webhook-Signature.",
    ),
    words(
        FormatName::Keygen,
        "Keygen",
        "Keygen-Signature: Ed25519 over request target, host, date and digest; needs an account",
        "Verify Keygen-Signature with the webhook’s public key, which its page shows: it covers the request target, host, date and digest.",
    ),
    words(
        FormatName::Github,
        "GitHub",
        "X-Hub-Signature-256: sha256= and HMAC-SHA256 of the body, in hex",
        "Compute HMAC-SHA256 of the raw body with the secret, in hex, and compare it with what follows sha256= in X-Hub-Signature-256.",
    ),
    words(
        FormatName::Stripe,
        "Stripe",
        "Stripe-Signature: v1 with HMAC-SHA256 of timestamp and body, in hex",
        "Verify with Stripe’s libraries: v1 in Stripe-Signature is HMAC-SHA256, in hex, of t, a full stop and the raw body.",
    ),
];

pub(in crate::ui::webhooks) fn verify(name: FormatName) -> &'static str {
    FORMATS.iter().find(|words| words.name == name).map_or("", |words| words.verify)
}
