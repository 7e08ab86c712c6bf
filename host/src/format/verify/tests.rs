//! Each fault is made once and must be called by its name.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fault, Received, TOLERANCE, Terms, Verified, verify};
use crate::clock::SystemRng;
use crate::format::{self, Signing, Wrapping};
use crate::model::event::{Event, Payload};
use crate::model::ids::DeliveryId;
use crate::model::name::{Environment, Tenant};
use crate::model::request::{Body, Header, Method};
use crate::model::secret::{Secret, SigningSecret};
use crate::model::time::Timestamp;
use crate::model::webhook::{Format, FormatName, FormatOptions};

const NOW: u64 = 1_767_225_600_000;

/// A request on its way, still to be tampered with.
struct Sent {
    format: FormatName,
    secret: Secret,
    headers: Vec<Header>,
    body: Vec<u8>,
}

fn sent(format: FormatName, data: &str) -> Sent {
    sent_with(format, data, &format::generate_secret(format, &SystemRng))
}

fn sent_with(name: FormatName, data: &str, secret: &Secret) -> Sent {
    let account = (name == FormatName::Keygen).then(|| "acme".to_owned());
    let format = Format { name, options: FormatOptions { account } };
    let event = Event {
        id: 7.into(),
        event_type: "license.created".parse().unwrap(),
        tenant: Tenant::default_tenant(),
        environment: Environment::default(),
        occurred_at: Timestamp::from_millis(NOW - 1234),
        data: Payload::json(Bytes::copy_from_slice(data.as_bytes())),
        external_id: None,
    };
    let (delivery, url) = (DeliveryId::from(9), "https://example.com/hook?a=1".parse().unwrap());
    let wrapping = Wrapping { event: &event, data: &event.data, delivery, test: false, endpoint: &url };
    let body = format::wrap(&format, wrapping).unwrap().body;
    let headers = signed(&format, &event, secret, &body, &url);
    Sent { format: name, secret: secret.clone(), headers, body: body.to_bytes().to_vec() }
}

fn signed(format: &Format, event: &Event, secret: &Secret, body: &Body, url: &url::Url) -> Vec<Header> {
    let secrets = [SigningSecret { secret: secret.clone(), until: None }];
    let delivery = DeliveryId::from(9);
    let now = Timestamp::from_millis(NOW);
    let signing = Signing { event, delivery, test: false, secrets: &secrets, now, method: Method::Post, url, body };
    let mut headers = format::sign(format, signing).unwrap();
    headers.push(Header { name: "host".into(), value: "example.com".into() });
    headers
}

impl Sent {
    fn verify_at(&self, now: u64, secret: &str) -> Result<Verified, Fault> {
        let received = Received { method: "POST", target: "/hook?a=1", headers: &self.headers, body: &self.body };
        let (now, tolerance) = (Some(Timestamp::from_millis(now)), TOLERANCE);
        verify(received, &Terms { format: self.format, secrets: &[Secret::new(secret)], now, tolerance })
    }

    fn fault(&self) -> Option<Fault> {
        self.verify_at(NOW, self.secret.expose()).err()
    }

    fn rewrite(&mut self, rewrite: impl Fn(Value) -> String) {
        self.body = rewrite(serde_json::from_slice(&self.body).unwrap()).into_bytes();
    }

    fn header(&mut self, name: &str) -> &mut Header {
        self.headers.iter_mut().find(|header| &*header.name == name).unwrap()
    }
}

