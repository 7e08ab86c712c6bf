//! What is redacted, what is left alone.

use proptest::prelude::*;
use serde_json::{Value, json};
use waxwing_guest::{Failure, Verdict, testing};

use super::*;

fn redacted(data: &str, settings: Value) -> String {
    let mut event = testing::event("user.created", &Value::Null);
    event.data = data.as_bytes().to_vec();
    match testing::run::<Redact>(event, settings).verdict {
        Ok(Verdict::Replace(data)) => String::from_utf8(data).expect("JSON is UTF-8"),
        Ok(Verdict::Pass) => data.to_owned(),
        other => panic!("{other:?}"),
    }
}

fn paths_of(settings: Value) -> Vec<String> {
    let issues = testing::check_settings::<Redact>(&settings).expect_err("refused");
    issues.into_iter().map(|issue| issue.path).collect()
}

#[test]
fn samples_match_their_golden_files() {
    testing::golden::<Redact>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn what_no_pointer_leads_to_keeps_its_very_bytes() {
    let data = r#"{"z": [1.0e2,  "\u0041"], "a": {"secret": 1, "n": 100000000000000000000001}, "b" : { "x" : 1 }}"#;
    assert_eq!(
        redacted(data, json!({ "mask": ["/a/secret"], "maskWith": "-" })),
        r#"{"z":[1.0e2,  "\u0041"],"a":{"secret":"-","n":100000000000000000000001},"b":{ "x" : 1 }}"#
    );
}

#[test]
fn a_pointer_that_leads_nowhere_changes_nothing() {
    let event = testing::event("user.created", &json!({ "a": [1, 2], "b": "text" }));
    let settings = json!({ "mask": ["/a/7", "/a/-", "/b/c", "/x/*/y"], "remove": ["/a/01"] });
    assert_eq!(testing::run::<Redact>(event, settings).verdict, Ok(Verdict::Pass));
}

#[test]
fn removed_elements_are_counted_as_they_were_before() {
    assert_eq!(redacted("[0,1,2,3]", json!({ "remove": ["/1", "/2"] })), "[0,3]");
    assert_eq!(redacted(r#"{"a":1,"b":2}"#, json!({ "remove": ["/*"] })), "{}");
}

#[test]
fn a_key_is_compared_as_what_it_means_and_every_duplicate_is_redacted() {
    assert_eq!(redacted(r#"{"\u0061":1,"a":2}"#, json!({ "mask": ["/a"], "maskWith": "" })), r#"{"a":"","a":""}"#);
    assert_eq!(redacted(r#"{"a/b":1,"m~n":2}"#, json!({ "remove": ["/a~1b", "/m~0n"] })), "{}");
}

#[test]
fn where_pointers_meet_removing_wins_and_a_masked_value_hides_what_is_below() {
    assert_eq!(redacted(r#"{"a":{"b":1}}"#, json!({ "mask": ["/a/*"], "remove": ["/a/b"] })), r#"{"a":{}}"#);
    assert_eq!(redacted(r#"{"a":{"b":1}}"#, json!({ "mask": ["/a"], "remove": ["/a/b"] })), r#"{"a":"[redacted]"}"#);
}

#[test]
fn data_that_isnt_json_fails_rather_than_passing() {
    let mut event = testing::event("user.created", &Value::Null);
    event.data = b"{\"password\": \"hunter2\"".to_vec();
    let run = testing::run::<Redact>(event, json!({ "mask": ["/password"] }));
    assert!(matches!(run.verdict, Err(Failure::InvalidEvent(_))), "{run:?}");
}

#[test]
fn unusable_settings_are_refused_with_their_places() {
    assert_eq!(paths_of(json!({ "mask": ["/a", "a.b", ""], "remove": ["/a~2"] })), ["/mask/1", "/mask/2", "/remove/0"]);
    assert_eq!(paths_of(json!({})), [""]);
    assert_eq!(paths_of(json!({ "masks": ["/a"] })), [""]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c\"]{0,3}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c/~]{1,2}", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    // serde_json's own `pointer_mut` is the oracle: it shares no code with ours.
    #[test]
    fn one_masked_pointer_is_what_setting_it_gives(data in any_json(), pointer in "(/[a-c0-2]{1,2}){1,3}") {
        let mut expected = data.clone();
        if let Some(value) = expected.pointer_mut(&pointer) {
            *value = "[redacted]".into();
        }
        let made: Value = serde_json::from_str(&redacted(&data.to_string(), json!({ "mask": [pointer] }))).expect("JSON");
        prop_assert_eq!(made, expected);
    }
}
