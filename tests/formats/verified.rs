//! The verifiers at work, one test a format.

use standardwebhooks::Webhook;
use waxwing::clock::SystemRng;
use waxwing::format;
use waxwing::model::secret::Secret;
use waxwing::model::webhook::FormatName;

use crate::tools::script;
use crate::wire::{Received, deliver};

/// Two deliveries of a format, and a secret that signed neither.
struct Deliveries {
    first: Received,
    second: Received,
    secret: String,
    other_secret: String,
    /// The headers that make up a signature.
    signature: &'static [&'static str],
}

impl Deliveries {
    /// `key` makes of a secret what the receiver is given.
    async fn of(name: FormatName, secret: Secret, signature: &'static [&'static str], key: fn(&str) -> String) -> Self {
        let other = if secret.expose().starts_with("whsk_") {
            format::generate_private_key(&SystemRng)
        } else {
            format::generate_secret(name, &SystemRng)
        };
        Self {
            first: deliver(name, &secret, 7).await,
            second: deliver(name, &secret, 8).await,
            secret: key(secret.expose()),
            other_secret: key(other.expose()),
            signature,
        }
    }

    /// Accepted as it is, rejected in each of the three ways in which it must be.
    fn are_judged_rightly_by(&self, accepts: impl Fn(&Received, &str) -> bool) {
        assert!(accepts(&self.first, &self.secret), "refused what was signed: {:?}", self.first);
        assert!(accepts(&self.second, &self.secret), "refused what was signed: {:?}", self.second);
        // The middle is data; the lowest bit leaves it text, so that only the signature can tell.
        for at in [self.first.body.len() / 2, self.first.body.len() - 2] {
            let mut flipped = self.first.clone();
            flipped.body[at] ^= 1;
            assert!(!accepts(&flipped, &self.secret), "accepted a body with byte {at} flipped");
        }
        assert!(!accepts(&self.first, &self.other_secret), "accepted another secret");
        let mut swapped = self.first.clone();
        for name in self.signature {
            swapped.headers.insert((*name).to_owned(), self.second.headers[*name].clone());
        }
        assert_ne!(swapped.headers, self.first.headers, "the two deliveries have one signature");
        assert!(!accepts(&swapped, &self.secret), "accepted another delivery's signature");
    }
}

fn new_secret(name: FormatName) -> Secret {
    format::generate_secret(name, &SystemRng)
}

fn as_is(secret: &str) -> String {
    secret.to_owned()
}

fn public(secret: &str) -> String {
    format::public_key(secret).unwrap().text()
}

fn public_hex(secret: &str) -> String {
    format::public_key(secret).unwrap().hex()
}

#[tokio::test]
async fn license_validator_receivers_in_three_languages_do_what_their_documentation_prints() {
    let name = FormatName::LicenseValidator;
    let deliveries = Deliveries::of(name, new_secret(name), &["x-webhook-signature"], as_is).await;
    assert_ne!(deliveries.first.headers["x-webhook-delivery"], deliveries.second.headers["x-webhook-delivery"]);
    for (interpreter, file) in
        [("node", "license_validator.js"), ("python3", "license_validator.py"), ("php", "license_validator.php")]
    {
        if let Some(script) = script(interpreter, file, &[]) {
            deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
        }
    }
}

#[tokio::test]
async fn a_cryptlex_receiver_finds_32_bytes_of_hmac_under_the_token() {
    for secret in [new_secret(FormatName::Cryptlex), Secret::new("any token at all, ü")] {
        let deliveries = Deliveries::of(FormatName::Cryptlex, secret, &["webhook-signature"], as_is).await;
        if let Some(script) = script("python3", "cryptlex.py", &[]) {
            deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
        }
    }
}

#[tokio::test]
async fn a_keygen_receiver_parses_the_signature_header_and_checks_the_digest_first() {
    let name = FormatName::Keygen;
    let deliveries = Deliveries::of(name, new_secret(name), &["keygen-signature"], public_hex).await;
    if let Some(script) = script("python3", "keygen.py", &["openssl"]) {
        deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
        // Another delivery's signature with its own digest and date fails too: at the digest.
        let mut swapped = deliveries.first.clone();
        for name in ["keygen-signature", "date", "digest", "keygen-date", "keygen-digest"] {
            swapped.headers.insert(name.to_owned(), deliveries.second.headers[name].clone());
        }
        assert!(!script.accepts(&swapped, &deliveries.secret));
        let mut moved = deliveries.first.clone();
        moved.target = "/hooks/other".into();
        assert!(!script.accepts(&moved, &deliveries.secret), "accepted on another path");
    }
}

#[tokio::test]
async fn the_official_crate_accepts_standard_and_svix_signatures() {
    let cases = [
        (
            FormatName::Standard,
            ["webhook-id", "webhook-timestamp", "webhook-signature"].as_slice(),
            "webhook-signature",
        ),
        (FormatName::Svix, &["svix-id", "svix-timestamp", "svix-signature"], "svix-signature"),
    ];
    for (name, headers, signature) in cases {
        let mut deliveries = Deliveries::of(name, new_secret(name), headers, as_is).await;
        deliveries.are_judged_rightly_by(official);
        // The signature alone, with this delivery's own id and time.
        deliveries.signature = if signature == "svix-signature" { &["svix-signature"] } else { &["webhook-signature"] };
        deliveries.are_judged_rightly_by(official);
    }
}

/// `standardwebhooks` knows the specification's names; Svix's differ in nothing but the prefix.
fn official(received: &Received, secret: &str) -> bool {
    let mut headers = http::HeaderMap::new();
    for (name, value) in &received.headers {
        let name = name.strip_prefix("svix-").map_or_else(|| name.clone(), |rest| format!("webhook-{rest}"));
        headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&received.body, &headers).is_ok()
}

#[tokio::test]
async fn openssl_accepts_the_asymmetric_signatures_of_standard_and_svix() {
    for (name, signature) in
        [(FormatName::Standard, ["webhook-signature"].as_slice()), (FormatName::Svix, &["svix-signature"])]
    {
        let deliveries = Deliveries::of(name, format::generate_private_key(&SystemRng), signature, public).await;
        if let Some(script) = script("python3", "standard_v1a.py", &["openssl"]) {
            deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
        }
    }
}

#[tokio::test]
async fn a_stripe_receiver_verifies_by_hand_as_stripe_explains() {
    let name = FormatName::Stripe;
    let deliveries = Deliveries::of(name, new_secret(name), &["stripe-signature"], as_is).await;
    if let Some(script) = script("python3", "stripe.py", &[]) {
        deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
    }
}

#[tokio::test]
async fn a_github_receiver_verifies_as_github_explains() {
    let name = FormatName::Github;
    let deliveries = Deliveries::of(name, new_secret(name), &["x-hub-signature-256"], as_is).await;
    if let Some(script) = script("python3", "github.py", &[]) {
        deliveries.are_judged_rightly_by(|received, secret| script.accepts(received, secret));
    }
}
