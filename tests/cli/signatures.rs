//! `waxwing sign` and `waxwing verify` without a server: keys of both kinds, and however old a signature is.

use std::path::PathBuf;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, SigningKey, Verifier};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::process::{command, text};

const BODY: &str = r#"{"test": 2432232314}"#;

/// A body in a file.
struct Body {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Body {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        std::fs::write(&path, text).unwrap();
        Self { path, _folder: folder }
    }

    /// Signs it; the headers.
    fn signed(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let output = command(&["sign", "--json", "--body"]).arg(&self.path).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let header =
            |header: &Value| (header["name"].as_str().unwrap().into(), header["value"].as_str().unwrap().into());
        told["headers"].as_array().unwrap().iter().map(header).collect()
    }

    fn verified(&self, headers: &[(String, String)], arguments: &[&str]) -> Output {
        let lines = headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
        command(&["verify", "--body"]).arg(&self.path).args(lines).args(arguments).output().unwrap()
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn private_key() -> String {
    format!("whsk_{}", STANDARD.encode(key().to_bytes()))
}

fn public_key() -> String {
    format!("whpk_{}", STANDARD.encode(key().verifying_key().to_bytes()))
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    &headers.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name} in {headers:?}")).1
}

#[track_caller]
fn assert_refused(output: &Output, code: &str) {
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains(&format!("({code})")), "{:?} {said}", output.status);
}

#[test]
fn a_keygen_signature_is_over_target_host_date_and_digest() {
    let body = Body::new(BODY);
    let (secret, url) = (private_key(), "https://shop.example:8443/hooks?x=1");
    let sign = ["--format", "keygen", "--account", "acme", "--secret", &secret, "--url", url];
    let mut headers = body.signed(&sign);

    // By hand, as Keygen documents it.
    let digest = format!("sha-256={}", STANDARD.encode(Sha256::digest(BODY)));
    assert_eq!((value(&headers, "digest"), value(&headers, "keygen-digest")), (digest.as_str(), digest.as_str()));
    let date = value(&headers, "date").to_owned();
    let message = format!("(request-target): post /hooks?x=1\nhost: shop.example:8443\ndate: {date}\ndigest: {digest}");
    let signature = value(&headers, "keygen-signature");
    assert!(signature.starts_with(r#"keyid="acme", algorithm="ed25519", signature=""#), "{signature}");
    let encoded = signature.split('"').nth(5).unwrap();
    let signature = Signature::from_slice(&STANDARD.decode(encoded).unwrap()).unwrap();
    key().verifying_key().verify(message.as_bytes(), &signature).unwrap();

    headers.push(("host".into(), "shop.example:8443".into()));
    let hexadecimal = hex::encode(key().verifying_key().to_bytes());
    for secret in [secret.as_str(), &public_key(), &hexadecimal] {
        let here = ["--format", "keygen", "--secret", secret, "--target", "/hooks?x=1"];
        let verified = body.verified(&headers, &here);
        assert!(verified.status.success(), "{secret}: {}", text(&verified.stderr));
        assert_refused(&body.verified(&headers, &["--format", "keygen", "--secret", secret]), "wrong-key");
        assert_refused(&Body::new("{}").verified(&headers, &here), "other-body");
    }
    headers.pop();
    let nowhere = body.verified(&headers, &["--format", "keygen", "--secret", &public_key(), "--target", "/hooks?x=1"]);
    assert_refused(&nowhere, "missing-header");
}

#[test]
fn an_asymmetric_signature_is_v1a_under_the_names_of_either_format() {
    let body = Body::new(BODY);
    for (format, prefix) in [("standard", "webhook"), ("svix", "svix")] {
        let headers = body.signed(&["--format", format, "--secret", &private_key()]);
        let get = |name: &str| value(&headers, &format!("{prefix}-{name}"));
        let message = format!("{}.{}.{BODY}", get("id"), get("timestamp"));
        let signature = get("signature").strip_prefix("v1a,").unwrap();
        let signature = Signature::from_slice(&STANDARD.decode(signature).unwrap()).unwrap();
        key().verifying_key().verify(message.as_bytes(), &signature).unwrap();

        for secret in [private_key(), public_key()] {
            let verified = body.verified(&headers, &["--format", format, "--secret", &secret]);
            assert!(verified.status.success(), "{format}: {}", text(&verified.stderr));
            assert!(text(&verified.stdout).contains(get("id")));
        }
        let other = format!("whpk_{}", STANDARD.encode(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes()));
        assert_refused(&body.verified(&headers, &["--format", format, "--secret", &other]), "wrong-secret");
        let shared =
            body.verified(&headers, &["--format", format, "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        assert_refused(&shared, "wrong-secret");
    }
}

#[test]
fn an_old_signature_is_too_old_unless_any_age_will_do() {
    // The example of Svix' own documentation.
    let headers = [
        ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("svix-timestamp", "1614265330"),
        ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let secret = ["--format", "svix", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    let body = Body::new(BODY);
    assert_refused(&body.verified(&headers, &secret), "too-old");
    let any_age = [&secret[..], &["--any-age", "--json"]].concat();
    let verified = body.verified(&headers, &any_age);
    let told: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((&told["valid"], &told["id"]), (&true.into(), &headers[0].1.as_str().into()));
    // Old or not: what isn't signed is refused.
    let other = Body::new("{}").verified(&headers, &any_age);
    let told: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!((other.status.code(), &told["valid"], &told["code"]), (Some(4), &false.into(), &"wrong-secret".into()));
}

#[test]
fn a_key_that_does_not_fit_its_format_is_told_and_not_shown() {
    let body = Body::new(BODY);
    for (format, secret) in
        [("keygen", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("standard", "whsk_short"), ("svix", "none")]
    {
        let output = command(&["sign", "--format", format, "--account", "acme", "--secret", secret, "--body"]);
        let output = { output }.arg(&body.path).output().unwrap();
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(1) && !said.contains(secret), "{format}: {said}");
    }
}
