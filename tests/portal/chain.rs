//! The form of a webhook: its chain of plugins, changed by fields and by buttons.

use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

const NEW: &str = "/admin/webhooks/new";

#[tokio::test]
async fn a_chain_is_changed_by_fields_and_a_secret_that_is_left_empty_stays() {
    let world = World::start().await;
    let settings = json!({ "template": "{}", "secret": "s3cret", "headers": { "x-a": "b" } });
    let plugins = json!([{ "plugin": "template", "settings": settings }]);
    let made = world.webhook_with(json!({ "events": ["*"], "plugins": plugins })).await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{}/edit", made["id"].as_str().unwrap());
    let form = admin.get(&path).await;
    form.shows("A value is stored")
        .shows("type=\"password\" value=\"\" autocomplete=\"new-password\"")
        .lacks("s3cret")
        .shows("Headers (JSON)");
    let (seen, url) = (form.hidden("revision"), world.sink.url());
    let template = format!("template@{}", made["plugins"][0]["version"].as_str().unwrap());
    let typed = [
        ("revision", seen.as_str()),
        ("url", &url),
        ("active", "yes"),
        ("events", "order.*"),
        ("plugin.0", &template),
        ("on-error.0", "skip"),
        ("was.0", "0"),
        ("set.0./template", "{\"a\":1}"),
        ("set.0./secret", ""),
        ("set.0./headers", "{\"x-a\": \"c\"}"),
    ];
    assert_eq!(admin.submit(&path, &typed).await.status, 303);
    let after = world.get(&format!("/api/webhooks/{}", made["id"].as_str().unwrap())).await.ok();
    let stage = &after["plugins"][0];
    let settings = json!({ "template": "{\"a\":1}", "secret": "********", "headers": { "x-a": "c" } });
    assert_eq!((&stage["settings"], &stage["onError"]), (&settings, &json!("skip")));
}

#[tokio::test]
async fn secrets_of_two_plugins_of_one_name_move_with_their_stages() {
    const TEMPLATE: &str = r#"{"key":"{{ secret }}"}"#;
    let world = World::start().await;
    let stage = |secret: &str| {
        let settings = json!({ "template": TEMPLATE, "secret": secret });
        json!({ "plugin": "template", "settings": settings })
    };
    let chain = json!([stage("s3cret-one"), stage("s3cret-two")]);
    let made = world.webhook_with(json!({ "events": ["*"], "plugins": chain })).await;
    let admin = Browser::admin(&world).await;
    let path = format!("/admin/webhooks/{}/edit", made["id"].as_str().unwrap());
    let template = format!("template@{}", made["plugins"][0]["version"].as_str().unwrap());
    // The first of them makes the request.
    for (order, sent) in [(["1", "0"], "s3cret-two"), (["1", "0"], "s3cret-one")] {
        let form = admin.get(&path).await;
        form.shows("name=\"was.1\" value=\"1\"").shows("A value is stored").lacks("s3cret");
        let (seen, url) = (form.hidden("revision"), world.sink.url());
        let basics = [("revision", seen.as_str()), ("url", &url), ("active", "yes"), ("events", "*")];
        let stages = [
            ("plugin.0", template.as_str()),
            ("was.0", order[0]),
            ("set.0./template", TEMPLATE),
            ("plugin.1", &template),
            ("was.1", order[1]),
            ("set.1./template", TEMPLATE),
        ];
        let saved = admin.submit(&path, &[&basics[..], &stages].concat()).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        world.publish("order.paid", json!({})).await;
        world.deliver().await;
        assert_eq!(world.sink.requests().last().unwrap().1, format!(r#"{{"key":"{sent}"}}"#));
    }
    let (seen, url) = (admin.get(&path).await.hidden("revision"), world.sink.url());
    // One that is new has no secret, whatever stood there before.
    let new = [
        ("revision", seen.as_str()),
        ("url", &url),
        ("active", "yes"),
        ("events", "*"),
        ("plugin.0", &template),
        ("was.0", ""),
        ("set.0./template", "none {{ secret }}"),
    ];
    assert_eq!(admin.submit(&path, &new).await.status, 303);
    let after = world.get(&format!("/api/webhooks/{}", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(after["plugins"][0]["settings"], json!({ "template": "none {{ secret }}" }));
}

#[tokio::test]
async fn buttons_add_move_and_remove_plugins_and_keep_what_was_typed() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let listed = world.get("/api/plugins").await.ok();
    let of = |name: &str| {
        let found = listed["data"].as_array().unwrap().iter().find(|plugin| plugin["name"] == name).unwrap();
        format!("{name}@{}", found["version"].as_str().unwrap())
    };
    let (filter, redact) = (of("filter"), of("redact"));
    let added = admin.submit(NEW, &[("name", "kept"), ("do", "add"), ("add", &filter)]).await;
    assert_eq!(added.status, 200);
    added.shows("value=\"kept\"").shows("name=\"set.0./jq\"").lacks("things need correcting");
    let typed = [("plugin.0", filter.as_str()), ("set.0./jq", ".data.a"), ("plugin.1", &redact), ("set.1./mask", "/x")];
    let moved = admin.submit(NEW, &[&typed[..], &[("do", "up.1")]].concat()).await;
    moved.shows("name=\"set.1./jq\"").shows(".data.a</textarea>").shows("name=\"set.0./mask\"");
    let removed = admin.submit(NEW, &[&typed[..], &[("do", "remove.0")]].concat()).await;
    removed.lacks("/jq\"").shows("name=\"set.0./mask\"");
    let refused = admin.submit(NEW, &[("plugin.0", filter.as_str()), ("set.0./jq", "")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("This setting is required.").shows("id=\"field-set-0--jq-error\"");
    let (url, fields) = (world.sink.url(), [("events", "*"), ("active", "yes"), ("do", "save")]);
    let made = admin.submit_on(NEW, &[&typed[..], &fields, &[("url", url.as_str())]].concat()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let webhook = world.get("/api/webhooks").await.ok()["data"][0].clone();
    assert_eq!(webhook["plugins"][0]["settings"], json!({ "jq": ".data.a" }));
    assert_eq!(webhook["plugins"][1]["settings"], json!({ "mask": ["/x"] }));
}
