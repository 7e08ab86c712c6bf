use proptest::prelude::*;

use super::*;

fn problem(text: &str) -> Problem {
    check(text.as_bytes()).unwrap_err().problem
}

#[test]
fn a_key_may_not_stand_twice_however_it_is_written() {
    assert_eq!(problem(r#"{"a":1,"b":[{"c":1,"\u0063":2}]}"#), Problem::DuplicateKey("c".into()));
    let many: String = (0..40).map(|n| format!(r#""k{n}":{n},"#)).collect();
    assert_eq!(problem(&format!(r#"{{{many}"k7":0}}"#)), Problem::DuplicateKey("k7".into()));
    assert_eq!(check(br#"{"a":{"a":1},"b":{"a":1}}"#), Ok(()));
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(DEPTH_MAX).as_bytes()), Ok(()));
    assert_eq!(problem(&nested(DEPTH_MAX + 1)), Problem::TooDeep);
    assert_eq!(problem(&"[".repeat(1_000_000)), Problem::TooDeep);
}

#[test]
fn what_is_not_json_is_refused_where_it_goes_wrong() {
    let cases =
        ["", "{", "[1,]", "{\"a\"}", "01", "1.", "-", "\"\\x\"", "tru", "{} x", "\"\n\"", "\"\\ud800\"", "'a'", "nan"];
    for text in cases {
        assert!(check(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(check(b"[1, x]").unwrap_err().at, 4);
    assert_eq!(check(b"\"\xff\"").unwrap_err().problem, Problem::NotUtf8);
}

proptest! {
    /// `serde_json` is the oracle for everything but duplicate keys and huge numbers.
    #[test]
    fn it_agrees_with_another_reader(text in r#"[\[\]{}",:0-9truefalsn\\ .eE+\-u]{0,24}"#) {
        let other = serde_json::from_str::<serde_json::Value>(&text);
        match check(text.as_bytes()) {
            Ok(()) => prop_assert!(other.is_ok() || text.contains(['e', 'E']), "{text}"),
            Err(BadJson { problem: Problem::DuplicateKey(_), .. }) => prop_assert!(other.is_ok()),
            Err(error) => prop_assert!(other.is_err(), "{text}: {error}"),
        }
    }

    #[test]
    fn every_text_that_serde_writes_is_accepted(strings in proptest::collection::vec(any::<String>(), 0..8)) {
        let text = serde_json::json!({ "list": strings, "nested": { "empty": {}, "none": null } }).to_string();
        prop_assert_eq!(check(text.as_bytes()), Ok(()));
    }
}
