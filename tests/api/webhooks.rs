//! `/api/webhooks`.

use serde_json::{Value, json};

use crate::world::{World, pointers};

#[tokio::test]
async fn a_webhook_is_made_with_a_secret_that_is_shown_once() {
    let world = World::start().await;
    let made = world
        .post("/api/webhooks", json!({ "url": "https://example.com/hook", "events": ["license.*"], "name": "Shop" }))
        .await;
    assert_eq!(made.status, 201);
    let made = made.body;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let id = made["id"].as_str().unwrap();
    let shown = world.get(&format!("/api/webhooks/{id}")).await.ok();
    assert!(shown.get("secret").is_none());
    for (field, value) in [
        ("url", json!("https://example.com/hook")),
        ("events", json!(["license.*"])),
        ("isActive", json!(true)),
        ("status", json!("active")),
        ("tenant", json!("default")),
        ("environment", json!("production")),
        ("format", json!("standard")),
        ("retry", json!("standard")),
        ("timeoutSeconds", json!(10)),
        ("plugins", json!([])),
        ("signingSecrets", json!(1)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_patch_keeps_what_it_does_not_name_and_null_puts_the_default_back() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let change = json!({ "name": "CRM", "timeoutSeconds": 30, "headers": { "X-Key": "abc" }, "rateLimit": 5, "retry": { "delaysSeconds": [1, 2] } });
    let changed = world.patch(&path, change).await.ok();
    assert_eq!(changed["headers"], json!({ "x-key": "abc" }));
    assert_eq!(changed["events"], json!(["*"]));
    let reset = world
        .patch(&path, json!({ "timeoutSeconds": null, "headers": null, "rateLimit": null, "retry": null }))
        .await
        .ok();
    assert_eq!(
        (&reset["timeoutSeconds"], &reset["headers"], &reset["rateLimit"]),
        (&json!(10), &json!({}), &Value::Null)
    );
    assert_eq!((&reset["name"], &reset["retry"]), (&json!("CRM"), &json!("standard")));
    let revisions = world.get(&format!("{path}/revisions")).await.ok();
    assert_eq!(revisions["data"].as_array().unwrap().len(), 3);
    assert_eq!(revisions["data"][0]["id"], reset["revision"]);
}

#[tokio::test]
async fn a_list_is_searched_filtered_and_paged_without_gaps() {
    let world = World::start().await;
    for (name, environment) in [("alpha", "production"), ("beta", "staging"), ("gamma", "production")] {
        world.webhook_with(json!({ "events": ["*"], "name": name, "environment": environment })).await;
    }
    let names = |listed: &Value| -> Vec<String> {
        listed["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&world.get("/api/webhooks").await.ok()), ["gamma", "beta", "alpha"]);
    assert_eq!(names(&world.get("/api/webhooks?search=ALP").await.ok()), ["alpha"]);
    assert_eq!(names(&world.get("/api/webhooks?search=secret-path&environment=staging").await.ok()), ["beta"]);
    assert_eq!(names(&world.get("/api/webhooks?status=disabled").await.ok()), Vec::<String>::new());
    let first = world.get("/api/webhooks?limit=2").await.ok();
    world.webhook_with(json!({ "events": ["*"], "name": "newer" })).await;
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("/api/webhooks?limit=2&after={next}")).await.ok();
    assert_eq!((names(&first), names(&second)), (vec!["gamma".into(), "beta".into()], vec!["alpha".to_owned()]));
    assert!(second.get("next").is_none());
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap_where_the_format_can() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let rotated = world.post(&format!("{path}/rotate-secret"), json!({ "overlapSeconds": 3600 })).await.ok();
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(world.get(&path).await.ok()["signingSecrets"], json!(2));
    world.patch(&path, json!({ "format": "cryptlex" })).await.ok();
    let refused = world.post(&format!("{path}/rotate-secret"), json!({ "overlapSeconds": 60 })).await;
    assert_eq!(pointers(&refused.refused(422, "overlap-unsupported")), ["/overlapSeconds"]);
    let own = world.post(&format!("{path}/rotate-secret"), json!({ "secret": "any token" })).await.ok();
    assert_eq!(own["secret"], json!("any token"));
    let misfit = world.patch(&path, json!({ "format": "standard" })).await;
    assert_eq!(pointers(&misfit.refused(422, "secret-unusable")), ["/secret"]);
}

#[tokio::test]
async fn a_paused_webhook_holds_its_deliveries_and_resuming_releases_them_in_order() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    assert_eq!(world.post(&format!("/api/webhooks/{id}/pause"), json!({})).await.ok()["status"], json!("paused"));
    for number in 0..3 {
        world.publish("order.paid", json!({ "number": number })).await;
    }
    world.deliver().await;
    assert!(world.sink.requests().is_empty());
    assert_eq!(world.get(&format!("/api/webhooks/{id}/stats")).await.ok()["waiting"], json!(3));
    assert_eq!(world.post(&format!("/api/webhooks/{id}/resume"), json!({})).await.ok()["status"], json!("active"));
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 3);
}

#[tokio::test]
async fn disabling_cancels_what_is_pending_and_deleting_keeps_the_log() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    world.sink.answers(&[500]);
    let event = world.publish("order.paid", json!({})).await;
    world.deliver().await;
    assert_eq!(world.delivery_of(&event).await["status"], json!("pending"));
    let disabled = world.patch(&path, json!({ "isActive": false })).await.ok();
    assert_eq!((&disabled["status"], &disabled["disabledReason"]), (&json!("disabled"), &json!("user")));
    assert_eq!(world.delivery_of(&event).await["status"], json!("cancelled"));
    world.post(&format!("{path}/resume"), json!({})).await.refused(409, "webhook-disabled");
    assert_eq!(world.delete(&path).await.status, 204);
    world.get(&path).await.refused(404, "not-found");
    assert_eq!(world.delivery_of(&event).await["webhookId"], json!(id));
}

