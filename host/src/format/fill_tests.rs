//! What is filled and what is refused; `fill.rs` says why.

use bytes::Bytes;
use proptest::prelude::*;

use super::fill::{FillError, Filled, fill, holds_placeholder};
use crate::model::placeholder::Filling;
use crate::model::request::{Header, Method, RequestDraft};
use crate::model::secret::Secret;

const OURS: &str = "wxs_0123456789abcdef0123456789abcdef";
const FOREIGN: &str = "wxs_ffffffffffffffffffffffffffffffff";
const WEBHOOK: &str = "https://example.com/hook?own=1";

fn draft(body: &str) -> RequestDraft {
    RequestDraft {
        method: Method::Post,
        path: None,
        origin: None,
        query: Vec::new(),
        headers: Vec::new(),
        content_type: "application/json".into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        stage: 0,
    }
}

fn with_header(value: &str) -> RequestDraft {
    RequestDraft { headers: vec![Header { name: "authorization".into(), value: value.into() }], ..draft("{}") }
}

fn with_path(path: &str) -> RequestDraft {
    RequestDraft { path: Some(path.into()), ..draft("{}") }
}

fn with_query(name: &str, value: &str) -> RequestDraft {
    RequestDraft { query: vec![(name.into(), value.into())], ..draft("{}") }
}

fn filled(draft: &RequestDraft, value: &str) -> Result<Filled, FillError> {
    let filling = Filling { placeholder: OURS.into(), value: Secret::new(value) };
    fill(draft, &WEBHOOK.parse().unwrap(), &[filling])
}

fn body_of(body: &str, value: &str) -> Result<String, FillError> {
    filled(&draft(body), value).map(|filled| String::from_utf8(filled.body.to_bytes().to_vec()).unwrap())
}

#[test]
fn a_header_is_filled_as_a_whole_or_after_bearer() {
    let value = |text: &str| filled(&with_header(text), "s3cret").map(|filled| filled.headers[0].value.to_string());
    assert_eq!(value(OURS), Ok("s3cret".into()));
    assert_eq!(value(&format!("Bearer {OURS}")), Ok("Bearer s3cret".into()));
    assert_eq!(value("Bearer nothing"), Ok("Bearer nothing".into()));
    let beside = FillError::Misplaced("beside other text in a header");
    assert_eq!(value(&format!("Basic {OURS}")), Err(beside.clone()));
    assert_eq!(value(&format!("{OURS}{OURS}")), Err(beside));
    assert_eq!(value(FOREIGN), Err(FillError::Foreign));
}

#[test]
fn a_value_that_would_end_the_header_is_refused() {
    for value in ["a\r\nx: y", "a\0", "é", ""] {
        assert_eq!(filled(&with_header(OURS), value).err(), Some(FillError::Unusable("in a header")), "{value:?}");
    }
}

