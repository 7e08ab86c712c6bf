//! `keygen`: Keygen's webhook event resource, signed with Ed25519 over the request's target, host, date and digest,
//! <https://keygen.sh/docs/api/signatures/> and <https://keygen.sh/docs/api/webhooks/>.
//!
//! Keygen makes one webhook event per endpoint, and one idempotency token per event: here the delivery and the event.
//! Receivers keep their code and learn one new public key.

use bytes::Bytes;
use url::{Position, Url};

use super::key;
use super::names::{self, header};
use super::{BadSecret, FormatError, Signing, Wrapped, Wrapping};
use crate::model::event::ContentType;
use crate::model::request::{Body, Header};
use crate::model::time::Timestamp;
use std::sync::{Arc, LazyLock};

static CONTENT_TYPE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("application/vnd.api+json"));

/// `account` was checked by [`check_account`]: it needs no escaping in JSON, in a path or in a quoted string.
pub(super) fn wrap(wrapping: Wrapping<'_>, account: &str) -> Result<Wrapped, FormatError> {
    let data = wrapping.json()?;
    let (event, time) = (wrapping.event, wrapping.event.occurred_at);
    let id = wrapping.delivery.shown(wrapping.test);
    let mut head = format!(r#"{{"data":{{"id":"{id}","type":"webhook-events","attributes":{{"endpoint":"#).into_bytes();
    push_json_string(&mut head, wrapping.endpoint.as_str().as_bytes());
    head.extend_from_slice(br#","payload":"#);
    let mut payload = Vec::with_capacity(data.len() + data.len() / 8 + 2);
    push_json_string(&mut payload, &data);
    let tail = format!(
        concat!(
            r#","event":"{}","status":"DELIVERING","created":"{}","updated":"{}"}},"#,
            r#""relationships":{{"account":{{"links":{{"related":"/v1/accounts/{}"}},"#,
            r#""data":{{"type":"accounts","id":"{}"}}}}}},"meta":{{"idempotencyToken":"{}"}}}}}}"#,
        ),
        event.event_type, time, time, account, account, event.id
    );
    let body = Body([head.into(), Bytes::from(payload), Bytes::from(tail)]);
    Ok(Wrapped { body, content_type: ContentType::Other(Arc::clone(&CONTENT_TYPE)) })
}

pub(super) fn sign(signing: Signing<'_>, account: &str) -> Result<Vec<Header>, FormatError> {
    let key = key::private(signing.newest_secret()?)?;
    let date = http_date(signing.now);
    let mut digest = String::from("sha-256=");
    key::push_base64(&mut digest, &key::sha256(signing.body.parts().map(AsRef::as_ref)));
    let message = message(signing.method.as_str(), target(signing.url), host(signing.url), &date, &digest);
    let mut value = format!(r#"keyid="{account}", algorithm="ed25519", signature=""#);
    key::push_base64(&mut value, &key::ed25519(&key, message.as_bytes()));
    value.push_str(r#"", headers="(request-target) host date digest""#);
    let (date, digest): (Arc<str>, Arc<str>) = (date.into(), digest.into());
    Ok(vec![
        header(&names::DATE, Arc::clone(&date)),
        header(&names::DIGEST, Arc::clone(&digest)),
        header(&names::KEYGEN_DATE, date),
        header(&names::KEYGEN_DIGEST, digest),
        header(&names::KEYGEN_SIGNATURE, value),
    ])
}

/// What is signed: four lines, the last without an end.
pub(super) fn message(method: &str, target: &str, host: &str, date: &str, digest: &str) -> String {
    let method = method.to_ascii_lowercase();
    format!("(request-target): {method} {target}\nhost: {host}\ndate: {date}\ndigest: {digest}")
}

/// 1 to 64 of the characters that account ids and slugs have.
pub(super) fn check_account(account: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.';
    (1..=64).contains(&account.len()) && account.bytes().all(allowed)
}

pub(super) fn check_secret(secret: &str) -> Result<(), BadSecret> {
    key::private(secret).map(drop)
}

/// Path and query, as the request line has them.
fn target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// As the `Host` header has it: with the port, if that isn't the scheme's own.
fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::BeforePath]
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: RFC 9110's only date format to write.
fn http_date(time: Timestamp) -> String {
    time.calendar().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// RFC 8259: only the quotation mark, the backslash and the control characters must be escaped; all else stays as it is.
fn push_json_string(to: &mut Vec<u8>, text: &[u8]) {
    to.push(b'"');
    for byte in text {
        match byte {
            b'"' => to.extend_from_slice(br#"\""#),
            b'\\' => to.extend_from_slice(br"\\"),
            b'\n' => to.extend_from_slice(br"\n"),
            b'\r' => to.extend_from_slice(br"\r"),
            b'\t' => to.extend_from_slice(br"\t"),
            0..0x20 => to.extend_from_slice(format!(r"\u{byte:04x}").as_bytes()),
            _ => to.push(*byte),
        }
    }
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_is_written_as_http_wants_it() {
        let time: Timestamp = "1994-11-06T08:49:37.123Z".parse().unwrap();
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn host_and_target_are_those_of_the_wire() {
        let url: Url = "https://example.com:8443/a%20b?c=d#e".parse().unwrap();
        assert_eq!((target(&url), host(&url)), ("/a%20b?c=d", "example.com:8443"));
        let url: Url = "https://EXAMPLE.com:443".parse().unwrap();
        assert_eq!((target(&url), host(&url)), ("/", "example.com"));
    }

    #[test]
    fn an_account_needs_no_escaping_anywhere() {
        assert!(check_account("1fddcec8-8dd3-4d8d-9b16-215cac0f9b52"));
        for bad in ["", "a b", "a\"b", "a/b", "ä", "a\n"] {
            assert!(!check_account(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back_from_its_json_string(text in "\\PC*|[\u{0}-\u{7f}]*") {
            let mut written = Vec::new();
            push_json_string(&mut written, text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
        }
    }
}