#[test]
fn what_each_format_signs_passes_and_a_flipped_byte_does_not() {
    for format in FormatName::ALL {
        let mut request = sent(format, r#"{"z":1,"a":[true,null,"é/"]}"#);
        assert_eq!(request.fault(), None, "{format:?}");
        request.body[3] ^= 1;
        let expected = if format == FormatName::Keygen { Fault::OtherBody } else { Fault::WrongSecret };
        assert_eq!(request.fault(), Some(expected), "{format:?}");
    }
}

#[test]
fn an_asymmetric_signature_passes_with_the_public_key_alone() {
    let secret = format::generate_private_key(&SystemRng);
    let public = format::public_key(secret.expose()).unwrap();
    for format in [FormatName::Standard, FormatName::Svix, FormatName::Keygen] {
        let request = sent_with(format, "{}", &secret);
        assert!(request.verify_at(NOW, &public.text()).is_ok(), "{format:?}");
        let other = format::generate_private_key(&SystemRng);
        let expected = if format == FormatName::Keygen { Fault::WrongKey } else { Fault::WrongSecret };
        assert_eq!(request.verify_at(NOW, other.expose()), Err(expected), "{format:?}");
    }
    assert!(sent_with(FormatName::Keygen, "{}", &secret).verify_at(NOW, &public.hex()).is_ok());
}

#[test]
fn another_secret_is_called_so() {
    let other = format::generate_secret(FormatName::Standard, &SystemRng);
    for format in FormatName::ALL.into_iter().filter(|format| *format != FormatName::Keygen) {
        assert_eq!(sent(format, "{}").verify_at(NOW, other.expose()), Err(Fault::WrongSecret), "{format:?}");
    }
}

#[test]
fn age_is_judged_only_where_a_time_is_signed_and_only_after_the_signature() {
    for format in [FormatName::Standard, FormatName::Svix, FormatName::Stripe, FormatName::Keygen] {
        let request = sent(format, "{}");
        let secret = request.secret.expose();
        assert!(request.verify_at(NOW + 300_000, secret).is_ok(), "{format:?}");
        assert_eq!(request.verify_at(NOW + 301_000, secret), Err(Fault::TooOld { seconds: 301 }), "{format:?}");
        assert_eq!(request.verify_at(NOW - 301_000, secret), Err(Fault::TooNew { seconds: 301 }), "{format:?}");
    }
    let untimed = sent(FormatName::Cryptlex, "{}");
    assert!(untimed.verify_at(NOW + 9_000_000, untimed.secret.expose()).is_ok());
}

#[test]
fn a_body_that_was_parsed_and_written_anew_is_called_so() {
    for format in [FormatName::Standard, FormatName::Cryptlex, FormatName::LicenseValidator, FormatName::Keygen] {
        let mut request = sent(format, r#"{"z":1,"a":"é"}"#);
        request.rewrite(|value| serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(request.fault(), Some(Fault::BodyReserialised { signed: "compact JSON" }), "{format:?}");
    }
    let mut indented = sent(FormatName::Github, "{\n  \"z\": 1\n}");
    indented.rewrite(|value| value.to_string());
    assert_eq!(indented.fault(), Some(Fault::BodyReserialised { signed: "JSON indented by two spaces" }));
    let mut escaped = sent(FormatName::Svix, r#"{"url": "https://x/\u00e9\ud83d\ude00"}"#);
    escaped.rewrite(|value| value.to_string());
    assert_eq!(escaped.fault(), Some(Fault::BodyReserialised { signed: "spaced JSON with \\u escapes" }));
    let mut sorted = sent(FormatName::Standard, r#"{"a":1}"#);
    sorted.rewrite(|value| {
        json!({"data": value["data"], "timestamp": value["timestamp"], "type": value["type"]}).to_string()
    });
    assert_eq!(sorted.fault(), Some(Fault::BodyReserialised { signed: "compact JSON" }));
    let mut trimmed = sent(FormatName::Github, "{}\n");
    trimmed.body.pop();
    assert_eq!(trimmed.fault(), Some(Fault::BodyReserialised { signed: "the same with a line end after it" }));
}

#[test]
fn headers_that_are_missing_malformed_or_in_another_alphabet_are_named() {
    let mut request = sent(FormatName::Standard, "{}");
    request.headers.retain(|header| &*header.name != "webhook-timestamp");
    assert_eq!(request.fault(), Some(Fault::MissingHeader("webhook-timestamp")));

    let mut request = sent(FormatName::Stripe, "{}");
    request.header("stripe-signature").value = "nonsense".into();
    assert!(matches!(request.fault(), Some(Fault::MalformedHeader { name: "stripe-signature", .. })));

    let mut request = sent(FormatName::LicenseValidator, "{}");
    let upper = request.header("x-webhook-signature").value.to_uppercase();
    request.header("x-webhook-signature").value = upper.into();
    let wrong = Fault::WrongEncoding { found: "upper-case hexadecimal", expected: "lower-case hexadecimal" };
    assert_eq!(request.fault(), Some(wrong));
}

#[test]
fn a_secret_that_is_read_another_way_is_named() {
    let request = sent(FormatName::LicenseValidator, "{}");
    let spaced = format!("{}\n", request.secret.expose());
    let read = "without the white space around it";
    assert_eq!(request.verify_at(NOW, &spaced), Err(Fault::SecretMisread { read }));
    let mut request = sent_with(FormatName::Cryptlex, "{}", &Secret::new("whsec_c2VjcmV0IG9mIHR3ZW50eS1mb3VyIGJ5dGVz"));
    let tag = format::key::hmac(b"secret of twenty-four bytes", [request.body.as_slice()]);
    let mut decoded = String::new();
    format::key::push_base64(&mut decoded, &tag);
    request.header("webhook-signature").value = decoded.into();
    assert_eq!(request.fault(), Some(Fault::SecretMisread { read: "as base64 after its prefix" }));
}

#[test]
fn the_second_of_two_secrets_may_have_signed() {
    let request = sent(FormatName::Standard, "{}");
    let received = Received { method: "POST", target: "/", headers: &request.headers, body: &request.body };
    let secrets = [format::generate_secret(FormatName::Standard, &SystemRng), request.secret.clone()];
    let terms = Terms { format: FormatName::Standard, secrets: &secrets, now: None, tolerance: TOLERANCE };
    assert_eq!(verify(received, &terms).unwrap().secret, 1);
    assert_eq!(verify(received, &Terms { secrets: &[], ..terms }).unwrap_err().code(), "bad-secret");
}

proptest! {
    #[test]
    fn sign_then_verify_and_one_flipped_bit_fails(data in "[ -~]{0,60}", format in 0..7_usize, at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut request = sent(FormatName::ALL[format], &json!({ "data": data }).to_string());
        prop_assert_eq!(request.fault(), None);
        let at = at.index(request.body.len());
        request.body[at] ^= 1_u8 << bit;
        prop_assert!(request.fault().is_some());
    }

    #[test]
    fn headers_of_strangers_never_panic(value in "\\PC{0,80}", format in 0..7_usize) {
        let mut request = sent(FormatName::ALL[format], "{}");
        for header in &mut request.headers {
            header.value = value.as_str().into();
        }
        prop_assert!(request.fault().is_some());
    }
}