#[test]
fn a_json_string_is_filled_whole_and_escaped() {
    let body = format!(r#"{{"a\"": ["{OURS}", 1], "b":"{OURS}"}}"#);
    assert_eq!(body_of(&body, "q\"\\\n"), Ok(r#"{"a\"": ["q\"\\\n", 1], "b":"q\"\\\n"}"#.into()));
}

#[test]
fn a_secret_never_stands_in_part_of_a_string_as_a_key_or_outside_json() {
    let misplaced = FillError::Misplaced("in part of a JSON string, or as a key");
    for body in [
        format!(r#"{{"a":"x {OURS}"}}"#),
        format!(r#"{{"a":"\"{OURS}\""}}"#),
        format!(r#"{{"{OURS}" : 1}}"#),
        format!(r#"[{OURS}]"#),
        format!(r#"{{"a":"{OURS}","b":"{OURS}!"}}"#),
    ] {
        assert_eq!(body_of(&body, "x"), Err(misplaced.clone()), "{body}");
    }
    assert_eq!(body_of(&format!(r#""{FOREIGN}""#), "x"), Err(FillError::Foreign));
    let form =
        RequestDraft { content_type: "application/x-www-form-urlencoded".into(), ..draft(&format!("token={OURS}")) };
    assert_eq!(filled(&form, "x").err(), Some(FillError::Misplaced("in a body that isn't JSON")));
}

#[test]
fn a_path_segment_and_a_query_value_are_filled_encoded() {
    let url = |draft: &RequestDraft, value: &str| filled(draft, value).map(|filled| filled.url.to_string());
    let segment = with_path(&format!("/bot/{OURS}/send"));
    assert_eq!(url(&segment, "1:a/../b?c#d"), Ok("https://example.com/bot/1:a%2F..%2Fb%3Fc%23d/send?own=1".into()));
    assert_eq!(url(&with_query("key", OURS), "a&b=c"), Ok("https://example.com/hook?own=1&key=a%26b%3Dc".into()));
    for value in ["", ".", ".."] {
        assert_eq!(url(&segment, value), Err(FillError::Unusable("in a path")), "{value:?}");
    }
    let beside = with_path(&format!("/bot{OURS}/send"));
    assert_eq!(url(&beside, "x"), Err(FillError::Misplaced("beside other text in a path")));
    assert_eq!(url(&with_query(OURS, "x"), "x"), Err(FillError::Misplaced("as the name of a query parameter")));
}

#[test]
fn what_may_be_shown_keeps_the_placeholder() {
    let shown = filled(&with_query("key", OURS), "s3cret").unwrap().shown_url;
    assert_eq!(shown.as_str(), format!("https://example.com/hook?own=1&key={OURS}"));
}

#[test]
fn nothing_secret_goes_to_another_origin() {
    let origin = Some("https://other.example".to_owned());
    for draft in
        [draft(&format!(r#""{OURS}""#)), with_header(OURS), with_query("key", OURS), with_path(&format!("/{OURS}"))]
    {
        let elsewhere = RequestDraft { origin: origin.clone(), ..draft.clone() };
        assert_eq!(filled(&elsewhere, "s3cret").err(), Some(FillError::OtherOrigin));
        assert!(filled(&RequestDraft { origin: Some("https://example.com".into()), ..draft }, "s3cret").is_ok());
    }
    assert!(filled(&RequestDraft { origin, ..draft("{}") }, "s3cret").is_ok());
}

#[test]
fn another_string_of_the_same_length_stays_as_it_is() {
    let body = |id: &str| format!(r#"{{"key":"{id}","id":"550e8400-e29b-41d4-a716-446655440000"}}"#);
    assert_eq!(body_of(&body(OURS), "s3cret"), Ok(body("s3cret")));
}

#[test]
fn an_ordinary_body_is_not_copied() {
    let draft = draft(r#"{"a":"wxs_0123"}"#);
    assert_eq!(filled(&draft, "x").unwrap().body.0[0].as_ptr(), draft.body.as_ptr());
    assert!(!holds_placeholder(b"wxs_0123456789ABCDEF0123456789abcdef"));
}

proptest! {
    #[test]
    fn whatever_the_secret_the_body_stays_the_same_json_around_it(value in "\\PC{0,40}", key in "\\PC{0,10}") {
        let template = serde_json::json!({ "a": [OURS, key, "\\\""], "z": null });
        let filled = body_of(&template.to_string(), &value).unwrap();
        let expected = serde_json::json!({ "a": [value, key, "\\\""], "z": null });
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&filled).unwrap(), expected);
    }

    #[test]
    fn whatever_the_secret_it_is_one_path_segment_and_one_query_value(value in "\\PC{1,40}") {
        prop_assume!(value != "." && value != "..");
        let draft = RequestDraft { path: Some(format!("/a/{OURS}/b")), ..with_query("key", OURS) };
        let url = filled(&draft, &value).unwrap().url;
        prop_assert_eq!(url.path_segments().unwrap().count(), 3);
        let (_, key) = url.query_pairs().find(|(name, _)| name == "key").unwrap();
        prop_assert_eq!(key, value);
        prop_assert_eq!(url.host_str(), Some("example.com"));
    }
}
