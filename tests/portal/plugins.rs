//! Plugins: what there is, the playground, uploading, sharing, deleting; and the templates.

use serde_json::json;

use crate::browser::{Browser, Page};
use crate::world::World;

const LIST: &str = "/admin/plugins";
const UPLOAD: &str = "/admin/plugins/-/upload";

async fn upload(browser: &Browser, csrf: &str, wasm: &[u8]) -> Page {
    let boundary = "edge-of-the-form";
    let part = |name: &str| format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"");
    let mut form =
        format!("{}\r\n\r\n{csrf}\r\n{}; filename=\"p.wasm\"\r\n\r\n", part("csrf"), part("file")).into_bytes();
    form.extend_from_slice(wasm);
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let request = browser.request(reqwest::Method::POST, UPLOAD);
    browser.send(request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(form)).await
}

#[tokio::test]
async fn each_plugin_is_listed_with_who_uses_it() {
    let world = World::start().await;
    let chain = json!([{ "plugin": "slack" }]);
    let user = world.webhook_with(json!({ "name": "to the team", "events": ["*"], "plugins": chain })).await;
    let admin = Browser::admin(&world).await;
    let page = admin.get(LIST).await;
    page.shows("href=\"/admin/plugins/slack\"").shows("1 webhook<").shows("with the server").shows("Upload plugin");
    let slack = world.get("/api/plugins/slack").await.ok();
    let page = admin.get("/admin/plugins/slack").await;
    page.shows(slack["digest"].as_str().unwrap()).shows("to the team").shows(user["id"].as_str().unwrap());
    page.shows("Playground").shows("&#34;properties&#34;").shows(slack["version"].as_str().unwrap());
    page.lacks("Share with tenants");
    assert_eq!(admin.get("/admin/plugins/pigeons").await.status, 404);
    assert_eq!(admin.get("/admin/plugins/slack?version=9.9.9").await.status, 404);
}

#[tokio::test]
async fn the_playground_shows_verdict_cost_and_what_changes() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let event = [("type", "order.paid"), ("data", "{\"card\": \"4242\", \"total\": 5}")];
    let redact = [&event[..], &[("settings", "{\"remove\": [\"/card\"]}")]].concat();
    let ran = admin.submit("/admin/plugins/redact/run", &redact).await;
    assert_eq!(ran.status, 200, "{}", ran.text);
    ran.shows(">replace</span>").shows("<del>- ").shows("instructions").shows("What it changes");
    ran.shows("&#34;4242&#34;").shows("value=\"order.paid\"");
    let ran = admin.submit("/admin/plugins/slack/run", &[&event[..], &[("settings", "{}")]].concat()).await;
    ran.shows(">send</span>").shows("Body of the request").shows("application/json");
    let ran =
        admin.submit("/admin/plugins/filter/run", &[&event[..], &[("settings", "{\"jq\": \"false\"}")]].concat()).await;
    ran.shows(">drop</span>").shows("Nothing is sent");
}

#[tokio::test]
async fn what_the_playground_cannot_run_is_said_at_its_field() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let typed = [("type", "a b"), ("data", "{\"<b>"), ("settings", "{,")];
    let refused = admin.submit("/admin/plugins/slack/run", &typed).await;
    assert_eq!(refused.status, 422);
    refused.shows("3 things need correcting").shows("{&#34;&#60;b&#62;").lacks("{\"<b>");
    let typed = [("type", "a.b"), ("settings", "{\"titel\": 1}")];
    let refused = admin.submit("/admin/plugins/slack/run", &typed).await;
    refused.shows("id=\"field-settings-error\"");
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn a_plugin_is_uploaded_shared_and_deleted() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let csrf = admin.get(UPLOAD).await.hidden("csrf");
    for (wasm, said) in
        [(&b"hello"[..], "Not a WebAssembly binary"), (b"\0asm\x01\0\0\0", "core module"), (b"", "Choose a file")]
    {
        let refused = upload(&admin, &csrf, wasm).await;
        assert_eq!(refused.status, 422);
        refused.shows("id=\"field-file-error\"").shows(said);
    }
    assert_eq!(upload(&admin, "forged", waxwing_bundle::faulty()).await.status, 403);
    let made = upload(&admin, &csrf, waxwing_bundle::faulty()).await;
    assert!(made.location().ends_with("&done=uploaded"), "{}", made.location());
    let page = admin.get(made.location()).await;
    page.shows("The plugin was checked and compiled").shows("Share with tenants");
    assert!(upload(&admin, &csrf, waxwing_bundle::faulty()).await.location().ends_with("&done=known"));
    let all = world.get("/api/plugins").await.ok();
    let faulty = all["data"].as_array().unwrap().iter().find(|plugin| plugin["bundled"] == json!(false)).unwrap();
    let place = format!("{LIST}/{}/{}", faulty["name"].as_str().unwrap(), faulty["version"].as_str().unwrap());
    assert!(admin.submit(&format!("{place}/share"), &[]).await.location().ends_with("&done=shared"));
    admin.get(LIST).await.shows("shared with tenants");
    assert!(admin.submit(&format!("{place}/unshare"), &[]).await.location().ends_with("&done=unshared"));
    assert_eq!(admin.submit(&format!("{place}/delete"), &[]).await.location(), "/admin/plugins?done=deleted");
    assert_eq!(admin.submit(&format!("{place}/delete"), &[]).await.status, 404);
}

