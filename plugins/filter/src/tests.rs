//! What goes through, what is dropped, what is refused.

use serde_json::{Value, json};
use waxwing_guest::{Failure, Verdict, testing};

use super::*;

fn ask(jq: &str, data: Value) -> Result<Verdict, Failure> {
    testing::run::<Filter>(testing::event("order.paid", &data), json!({ "jq": jq })).verdict
}

fn refusal(jq: &str) -> String {
    match testing::check_settings::<Filter>(&json!({ "jq": jq })) {
        Err(issues) => issues.into_iter().map(|issue| format!("{}: {}", issue.path, issue.message)).collect(),
        Ok(()) => panic!("{jq} is accepted"),
    }
}

#[test]
fn samples_match_their_golden_files() {
    testing::golden::<Filter>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn the_first_output_decides_and_later_ones_are_never_made() {
    assert_eq!(ask("0", json!({})), Ok(Verdict::Pass));
    assert_eq!(ask("\"\"", json!({})), Ok(Verdict::Pass));
    assert_eq!(ask("true, error", json!({})), Ok(Verdict::Pass));
    assert_eq!(ask("true, range(infinite)", json!({})), Ok(Verdict::Pass));
    assert_eq!(ask("null, true", json!({})), Ok(Verdict::drop("the filter's output is null")));
    assert_eq!(ask("false", json!({})), Ok(Verdict::drop("the filter's output is false")));
    assert_eq!(ask("empty", json!({})), Ok(Verdict::drop("the filter has no output")));
}

#[test]
fn a_program_sees_the_whole_event() {
    let all = r#". == {type: "order.paid", id: "evt_test", timestamp: "2026-01-01T00:00:00.000Z",
        tenant: "default", environment: "production", data: {a: [1, "ü"]}}"#;
    assert_eq!(ask(all, json!({ "a": [1, "ü"] })), Ok(Verdict::Pass));
}

#[test]
fn an_error_is_a_failure_and_doesnt_quote_the_whole_event() {
    let Err(Failure::Other(message)) = ask(".data.text | error", json!({ "text": "é".repeat(5000) })) else {
        panic!("not a failure")
    };
    assert!(message.starts_with("jq: "), "{message}");
    assert!(message.chars().count() < 320, "{message}");
    assert_eq!(ask(".data.a?.b? // true", json!({ "a": 3 })), Ok(Verdict::Pass));
}

#[test]
fn data_that_isnt_json_is_a_failure() {
    let mut event = testing::event("order.paid", &Value::Null);
    event.data = b"a=1".to_vec();
    let verdict = testing::run::<Filter>(event, json!({ "jq": "true" })).verdict;
    assert!(matches!(verdict, Err(Failure::InvalidEvent(_))), "{verdict:?}");
}

#[test]
fn a_program_that_doesnt_compile_cant_be_saved() {
    assert_eq!(refusal(".a ="), "/jq: expected term at byte 4");
    assert_eq!(refusal(".a | selct(.b)"), "/jq: undefined filter `selct` at byte 5");
    assert_eq!(refusal("$x"), "/jq: undefined variable `$x` at byte 0");
    assert_eq!(refusal("import \"a\" as a; ."), "/jq: module loading not supported at byte 8");
    assert_eq!(refusal("\"abc"), "/jq: expected closing quote at byte 4");
    assert!(refusal("").starts_with("/jq: "));
}

#[test]
fn a_definition_of_its_own_hides_the_preludes() {
    assert_eq!(ask("def map(f): \"mine\"; .data | map(.) == \"mine\"", json!([1])), Ok(Verdict::Pass));
}
