//! `/api/plugins`: uploading what is one, and refusing what isn't.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ADMIN, Answer, World, pointers};

async fn upload(world: &World, wasm: Vec<u8>) -> Answer {
    let request = world.request(Method::POST, "/api/plugins").bearer_auth(ADMIN);
    world.send(request.header("content-type", "application/wasm").body(wasm)).await
}

fn component(name: &str) -> Vec<u8> {
    let found = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == name);
    found.unwrap_or_else(|| panic!("no bundled plugin {name}")).wasm.to_vec()
}

#[tokio::test]
async fn the_bundled_plugins_are_there_from_the_start() {
    let world = World::start().await;
    let listed = world.get("/api/plugins").await.ok();
    let names: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    for plugin in waxwing_bundle::plugins() {
        assert!(names.contains(&plugin.name), "{} is not in {names:?}", plugin.name);
        let shown = world.get(&format!("/api/plugins/{}", plugin.name)).await.ok();
        assert!(shown["bundled"] == json!(true) && shown["settingsSchema"].is_object(), "{shown:#}");
        assert!(shown["digest"].as_str().unwrap().starts_with("sha256:"));
        let versions = world.get(&format!("/api/plugins/{}/versions", plugin.name)).await.ok();
        assert_eq!(versions["data"].as_array().unwrap().len(), 1);
    }
    world.get("/api/plugins/pigeons").await.refused(404, "not-found");
}