#[tokio::test]
async fn a_test_answers_in_one_call_how_it_went() {
    let world = World::start().await;
    let id = world.webhook(&["license.*"]).await;
    world.sink.answers(&[204, 500]);
    let tested = world.post("/api/webhooks/test", json!({ "webhookId": id })).await.ok();
    assert_eq!((&tested["success"], &tested["statusCode"]), (&json!(true), &json!(204)));
    assert!(tested["deliveryId"].as_str().unwrap().starts_with("delivery_test_"));
    assert!(tested["responseTime"].is_u64() && tested["error"].is_null());
    let failed = world
        .post("/api/webhooks/test", json!({ "webhookId": id, "type": "license.expired", "data": { "a": 1 } }))
        .await
        .ok();
    assert_eq!(
        (&failed["success"], &failed["error"], &failed["response"]["body"]),
        (&json!(false), &json!("answered 500"), &json!("seen"))
    );
    assert!(world.sink.requests()[1].1.contains(r#""data":{"a":1}"#));
    assert_eq!(world.get(&format!("/api/webhooks/{id}/stats")).await.ok()["attempts"], json!(0));
    let unknown = world.post("/api/webhooks/test", json!({ "webhookId": "webhook_0000000000000" })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-webhook")), ["/webhookId"]);
}

#[tokio::test]
async fn a_preview_shows_the_signed_request_and_sends_nothing() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let preview = world
        .post(&format!("/api/webhooks/{id}/preview"), json!({ "event": { "type": "a.b", "data": { "x": 1 } } }))
        .await
        .ok();
    assert_eq!(preview["request"]["method"], json!("POST"));
    assert!(preview["request"]["body"].as_str().unwrap().ends_with(r#""data":{"x":1}}"#), "{preview:#}");
    assert!(!preview["request"]["url"].as_str().unwrap().contains("secret-path"));
    let headers = preview["request"]["headers"].as_array().unwrap();
    assert!(headers.iter().any(|header| header["name"] == json!("webhook-signature")));
    assert!(world.sink.requests().is_empty());
}

#[tokio::test]
async fn a_preview_of_a_change_shows_what_would_be_sent_after_it_and_saves_nothing() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}/preview");
    let change = json!({ "format": "github", "headers": { "x-key": "abc" }, "plugins": [{ "plugin": "template",
        "settings": { "template": "hello", "contentType": "text/plain" } }] });
    let preview = world.post(&path, json!({ "change": change })).await.ok();
    assert_eq!(preview["request"]["body"], json!("hello"), "{preview:#}");
    let headers = preview["request"]["headers"].to_string();
    assert!(headers.contains("x-hub-signature-256") && headers.contains("x-key"), "{headers}");
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["format"], "standard");
    let refused = world.post(&path, json!({ "change": { "timeoutSeconds": 90 } })).await.refused(422, "out-of-bounds");
    assert_eq!(pointers(&refused), ["/change/timeoutSeconds"]);
    let both = world.post(&path, json!({ "change": {}, "plugins": [] })).await.refused(422, "invalid-value");
    assert_eq!(pointers(&both), ["/plugins"]);
}

#[tokio::test]
async fn a_webhook_is_previewed_before_there_is_one_and_each_stage_shows_what_it_left() {
    let world = World::start().await;
    let plugins = json!([{ "plugin": "redact", "settings": { "remove": ["/card"] } },
        { "plugin": "template", "settings": { "template": "hello", "contentType": "text/plain" } }]);
    let webhook = json!({ "url": world.sink.url(), "events": ["*"], "format": "github", "plugins": plugins });
    let event = json!({ "type": "order.paid", "data": { "card": "4242", "total": 5 } });
    let path = "/api/webhooks/preview";
    let preview = world.post(path, json!({ "webhook": webhook, "event": event })).await.ok();
    assert_eq!(preview["stages"][0]["output"], json!(r#"{"total":5}"#), "{preview:#}");
    assert_eq!((&preview["stages"][1]["output"], &preview["request"]["body"]), (&json!("hello"), &json!("hello")));
    assert!(preview["request"]["headers"].to_string().contains("x-hub-signature-256"), "{preview:#}");
    assert_eq!(world.get("/api/webhooks").await.ok()["data"], json!([]));
    let refused = world.post(path, json!({ "webhook": { "events": ["*"] } })).await.refused(422, "missing");
    assert_eq!(pointers(&refused), ["/webhook/url"]);
    let unknown = world.post(path, json!({ "webhook": webhook, "eventId": "evt_0000000000000" })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-event")), ["/eventId"]);
}

#[tokio::test]
async fn a_change_can_bring_a_new_secret_that_fits_the_new_format() {
    let world = World::start().await;
    let id = world.webhook(&["*"]).await;
    let path = format!("/api/webhooks/{id}");
    let renewed = world.patch(&path, json!({ "name": "a", "newSecret": { "overlapSeconds": 60 } })).await.ok();
    assert!(renewed["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&renewed["name"], &renewed["signingSecrets"]), (&json!("a"), &json!(2)));
    let keygen = json!({ "format": "keygen", "formatOptions": { "account": "acme" } });
    world.patch(&path, keygen.clone()).await.refused(422, "secret-unusable");
    let mut with_key = keygen;
    with_key["newSecret"] = json!({ "overlapSeconds": 60 });
    let refused = world.patch(&path, with_key.clone()).await;
    assert!(refused.status == 422 && refused.body.to_string().contains("/newSecret/overlapSeconds"), "{refused:?}");
    with_key["newSecret"] = json!({});
    assert!(world.patch(&path, with_key).await.ok()["secret"].as_str().unwrap().starts_with("whsk_"));
    assert_eq!(world.patch(&path, json!({ "name": "b" })).await.ok()["secret"], json!(null));
    let made = world.post("/api/webhooks", json!({ "url": world.sink.url(), "events": ["*"], "newSecret": {} })).await;
    assert_eq!(pointers(&made.refused(422, "not-changeable")), ["/newSecret"]);
}

#[tokio::test]
async fn recovery_brings_back_what_failed_and_what_was_missed_each_once() {
    let world = World::start().await;
    let id = world.webhook_with(json!({ "events": ["*"], "retry": { "delaysSeconds": [] } })).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.sink.answers(&[500]);
    world.publish("order.failed", json!({})).await;
    world.deliver().await;
    world.patch(&format!("/api/webhooks/{id}"), json!({ "isActive": false })).await.ok();
    world.publish("order.missed", json!({})).await;
    world.patch(&format!("/api/webhooks/{id}"), json!({ "isActive": true })).await.ok();
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 1);
    let path = format!("/api/webhooks/{id}/recover");
    let all = json!({ "since": "2020-01-01T00:00:00Z", "missed": true, "dryRun": true });
    assert_eq!(world.post(&path, all).await.ok()["count"], json!(2));
    assert_eq!(world.deliver().await, 0, "a dry run makes nothing");
    let recovered = world.post(&path, json!({ "since": "2020-01-01T00:00:00Z", "missed": true })).await.ok();
    assert_eq!(recovered["count"], json!(2));
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 3);
    world
        .post(&path, json!({ "since": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z" }))
        .await
        .refused(422, "out-of-bounds");
}

#[tokio::test]
async fn a_template_fills_in_what_the_request_leaves_open() {
    let world = World::start().await;
    let made = world
        .post(
            "/api/webhooks",
            json!({ "template": "slack-alerts", "url": "https://hooks.slack.com/services/T/B/abcd" }),
        )
        .await
        .ok();
    assert_eq!((&made["name"], &made["plugins"][0]["plugin"]), (&json!("Slack alerts"), &json!("slack")));
    assert!(made["events"].as_array().unwrap().contains(&json!("license.activated")));
    let unknown = world.post("/api/webhooks", json!({ "template": "pigeons", "url": "https://example.com" })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-template")), ["/template"]);
}

#[tokio::test]
async fn those_that_want_a_type_or_use_a_plugin_are_found() {
    let world = World::start().await;
    let chain = json!([{ "plugin": "slack" }]);
    let slack = world.webhook_with(json!({ "events": ["license.*"], "plugins": chain })).await;
    let plain = world.webhook_with(json!({ "events": ["order.paid"] })).await;
    let version = slack["plugins"][0]["version"].as_str().unwrap();
    for (query, found) in [
        ("type=license.activated", &slack["id"]),
        ("type=order.paid", &plain["id"]),
        ("plugin=slack", &slack["id"]),
        (&format!("plugin=slack@{version}"), &slack["id"]),
    ] {
        let listed = world.get(&format!("/api/webhooks?{query}")).await.ok();
        let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|webhook| &webhook["id"]).collect();
        assert_eq!(ids, [found], "{query}");
    }
    for query in ["type=order.lost", "plugin=filter", "plugin=slack@9.9.9"] {
        assert_eq!(world.get(&format!("/api/webhooks?{query}")).await.ok()["data"], json!([]), "{query}");
    }
    world.get("/api/webhooks?type=a..b").await.refused(422, "invalid-parameter");
}
