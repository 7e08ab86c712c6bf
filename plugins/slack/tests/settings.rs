//! Which settings can be saved.

use serde_json::{Value, json};
use slack::Slack;
use waxwing_guest::testing;

fn refused(settings: &Value) -> Vec<String> {
    let issues = testing::check_settings::<Slack>(settings).expect_err("these settings should be refused");
    issues.into_iter().map(|issue| issue.path).collect()
}

#[test]
fn nothing_has_to_be_set() {
    assert_eq!(testing::check_settings::<Slack>(&json!({})), Ok(()));
}

#[test]
fn a_wrong_setting_is_named_by_its_pointer() {
    for (settings, path) in [
        (json!({ "titel": "x" }), ""),
        (json!({ "title": "{/a~2}" }), "/title"),
        (json!({ "title": "" }), "/title"),
        (json!({ "text": "{nobody}" }), "/text"),
        (json!({ "fields": [{ "pointer": "customer" }] }), "/fields/0/pointer"),
        (json!({ "maxFields": 21 }), "/maxFields"),
        (json!({ "link": { "url": "{/url}" } }), "/link/url"),
        (json!({ "link": { "url": "https://{/host}/" } }), "/link/url"),
        (json!({ "styles": [{ "events": "*" }] }), "/styles/0"),
    ] {
        assert_eq!(refused(&settings), [path], "{settings}");
    }
}