#[tokio::test]
async fn the_same_component_again_is_no_second_one_and_a_form_will_do() {
    let world = World::start().await;
    let made = upload(&world, waxwing_bundle::faulty().to_vec()).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    assert!(made.body["imports"].is_array());
    assert_eq!(upload(&world, waxwing_bundle::faulty().to_vec()).await.status, 200);
    let boundary = "edge-of-the-form";
    let mut form =
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.wasm\"\r\n\r\n")
            .into_bytes();
    form.extend_from_slice(waxwing_bundle::faulty());
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let request = world.request(Method::POST, "/api/plugins").bearer_auth(ADMIN);
    let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}"));
    assert_eq!(world.send(request.body(form)).await.status, 200);
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_by_its_reason_and_leaves_nothing() {
    let world = World::start().await;
    let before = world.get("/api/plugins").await.ok();
    let whole = component("slack");
    upload(&world, b"hello".to_vec()).await.refused(422, "not-wasm");
    upload(&world, b"\0asm\x01\0\0\0".to_vec()).await.refused(422, "core-module");
    upload(&world, whole[..whole.len() / 2].to_vec()).await.refused(422, "component-malformed");
    let component = |text: &str| wat::parse_str(format!("(component {text})")).unwrap();
    let foreign = upload(&world, component(r#"(import "wasi:http/types@0.2.0" (instance))"#)).await;
    assert!(foreign.refused(422, "foreign-import")["import"].as_str().unwrap().starts_with("wasi:http/types"));
    let newer = component(r#"(import "waxwing:plugin/log@9.0.0" (instance))"#);
    upload(&world, newer).await.refused(422, "unknown-world");
    upload(&world, vec![0; 16 * 1024 * 1024 + 1]).await.refused(413, "body-too-large");
    let request = world.request(Method::POST, "/api/plugins").bearer_auth(ADMIN).header("content-type", "text/plain");
    world.send(request.body("x")).await.refused(415, "unsupported-content-type");
    assert_eq!(world.get("/api/plugins").await.ok(), before);
}

#[tokio::test]
async fn settings_are_judged_by_the_schema_and_each_fault_is_named() {
    let world = World::start().await;
    let chain = json!([{ "plugin": "slack", "settings": { "titel": "x", "maxFields": 900 } }]);
    let refused =
        world.post("/api/webhooks", json!({ "url": "https://example.com", "events": ["*"], "plugins": chain })).await;
    let refused = refused.refused(422, "invalid-request");
    let mut places = pointers(&refused);
    places.sort_unstable();
    assert_eq!(places, ["/plugins/0/settings/maxFields", "/plugins/0/settings/titel"]);
    let unknown = json!({ "url": "https://example.com", "events": ["*"], "plugins": [{ "plugin": "pigeons" }] });
    assert_eq!(
        pointers(&world.post("/api/webhooks", unknown).await.refused(422, "unknown-plugin")),
        ["/plugins/0/plugin"]
    );
    let stage = json!({ "plugin": "slack", "settings": {}, "colour": 1 });
    let unknown = json!({ "url": "https://example.com", "events": ["*"], "plugins": [stage] });
    assert_eq!(
        pointers(&world.post("/api/webhooks", unknown).await.refused(422, "unknown-field")),
        ["/plugins/0/colour"]
    );
    let redactor = json!([{ "plugin": "redact", "onError": "skip", "settings": { "remove": ["/card"] } }]);
    let skipped = world
        .post("/api/webhooks", json!({ "url": "https://example.com", "events": ["*"], "plugins": redactor }))
        .await;
    assert!(pointers(&skipped.refused(422, "redactor-skipped")).contains(&"/plugins/0/onError"));
    let nine: Vec<Value> = (0..9).map(|_| json!({ "plugin": "slack" })).collect();
    let long =
        world.post("/api/webhooks", json!({ "url": "https://example.com", "events": ["*"], "plugins": nine })).await;
    assert_eq!(pointers(&long.refused(422, "too-long")), ["/plugins"]);
}

#[tokio::test]
async fn a_dry_run_shows_verdict_log_and_cost() {
    let world = World::start().await;
    // Each run makes up an event of its own: id and time, which the small line shows, would cost what their digits cost.
    let settings = json!({ "hideSource": true });
    let run = json!({ "event": { "type": "license.activated", "data": { "licenseKey": "X" } }, "settings": settings });
    let ran = world.post("/api/plugins/slack/run", run.clone()).await.ok();
    assert_eq!(ran["verdict"]["verdict"], json!("send"), "{ran:#}");
    assert!(ran["cost"]["fuel"].as_u64().unwrap() > 0 && ran["cost"]["fuelLimit"].is_u64());
    let again = world.post("/api/plugins/slack/run", run).await.ok();
    assert_eq!(ran["cost"]["fuel"], again["cost"]["fuel"]);
    world.post("/api/plugins/pigeons/run", json!({ "event": { "type": "a" } })).await.refused(404, "not-found");
    let nothing = world.post("/api/plugins/slack/run", json!({ "event": {} })).await;
    assert_eq!(pointers(&nothing.refused(422, "missing")), ["/event/type"]);
}

#[tokio::test]
async fn a_backtest_compares_a_version_over_past_deliveries() {
    let world = World::start().await;
    world.webhook_with(json!({ "events": ["*"], "plugins": [{ "plugin": "slack" }] })).await;
    for number in 0..3 {
        world.publish("license.activated", json!({ "n": number })).await;
    }
    world.deliver().await;
    let version = world.get("/api/plugins/slack").await.ok()["version"].clone();
    let compared = world.post("/api/plugins/slack/backtest", json!({ "version": version, "last": 10 })).await.ok();
    assert_eq!((&compared["compared"], &compared["different"]), (&json!(3), &json!(0)));
    let unknown = world.post("/api/plugins/slack/backtest", json!({ "version": "9.9.9" })).await;
    assert_eq!(pointers(&unknown.refused(422, "unknown-plugin")), ["/version"]);
}

#[tokio::test]
async fn a_version_that_is_needed_stays_and_one_that_is_not_goes() {
    let world = World::start().await;
    let made = upload(&world, waxwing_bundle::faulty().to_vec()).await.ok();
    let (name, version) = (made["name"].as_str().unwrap(), made["version"].as_str().unwrap());
    let path = format!("/api/plugins/{name}/versions/{version}");
    assert_eq!(world.patch(&path, json!({ "shared": true })).await.ok()["shared"], json!(true));
    world.webhook_with(json!({ "events": ["*"], "plugins": [{ "plugin": "slack" }] })).await;
    let slack = world.get("/api/plugins/slack").await.ok()["version"].as_str().unwrap().to_owned();
    world.delete(&format!("/api/plugins/slack/versions/{slack}")).await.refused(409, "in-use");
    assert_eq!(world.delete(&path).await.status, 204);
    world.get(&path).await.refused(404, "not-found");
}

/// What is sent once a webhook has this chain.
async fn sent(world: &World, path: &str, plugins: serde_json::Value) -> String {
    world.patch(path, json!({ "plugins": plugins })).await.ok();
    world.publish("order.paid", json!({})).await;
    world.deliver().await;
    world.sink.requests().last().unwrap().1.clone()
}

#[tokio::test]
async fn a_secret_stays_with_its_stage_and_is_never_given_to_another_by_a_guess() {
    let world = World::start().await;
    let stage = |note: &str, secret: Option<&str>| {
        let template = format!(r#"{{"note":"{note}","key":"{{{{ secret }}}}"}}"#);
        let settings = json!({ "template": template, "secret": secret });
        json!({ "plugin": "template", "settings": settings })
    };
    let plugins = json!([stage("a", Some("first")), stage("b", Some("second"))]);
    let made = world.webhook_with(json!({ "events": ["*"], "plugins": plugins })).await;
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    let sends = async |plugins: serde_json::Value| sent(&world, &path, plugins).await;
    let mut masked = [stage("b", Some("********")), stage("a", Some("********"))];
    assert_eq!(sends(json!(masked)).await, r#"{"note":"b","key":"second"}"#);
    assert_eq!(
        sends(json!([stage("c", Some("********")), stage("a", Some("********"))])).await,
        r#"{"note":"c","key":"second"}"#
    );
    for (stage, was) in masked.iter_mut().zip([1, 0]) {
        stage["was"] = json!(was);
    }
    assert_eq!(sends(json!(masked)).await, r#"{"note":"b","key":"first"}"#);
    let unclear =
        world.patch(&path, json!({ "plugins": [stage("x", Some("********")), stage("y", Some("new"))] })).await;
    assert_eq!(pointers(&unclear.refused(422, "secret-unclear")), ["/plugins/0/settings/secret"]);
    let mut new = stage("x", Some("********"));
    new["was"] = json!(null);
    let missing = world.patch(&path, json!({ "plugins": [new] })).await;
    assert_eq!(pointers(&missing.refused(422, "secret-missing")), ["/plugins/0/settings/secret"]);
}

#[tokio::test]
async fn which_of_two_stages_with_equal_settings_stays_is_asked_where_their_secrets_differ() {
    let world = World::start().await;
    let stage = |secret: &str| {
        let settings = json!({ "template": r#"{"key":"{{ secret }}"}"#, "secret": secret });
        json!({ "plugin": "template", "settings": settings })
    };
    let made = world.webhook_with(json!({ "events": ["*"], "plugins": [stage("first"), stage("second")] })).await;
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    let sends = async |plugins: serde_json::Value| sent(&world, &path, plugins).await;
    let masked = stage("********");
    let unclear = world.patch(&path, json!({ "plugins": [masked] })).await.refused(422, "secret-unclear");
    assert_eq!(pointers(&unclear), ["/plugins/0/settings/secret"]);
    assert_eq!(sends(json!([masked, masked])).await, r#"{"key":"first"}"#, "both stay, in their order");
    let mut second = masked.clone();
    second["was"] = json!(1);
    assert_eq!(sends(json!([second])).await, r#"{"key":"second"}"#);
    assert_eq!(sends(json!([masked])).await, r#"{"key":"second"}"#, "there is no other");
    world.patch(&path, json!({ "plugins": [stage("third"), stage("fourth")] })).await.ok();
    assert_eq!(sends(json!([stage("new")])).await, r#"{"key":"new"}"#, "it has a secret of its own");
    world.patch(&path, json!({ "plugins": [stage("equal"), stage("equal")] })).await.ok();
    assert_eq!(sends(json!([masked])).await, r#"{"key":"equal"}"#, "whichever it is");
}
