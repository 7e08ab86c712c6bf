//! What the log may show of a request and its reply: no credentials, and not more than is kept. Filled secrets that a receiver
//! sends back are hidden by `format::Mask` before a reply comes here.

use std::sync::Arc;

use crate::model::attempt::{RESPONSE_BODY_MAX, RESPONSE_HEADERS_MAX, Response, Sent};
use crate::model::request::{Header, Request};
use crate::send::Reply;

const HIDDEN: &str = "…";
/// Parts of header names whose values are credentials by custom.
const TELLING: [&[u8]; 8] = [b"auth", b"cookie", b"credential", b"key", b"passw", b"secret", b"session", b"token"];

/// The request as it is logged. `url` is masked, `unfilled` still holds placeholders; `signature` is what the format wrote.
pub(super) fn sent(request: &Request, url: String, unfilled: &[Header], signature: &[Header]) -> Sent {
    Sent {
        method: request.method,
        url,
        headers: unfilled.iter().map(hide_credentials).chain(signature.iter().cloned()).collect(),
        body_size: u64::try_from(request.body.len()).unwrap_or(u64::MAX),
    }
}

/// As much of a reply as is kept.
pub(super) fn response(reply: &Reply) -> Response {
    let kept = reply.body.slice(..reply.body.len().min(RESPONSE_BODY_MAX));
    let sizes = reply.headers.iter().scan(0, |sum, header| {
        *sum += header.name.len() + header.value.len();
        Some(*sum)
    });
    let fitting = sizes.take_while(|sum| *sum <= RESPONSE_HEADERS_MAX).count();
    let headers: Vec<_> = reply.headers.iter().take(fitting).map(hide_credentials).collect();
    let truncated = reply.truncated || kept.len() < reply.body.len() || headers.len() < reply.headers.len();
    Response { status: reply.status, headers, body: kept, truncated }
}

fn hide_credentials(header: &Header) -> Header {
    if is_telling(&header.name) {
        Header { name: Arc::clone(&header.name), value: Arc::from(HIDDEN) }
    } else {
        header.clone()
    }
}

/// One walk over the name: this is asked of every header of every attempt.
fn is_telling(name: &str) -> bool {
    let name = name.as_bytes();
    let begins = |(at, letter): (usize, &u8)| {
        matches!(letter, b'a' | b'c' | b'k' | b'p' | b's' | b't')
            && name.get(at..).is_some_and(|rest| TELLING.iter().any(|part| rest.starts_with(part)))
    };
    name.iter().enumerate().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::request::{Body, Method};

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.into(), value: value.into() }
    }

    #[test]
    fn credentials_are_hidden_and_signatures_are_shown() {
        let headers = vec![header("authorization", "Bearer wxs_1"), header("x-api-key", "k"), header("x-shop", "7")];
        let url: url::Url = "https://hooks.example.com/services/T0/B0/verysecret".parse().unwrap();
        let body = Body::whole("{}".into());
        let shown = crate::model::webhook::SecretUrl::new(url.clone()).to_string();
        let request = Request { method: Method::Post, url, headers: Vec::new(), body };
        let sent = sent(&request, shown, &headers, &[header("webhook-signature", "v1,abc")]);
        let shown: Vec<_> = sent.headers.iter().map(|header| (&*header.name, &*header.value)).collect();
        let expected = [("authorization", "…"), ("x-api-key", "…"), ("x-shop", "7"), ("webhook-signature", "v1,abc")];
        assert_eq!(shown, expected);
        assert_eq!(sent.url, "https://hooks.example.com/…cret");
    }

    #[test]
    fn a_name_tells_wherever_the_part_stands() {
        for part in TELLING {
            let part = std::str::from_utf8(part).unwrap();
            for name in [part.to_owned(), format!("x-{part}"), format!("{part}-id"), format!("a{part}")] {
                assert!(is_telling(&name), "{name}");
            }
            assert!(!is_telling(&part[..part.len() - 1]), "{part}");
        }
        assert!(!["", "content-type", "webhook-id", "user-agent", "x-shop"].into_iter().any(is_telling));
    }

    #[test]
    fn only_a_bounded_part_of_a_reply_is_kept() {
        let headers = (0..100).map(|index| header(&format!("x-{index}"), &"v".repeat(200))).collect();
        let long = Reply { status: 200, headers, body: vec![b'a'; RESPONSE_BODY_MAX + 1].into(), truncated: false };
        let kept = response(&long);
        assert!(kept.truncated && kept.body.len() == RESPONSE_BODY_MAX);
        let size: usize = kept.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        assert!(size <= RESPONSE_HEADERS_MAX, "{size}");
    }
}
