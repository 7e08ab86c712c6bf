//! Which settings can be saved, and that the token stays a secret.

use hubspot::Hubspot;
use serde_json::{Value, json};
use waxwing_guest::{Verdict, testing};

const TOKEN: &str = "wxs_0123456789abcdef0123456789abcdef";

fn with(change: Value) -> Value {
    let mut settings = json!({ "accessToken": TOKEN, "properties": { "firstname": "/name" } });
    if let (Value::Object(settings), Value::Object(change)) = (&mut settings, change) {
        settings.extend(change);
    }
    settings
}

#[test]
fn the_token_and_the_mapping_are_enough() {
    assert_eq!(testing::check_settings::<Hubspot>(&with(json!({}))), Ok(()));
}

#[test]
fn the_token_is_a_secret_of_the_schema() {
    let schema = testing::schema::<Hubspot>();
    assert_eq!(schema.pointer("/properties/accessToken/format"), Some(&json!("secret")));
}

#[test]
fn the_placeholder_goes_into_the_authorization_header_and_nowhere_else() {
    let event = testing::event("user.created", &json!({ "email": "a@b.c", "name": "A" }));
    let Ok(Verdict::Send(request)) = testing::run::<Hubspot>(event, with(json!({}))).verdict else {
        panic!("no request");
    };
    let headers: Vec<_> = request.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
    assert_eq!(headers, [("authorization", format!("Bearer {TOKEN}").as_str())]);
    assert_eq!(request.path.as_deref(), Some("/crm/objects/2026-03/contacts/batch/upsert"));
    assert!(!String::from_utf8_lossy(&request.body).contains("wxs_"));
}

#[test]
fn a_wrong_setting_is_named_by_its_pointer() {
    for (settings, path) in [
        (json!({}), ""),
        (with(json!({ "token": "x" })), ""),
        (with(json!({ "missingId": "ignore" })), "/missingId"),
        (with(json!({ "idPointer": "email" })), "/idPointer"),
        (with(json!({ "recordsAt": "people" })), "/recordsAt"),
        (with(json!({ "properties": { "first name": "/a" } })), "/properties/first name"),
        (with(json!({ "properties": { "firstname": "/~" } })), "/properties/firstname"),
        (with(json!({ "constants": { "firstname": "x" } })), "/constants/firstname"),
        (with(json!({ "constants": { "email": "a@b.c" } })), "/constants/email"),
        (with(json!({ "idProperty": "E-Mail" })), "/idProperty"),
    ] {
        let issues = testing::check_settings::<Hubspot>(&settings).expect_err("these settings should be refused");
        assert!(issues.iter().any(|issue| issue.path == path), "{settings}: {issues:?}");
    }
}
