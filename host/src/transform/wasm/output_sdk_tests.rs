//! The SDK checks verdicts natively, with numbers and rules of its own, since a guest can't depend on the host. Here both judge the
//! same requests.

use proptest::prelude::*;
use waxwing_guest::testing::violations;
use waxwing_guest::{Header, Request, Verdict as Said};

use super::*;

/// The SDK's request as the host's engine hands it over.
fn lifted(request: &Request) -> types::Request {
    let header = |header: &Header| types::Header { name: header.name.clone(), value: header.value.clone() };
    types::Request {
        method: types::Method::Post,
        path: request.path.clone(),
        origin: request.origin.clone(),
        query: request.query.clone(),
        headers: request.headers.iter().map(header).collect(),
        content_type: request.content_type.clone(),
        body: request.body.clone(),
        attributes: request.attributes.clone(),
    }
}

/// Whether both let it pass; what they said, if they disagree.
fn passes(request: Request) -> Result<bool, String> {
    let rules = OutputRules::new(&[], crate::model::request::BODY_MAX);
    let webhook = WebhookView { id: 1.into(), origin: "https://shop.example", allow_origins: &[] };
    let host = rules.verdict(types::Verdict::Send(lifted(&request)), &webhook, true);
    let sdk = violations(&Said::Send(request));
    match (&host, sdk.is_empty()) {
        (Ok(_), true) => Ok(true),
        (Err(_), false) => Ok(false),
        _ => Err(format!("host: {host:?}\nSDK: {sdk:?}")),
    }
}

fn request() -> Request {
    Request::new("text/plain", "x")
}

fn pairs(count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("n{number}"), String::new())).collect()
}

#[test]
fn the_sdk_and_the_host_draw_every_line_at_the_same_number() {
    type Make = fn(usize) -> Request;
    let lines: [(&str, usize, Make); 8] = [
        ("body", crate::model::request::BODY_MAX, |size| Request::new("text/plain", vec![b'x'; size])),
        ("headers", HEADERS_MAX, |count| {
            pairs(count).into_iter().fold(request(), |made, (name, _)| made.header(name, ""))
        }),
        ("bytes of headers", HEADERS_TOTAL, |size| {
            let half = size / 2;
            request().header("a", "x".repeat(half - 1)).header("b", "x".repeat(size - half - 1))
        }),
        ("bytes of a value", VALUE_MAX, |size| request().header("a", "x".repeat(size))),
        ("query", QUERY_MAX, |count| Request { query: pairs(count), ..request() }),
        ("bytes of query", QUERY_TOTAL, |size| request().query("a", "x".repeat(size - 1))),
        ("attributes", ATTRIBUTES_MAX, |count| Request { attributes: pairs(count), ..request() }),
        ("path", PATH_MAX, |size| request().path(format!("/{}", "x".repeat(size - 1)))),
    ];
    for (what, limit, make) in lines {
        // Two values of the most that one may have are exactly the most of all: one byte more is over both.
        assert_eq!(
            passes(make(limit)),
            Ok(what != "bytes of headers" || limit / 2 - 1 <= VALUE_MAX),
            "{what} at its limit"
        );
        assert_eq!(passes(make(limit + 1)), Ok(false), "{what} over its limit");
    }
    let typed = |size: usize| Request::new(format!("text/{}", "x".repeat(size - 5)), "x");
    assert_eq!(passes(typed(CONTENT_TYPE_MAX)), Ok(true));
    assert_eq!(passes(typed(CONTENT_TYPE_MAX + 1)), Ok(false));
}

#[test]
fn the_sdk_and_the_host_cut_or_name_a_reason_at_the_same_number() {
    let reason = "x".repeat(REASON_MAX);
    assert!(violations(&Said::Drop(reason.clone())).is_empty());
    assert!(!violations(&Said::Drop(reason + "x")).is_empty());
}

#[test]
fn the_sdk_knows_every_header_that_is_reserved_whatever_the_formats_are() {
    for name in RESERVED {
        assert_eq!(passes(request().header(name, "x")), Ok(false), "{name}");
    }
}

proptest! {
    #[test]
    fn the_sdk_and_the_host_agree_on_any_header(name in "[a-zA-Z0-9 :\\r\\n_.-]{0,8}", value in "[a-z \\t\\r\\nä\u{0}\u{7f}]{0,8}") {
        prop_assert!(passes(request().header(name, value)).is_ok());
    }

    #[test]
    fn the_sdk_and_the_host_agree_on_any_path(path in "[/.%2eEa-c?#@:\\\\ ä-]{0,12}") {
        let judged = passes(request().path(path));
        prop_assert!(judged.is_ok(), "{:?}", judged);
    }

    #[test]
    fn the_sdk_and_the_host_agree_on_any_content_type(content_type in "[a-z/;= \\r\\nä]{0,12}") {
        let judged = passes(Request::new(content_type, "x"));
        prop_assert!(judged.is_ok(), "{:?}", judged);
    }
}