#[tokio::test]
async fn a_version_that_is_needed_stays_and_the_page_says_why() {
    let world = World::start().await;
    let user = world.webhook_with(json!({ "events": ["*"], "plugins": [{ "plugin": "slack" }] })).await;
    let version = world.get("/api/plugins/slack").await.ok()["version"].as_str().unwrap().to_owned();
    let kept = Browser::admin(&world).await.submit(&format!("{LIST}/slack/{version}/delete"), &[]).await;
    assert_eq!(kept.status, 409);
    kept.shows("It stays: ").shows(user["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_webhook_is_moved_to_another_version_and_back() {
    let world = World::start().await;
    let chain = json!([{ "plugin": "slack", "settings": { "title": "News" } }]);
    let user = world.webhook_with(json!({ "name": "to the team", "events": ["*"], "plugins": chain })).await;
    let before = user["plugins"][0]["version"].as_str().unwrap().to_owned();
    let after = format!("{}9", &before[..before.len() - 1]);
    let admin = Browser::admin(&world).await;
    let csrf = admin.get(UPLOAD).await.hidden("csrf");
    upload(&admin, &csrf, &reversioned("slack", &before, &after)).await.location();
    let webhook = [("webhook", user["id"].as_str().unwrap())];
    for (from, to) in [(&before, &after), (&after, &before)] {
        let page = admin.get(&format!("{LIST}/slack?version={to}")).await;
        page.shows(&format!("data-label=\"Version\">{from}</td>")).shows(&format!("Move to {to}<"));
        let moved = admin.submit(&format!("{LIST}/slack/{to}/use"), &webhook).await;
        admin.get(moved.location()).await.shows("The webhook uses this version").lacks("Move to");
        let stage = world.get(&format!("/api/webhooks/{}", webhook[0].1)).await.ok()["plugins"][0].clone();
        assert_eq!((&stage["version"], &stage["settings"]), (&json!(to), &json!({ "title": "News" })));
    }
    let other = world.webhook_with(json!({ "events": ["*"] })).await;
    let refused =
        admin.submit(&format!("{LIST}/slack/{after}/use"), &[("webhook", other["id"].as_str().unwrap())]).await;
    assert_eq!(refused.status, 409);
    refused.shows("It wasn’t moved.").shows("its chain has no plugin &#39;slack&#39;");
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get(&format!("{LIST}/slack?version={after}")).await.lacks("Move to");
    assert_eq!(viewer.submit(&format!("{LIST}/slack/{after}/use"), &webhook).await.status, 403);
}

/// The same plugin, saying of itself that it is another version of the same length.
fn reversioned(name: &str, before: &str, after: &str) -> Vec<u8> {
    let bundled = waxwing_bundle::plugins().iter().find(|plugin| plugin.name == name).unwrap();
    let mut wasm = bundled.wasm.to_vec();
    // The contract's version may be the same, and stays.
    let is_its = |at: &usize| wasm[*at..].starts_with(before.as_bytes()) && wasm[at - 1] != b'@';
    let places: Vec<usize> = (1..wasm.len()).filter(is_its).collect();
    assert!(!places.is_empty() && before.len() == after.len());
    places.into_iter().for_each(|at| wasm[at..at + after.len()].copy_from_slice(after.as_bytes()));
    wasm
}

#[tokio::test]
async fn whoever_is_no_admin_looks_only() {
    let world = World::start().await;
    world.put("/api/tenants/acme", json!({})).await.ok();
    let version = world.get("/api/plugins/slack").await.ok()["version"].as_str().unwrap().to_owned();
    let admin = Browser::admin(&world).await;
    let csrf = admin.get(UPLOAD).await.hidden("csrf");
    upload(&admin, &csrf, waxwing_bundle::faulty()).await.location();
    let all = world.get("/api/plugins").await.ok();
    let own = all["data"].as_array().unwrap().iter().find(|plugin| plugin["bundled"] == json!(false)).unwrap();
    let own = format!("{LIST}/{}", own["name"].as_str().unwrap());
    for (role, tenant) in [("viewer", None), ("tenant", Some("acme"))] {
        let browser = Browser::signed_in(&world, &world.token(role, tenant).await).await;
        browser.get(LIST).await.shows("slack").lacks("Upload plugin");
        browser.get("/admin/plugins/slack").await.shows("Settings").lacks("Playground").lacks("Delete");
        assert_eq!(browser.get(&own).await.status, if tenant.is_some() { 404 } else { 200 });
        assert_eq!(browser.get(UPLOAD).await.status, 403);
        let csrf = browser.get("/admin/webhooks").await.hidden("csrf");
        assert_eq!(upload(&browser, &csrf, waxwing_bundle::faulty()).await.status, 403);
        for action in ["run", &format!("{version}/share"), &format!("{version}/unshare"), &format!("{version}/delete")]
        {
            assert_eq!(
                browser.submit(&format!("{LIST}/slack/{action}"), &[("type", "a")]).await.status,
                403,
                "{action}"
            );
        }
    }
}

#[tokio::test]
async fn templates_say_what_they_ask_and_lead_to_the_form() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let page = admin.get("/admin/templates").await;
    page.shows("href=\"/admin/webhooks/new?template=slack-alerts\"")
        .shows("Which headline?")
        .shows("<li>Copy the webhook");
    page.shows("href=\"/admin/plugins/hubspot\"").shows("hooks.slack.com");
    let viewer = Browser::signed_in(&world, &world.token("viewer", None).await).await;
    viewer.get("/admin/templates").await.shows("Slack alerts").lacks("Use it");
}

#[tokio::test]
async fn markup_that_somebody_stored_arrives_as_text() {
    let world = World::start().await;
    let planted = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let chain = json!([{ "plugin": "slack" }]);
    world.webhook_with(json!({ "name": planted, "events": ["*"], "plugins": chain })).await;
    let admin = Browser::admin(&world).await;
    admin.get("/admin/plugins/slack").await.lacks("<script>alert").shows("&#60;script&#62;alert(1)");
    let data = json!({ "note": planted, "card": planted }).to_string();
    for (plugin, settings) in [("redact", "{\"remove\": [\"/card\"]}"), ("slack", "{}")] {
        let typed = [("type", "a.b"), ("data", data.as_str()), ("settings", settings)];
        let page = admin.submit(&format!("{LIST}/{plugin}/run"), &typed).await;
        page.lacks("<script>alert").lacks("<img src=x").shows("<h3>Verdict</h3>");
    }
}

#[tokio::test]
async fn a_plugins_page_says_how_it_fares_and_what_it_may_use() {
    let world = World::start().await;
    let admin = Browser::admin(&world).await;
    let unused = admin.get(&format!("{LIST}/filter")).await;
    unused.shows("it wasn’t used yet").shows("20,000,000 instructions").shows("64.0 MiB of memory");
    let stage =
        json!({ "plugin": "template", "settings": { "template": "{\"is\":\"{{ data.name }}\"}", "missing": "fail" } });
    world.webhook_with(json!({ "events": ["*"], "plugins": [stage] })).await;
    for data in [json!({ "name": "x" }), json!({})] {
        world.publish("order.paid", data).await;
        world.deliver().await;
    }
    let fares = world.get("/api/plugins/template/stats").await.ok();
    assert_eq!((&fares["deliveries"], &fares["faults"], &fares["faultRate"]), (&json!(2), &json!(1), &json!(0.5)));
    let failed = fares["lastFault"]["id"].as_str().unwrap();
    let page = admin.get(&format!("{LIST}/template")).await;
    page.shows("50 % failed by its fault: 1 of the newest 2").shows(&format!("href=\"/admin/deliveries/{failed}\""));
    assert_eq!(world.get("/api/plugins/pigeons/stats").await.status, 404);
}
