//! Which settings can be saved.

use discord::Discord;
use serde_json::{Value, json};
use waxwing_guest::testing;

fn refused(settings: &Value) -> Vec<String> {
    let issues = testing::check_settings::<Discord>(settings).expect_err("these settings should be refused");
    issues.into_iter().map(|issue| issue.path).collect()
}

#[test]
fn nothing_has_to_be_set() {
    assert_eq!(testing::check_settings::<Discord>(&json!({})), Ok(()));
}

#[test]
fn a_wrong_setting_is_named_by_its_pointer() {
    for (settings, path) in [
        (json!({ "titel": "x" }), ""),
        (json!({ "title": "{/a~2}" }), "/title"),
        (json!({ "text": "{nobody}" }), "/text"),
        (json!({ "fields": [{ "pointer": "customer" }] }), "/fields/0/pointer"),
        (json!({ "maxFields": 26 }), "/maxFields"),
        (json!({ "link": { "url": "https://{/host}/" } }), "/link/url"),
        (json!({ "styles": [{ "events": "*", "color": "red" }] }), "/styles/0/color"),
        (json!({ "username": "Discord Bot" }), "/username"),
        (json!({ "threadId": "general" }), "/threadId"),
        (json!({ "threadId": "1", "threadName": "{type}" }), "/threadName"),
        (json!({ "threadName": "{" }), "/threadName"),
    ] {
        assert_eq!(refused(&settings), [path], "{settings}");
    }
}
