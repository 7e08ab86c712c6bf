//! What is rendered, what can't be broken out of.

use proptest::prelude::*;
use serde_json::{Value, json};
use waxwing_guest::{Failure, Request, Verdict, testing};

use super::*;

fn run(data: &Value, settings: Value) -> Result<Verdict, Failure> {
    testing::run::<Template>(testing::event("order.paid", data), settings).verdict
}

fn sent(data: &Value, settings: Value) -> Request {
    match run(data, settings) {
        Ok(Verdict::Send(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn body(data: &Value, settings: Value) -> String {
    String::from_utf8(sent(data, settings).body).expect("templates are text")
}

#[test]
fn samples_match_their_golden_files() {
    testing::golden::<Template>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_missing_value_fails_or_is_empty_as_the_settings_say() {
    let template = json!({ "template": "{\"a\": \"{{ data.a.b }}\"}" });
    let Err(Failure::InvalidEvent(message)) = run(&json!({}), template.clone()) else { panic!("it rendered") };
    assert!(message.contains("undefined") && message.contains("line 1"), "{message}");

    let mut lenient = template;
    lenient["missing"] = "empty".into();
    assert_eq!(body(&json!({}), lenient), "{\"a\": \"\"}");
    let defaulted = json!({ "template": "\"{{ data.a | default('none') }}\"" });
    assert_eq!(body(&json!({}), defaulted), "\"none\"");
}

#[test]
fn keys_keep_the_events_order() {
    assert_eq!(body(&json!({ "z": 1, "a": 2 }), json!({ "template": "{{ data | tojson }}" })), "{\"z\": 1, \"a\": 2}");
}

#[test]
fn the_secret_is_written_as_its_placeholder() {
    let settings = json!({
        "template": "{\"key\": \"{{ secret }}\"}", "secret": "wxs_00", "headers": { "authorization": "Bearer {{ secret }}" },
    });
    let request = sent(&json!({}), settings);
    assert_eq!(request.headers[0].value, "Bearer wxs_00");
    assert_eq!(request.body, b"{\"key\": \"wxs_00\"}");
}

#[test]
fn a_path_cant_be_climbed_by_an_event() {
    for (id, expected) in [("a/b?c#d", "/v1/a%2Fb%3Fc%23d/x"), ("ü", "/v1/%C3%BC/x"), ("...", "/v1/.../x")] {
        let settings = json!({ "template": "1", "path": "/v1/{{ data.id }}/x" });
        assert_eq!(sent(&json!({ "id": id }), settings).path.as_deref(), Some(expected));
    }
}

#[test]
#[should_panic(expected = "the host would refuse this verdict")]
fn a_path_with_a_dot_segment_of_an_events_is_refused_by_the_host() {
    let settings = json!({ "template": "1", "path": "/v1/{{ data.id }}/x" });
    let _ = sent(&json!({ "id": ".." }), settings);
}

#[test]
fn templates_that_dont_parse_are_refused_with_their_places() {
    let settings = json!({ "template": "{% if %}", "query": { "a/b": "{{" }, "headers": { "x-a": "{{ id }}" } });
    let issues = testing::check_settings::<Template>(&settings).expect_err("refused");
    let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_str()).collect();
    assert_eq!(paths, ["/template", "/query/a~1b"]);
    assert!(issues[0].message.contains("line 1"), "{issues:?}");
}

#[test]
fn the_content_type_says_how_values_are_escaped() {
    for (content_type, expected) in [
        ("application/vnd.api+json; charset=utf-8", "<\\\"&"),
        ("text/xml", "&lt;&quot;&amp;"),
        ("text/html; charset=utf-8", "&lt;&quot;&amp;"),
        ("application/x-www-form-urlencoded", "%3C%22%26"),
        ("text/plain", "<\"&"),
    ] {
        let template = if content_type.contains("json") { "\"{{ data }}\"" } else { "{{ data }}" };
        let made = body(&json!("<\"&"), json!({ "template": template, "contentType": content_type }));
        assert_eq!(made.trim_start_matches('"').trim_end_matches('"'), expected, "{content_type}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_out_of_a_json_string(text in any::<String>()) {
        let made = body(&json!({ "t": text }), json!({ "template": "{\"a\": \"<{{ data.t }}>\", \"b\": {{ data.t | tojson }}}" }));
        let made: Value = serde_json::from_str(&made).expect("JSON");
        prop_assert_eq!(made, json!({ "a": format!("<{text}>"), "b": text }));
    }

    #[test]
    fn no_text_breaks_out_of_a_form_field(text in any::<String>()) {
        let settings = json!({ "template": "a={{ data }}", "contentType": "application/x-www-form-urlencoded" });
        let made = body(&json!(text), settings);
        prop_assert!(made.bytes().skip(2).all(|byte| byte.is_ascii_alphanumeric() || b"%-_.~".contains(&byte)));
    }
}
