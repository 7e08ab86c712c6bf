use proptest::prelude::*;

use super::*;

fn rules() -> OutputRules {
    OutputRules::new(&["Webhook-Signature"], 1024 * 1024)
}

fn webhook(allowed: &[String]) -> WebhookView<'_> {
    WebhookView { id: 1.into(), origin: "https://shop.example", allow_origins: allowed }
}

fn request() -> types::Request {
    types::Request {
        method: types::Method::Put,
        path: Some("/v1/contacts".into()),
        origin: None,
        query: vec![("wait".into(), "true".into())],
        headers: vec![types::Header { name: "x-shop".into(), value: "a b".into() }],
        content_type: "application/json; charset=utf-8".into(),
        body: b"{}".to_vec(),
        attributes: Vec::new(),
    }
}

fn judged(change: impl FnOnce(&mut types::Request)) -> Result<Verdict, FaultKind> {
    let mut request = request();
    change(&mut request);
    rules().verdict(types::Verdict::Send(request), &webhook(&["https://other.example".to_owned()]), true)
}

fn is_bad(result: Result<Verdict, FaultKind>) -> bool {
    matches!(result, Err(FaultKind::BadOutput { .. }))
}

fn header(name: &str, value: &str) -> types::Header {
    types::Header { name: name.into(), value: value.into() }
}

#[test]
fn a_sound_request_is_taken_as_it_is() {
    let Ok(Verdict::Send(draft)) = judged(|_| ()) else { panic!("refused") };
    assert_eq!((draft.method, draft.path.as_deref()), (Method::Put, Some("/v1/contacts")));
    assert_eq!(draft.headers[0].value.as_ref(), "a b");
}

#[test]
fn headers_that_arent_a_plugins_to_set_are_refused_by_name() {
    for name in ["host", "webhook-signature", "content-length", "transfer-encoding", "cookie", "expect", "connection"] {
        let result = judged(|request| request.headers.push(header(name, "x")));
        let Err(FaultKind::BadOutput { message }) = result else { panic!("{name} was let through") };
        assert!(message.contains(name), "{message}");
    }
    assert!(is_bad(judged(|request| request.headers.push(header("x-shop", "again")))));
}

#[test]
fn no_line_end_or_nul_gets_through_in_any_place() {
    for text in ["a\r\nx: 1", "a\nb", "a\0b", "ä", " a", "a "] {
        assert!(is_bad(judged(|request| request.headers[0].value = text.into())), "{text:?}");
        assert!(is_bad(judged(|request| request.headers[0].name = text.into())), "{text:?}");
        assert!(is_bad(judged(|request| request.content_type = format!("text/{text}"))) || text == " a", "{text:?}");
        assert!(is_bad(judged(|request| request.path = Some(format!("/{text}")))), "{text:?}");
    }
}

#[test]
fn a_path_can_neither_become_another_host_nor_climb_out() {
    for path in [
        "",
        "a",
        "//evil.example/x",
        "/../x",
        "/a/%2E%2e/b",
        "/a?b",
        "/a#b",
        "/%zz",
        "/%a",
        "https://x.example/",
        "/a\\b",
    ] {
        assert!(is_bad(judged(|request| request.path = Some(path.into()))), "{path}");
    }
    for path in ["/", "/a/b.c", "/%20", "/...", "/bot123:ABC/send"] {
        assert!(judged(|request| request.path = Some(path.into())).is_ok(), "{path}");
    }
}

#[test]
fn another_origin_must_have_been_allowed() {
    assert!(is_bad(judged(|request| request.origin = Some("https://evil.example".into()))));
    let Ok(Verdict::Send(own)) = judged(|request| request.origin = Some("https://shop.example".into())) else {
        panic!()
    };
    assert_eq!(own.origin, None);
    let Ok(Verdict::Send(other)) = judged(|request| request.origin = Some("https://other.example".into())) else {
        panic!()
    };
    assert_eq!(other.origin.as_deref(), Some("https://other.example"));
}

#[test]
fn counts_and_sizes_name_their_limit() {
    let limit = |limit, used, allowed| Err(FaultKind::Limit { limit, used, allowed });
    let body = judged(|request| request.body = vec![0; 1024 * 1024 + 1]);
    assert_eq!(body, limit(Limit::Output, 1024 * 1024 + 1, 1024 * 1024));
    let many = judged(|request| request.headers = (0..65).map(|n| header(&format!("x-{n}"), "")).collect());
    assert_eq!(many, limit(Limit::Count, 65, 64));
    let long = judged(|request| request.headers[0].value = "x".repeat(8193));
    assert_eq!(long, limit(Limit::Output, 8193, 8192));
}

#[test]
fn what_replaces_json_is_json() {
    let replaced = |data: &[u8], json| rules().verdict(types::Verdict::Replace(data.to_vec()), &webhook(&[]), json);
    assert!(replaced(br#"{"a":1}"#, true).is_ok());
    assert!(is_bad(replaced(br#"{"a":1}, "forged": {}"#, true)));
    assert!(is_bad(replaced("[".repeat(10_000).as_bytes(), true)));
    assert!(replaced(b"name,age", false).is_ok());
}

#[test]
fn a_reason_is_cut_between_characters_and_steers_no_terminal() {
    let dropped = |reason: &str| rules().verdict(types::Verdict::Drop(reason.into()), &webhook(&[]), true);
    let Ok(Verdict::Drop(reason)) = dropped(&"ä".repeat(1000)) else { panic!() };
    assert_eq!(reason, "ä".repeat(512));
    assert_eq!(dropped("\u{1b}[31m"), Ok(Verdict::Drop("\\u{1b}[31m".into())));
}

proptest! {
    #[test]
    fn whatever_header_is_accepted_could_be_written_to_the_wire(name in ".{0,12}", value in ".{0,24}") {
        if let Ok(Verdict::Send(draft)) = judged(|request| request.headers = vec![header(&name, &value)]) {
            let written = http::HeaderName::from_bytes(draft.headers[0].name.as_bytes());
            prop_assert!(written.is_ok());
            prop_assert!(http::HeaderValue::from_str(&draft.headers[0].value).is_ok());
        }
    }

    #[test]
    fn whatever_path_is_accepted_keeps_the_host(path in "[/.%a-f0-9?#@:\\\\-]{0,16}") {
        if let Ok(Verdict::Send(draft)) = judged(|request| request.path = Some(path)) {
            let joined = url::Url::parse("https://shop.example/base").unwrap().join(draft.path.as_deref().unwrap()).unwrap();
            prop_assert_eq!(joined.host_str(), Some("shop.example"));
            prop_assert_eq!(joined.path(), draft.path.as_deref().unwrap());
        }
    }
}
