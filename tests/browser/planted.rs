//! Script and markup in everything that somebody can store: it arrives as the text that it is on every page, and nothing of it runs.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::handmade::Handmade;
use crate::installation::Installation;
use crate::pages::PAGES;
use crate::receiver::{Answer, Receiver};
use crate::tab::Tab;
use crate::world::{ADMIN, World};

/// Ends whatever it stands in, and says that it ran.
const MARKUP: &str = "\"'></textarea></pre><script>window.__pwned=1</script><img src=x onerror=window.__pwned=2>";

/// Of one field and no other.
fn planted(field: &str) -> String {
    format!("{field}{MARKUP}")
}

/// As it looks inside JSON.
fn in_json(field: &str) -> String {
    let quoted = json!(planted(field)).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Everything that a page shows, tells or holds: texts, fields, titles, names for those who listen.
const ALL_TEXT: &str = r#"
const found = [document.documentElement.textContent, document.title];
for (const one of document.querySelectorAll("*")) {
  for (const { value } of one.attributes) found.push(value);
  if ("value" in one) found.push(String(one.value));
}
return found.join("\n");
"#;
/// What there would be, had a piece of it been taken for markup.
const ESCAPED: &str = "return window.__pwned ?? document.querySelectorAll('img[src=x], script:not([src])').length";

/// A plugin whose description, settings and log are planted.
fn plugin() -> Vec<u8> {
    let description = planted("plugin-description ");
    let log = planted("plugin-log ");
    let setting = planted("setting-description ");
    let schema = json!({ "type": "object", "properties": { "mask": { "type": "string", "description": setting } } });
    let schema = schema.to_string();
    let text = |text: &str| {
        text.bytes().fold(String::new(), |mut all, byte| {
            write!(all, "\\{byte:02x}").unwrap();
            all
        })
    };
    let length = |text: &str| u32::try_from(text.len()).unwrap();
    let words = [1024, 8, 1032, 5, 8192, length(&description), 9216, length(&schema), 0, 0, 0, 0, 0, 0, 0];
    let manifest: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    let manifest = manifest.iter().fold(String::new(), |mut all, byte| {
        write!(all, "\\{byte:02x}").unwrap();
        all
    });
    let fields = format!(
        "(data (i32.const 6144) \"{manifest}\") (data (i32.const 7168) \"{}\") (data (i32.const 8192) \"{}\") \
         (data (i32.const 9216) \"{}\")",
        text(&log),
        text(&description),
        text(&schema)
    );
    let transform = format!("(call $log (i32.const 1) (i32.const 7168) (i32.const {})) (i32.const 3072)", length(&log));
    Handmade { fields: &fields, describe: "(i32.const 6144)", transform: &transform, pages: 2 }.wasm()
}

/// Ids of what was planted.
struct Garden {
    world: World,
    webhook: String,
    delivery: String,
    event: String,
    token: String,
}

async fn plant() -> Garden {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let answer = Answer::new(500, planted("response-body ")).header("x-planted", planted("response-header "));
    receiver.answers("/hook", answer);
    let request = world.request(Method::POST, "/api/plugins").bearer_auth(ADMIN);
    world.send(request.header("content-type", "application/wasm").body(plugin())).await.ok();
    let type_text = json!({ "description": planted("type-description "), "sample": { "note": planted("sample ") },
        "schema": { "description": planted("schema ") } });
    world.put("/api/event-types/license.planted", type_text).await.ok();
    let webhook = json!({
        "name": planted("webhook-name "),
        "description": planted("webhook-description "),
        "url": format!("{}?q={MARKUP}", receiver.url("/hook")),
        "events": ["license.*"],
        "headers": { "x-header": planted("header ") },
        "plugins": [{ "plugin": "handmade", "settings": { "mask": planted("setting ") } }],
        "retry": { "delaysSeconds": [] },
    });
    let webhook = world.post("/api/webhooks", webhook).await.ok()["id"].as_str().unwrap().to_owned();
    let event = json!({ "type": "license.planted", "id": planted("external-id "), "data": { "note": planted("payload "), "</pre>": 1 } });
    let event = world.post("/api/events", event).await.ok()["id"].as_str().unwrap().to_owned();
    world.deliver().await;
    let delivery = world.delivery_of(&event).await["id"].as_str().unwrap().to_owned();
    let token = world.post("/api/tokens", json!({ "name": planted("token-name "), "role": "viewer" })).await.ok();
    let token = token["id"].as_str().unwrap().to_owned();
    Garden { world, webhook, delivery, event, token }
}

/// That this is shown, and is text.
async fn assert_text(tab: &Tab, path: &str, shown: &[String]) {
    assert_eq!(tab.script(ESCAPED, json!([])).await, json!(0), "something of it is markup at {path}");
    let text = tab.script(ALL_TEXT, json!([])).await;
    let text = text.as_str().unwrap();
    for piece in shown {
        assert!(text.contains(piece), "'{piece}' is not at {path}: {text}");
    }
}

#[tokio::test]
async fn what_is_planted_in_any_field_arrives_as_text_on_every_page_that_shows_it() {
    let Some(tab) = Tab::new().await else { return };
    let Garden { world, webhook, delivery, event, token } = plant().await;
    tab.turns_to(&world);
    tab.sign_in_as_admin().await;
    let name = || planted("webhook-name ");
    let delivered = [
        name(),
        in_json("payload "),
        planted("external-id "),
        planted("plugin-log "),
        planted("response-body "),
        planted("response-header "),
        planted("header "),
    ];
    let hook = [name(), planted("webhook-description "), in_json("setting "), planted("header ")];
    let form = [
        name(),
        planted("webhook-description "),
        planted("setting "),
        planted("header "),
        planted("setting-description "),
    ];
    let kind = [planted("type-description "), in_json("sample "), in_json("schema "), name()];
    let made_of = [planted("plugin-description "), in_json("setting-description "), name()];
    for (path, shown) in [
        ("/admin/overview".to_owned(), vec![name()]),
        ("/admin/webhooks".to_owned(), vec![name()]),
        (format!("/admin/webhooks/{webhook}"), hook.to_vec()),
        (format!("/admin/webhooks/{webhook}/edit"), form.to_vec()),
        (format!("/admin/webhooks/{webhook}/test"), vec![name()]),
        (format!("/admin/webhooks/{webhook}/delete"), vec![name()]),
        ("/admin/webhooks/new".to_owned(), vec![planted("type-description ")]),
        ("/admin/deliveries".to_owned(), vec![name()]),
        (format!("/admin/deliveries/{delivery}"), delivered.to_vec()),
        ("/admin/events".to_owned(), vec![planted("external-id ")]),
        (format!("/admin/events/{event}"), vec![name(), in_json("payload "), planted("external-id ")]),
        ("/admin/plugins".to_owned(), vec![planted("plugin-description ")]),
        ("/admin/plugins/handmade".to_owned(), made_of.to_vec()),
        ("/admin/event-types".to_owned(), vec![planted("type-description ")]),
        ("/admin/event-types/license.planted".to_owned(), kind.to_vec()),
        ("/admin/event-types/license.planted/edit".to_owned(), kind[..3].to_vec()),
        ("/admin/settings/tokens".to_owned(), vec![planted("token-name ")]),
        (format!("/admin/settings/tokens/{token}/delete"), vec![planted("token-name ")]),
        ("/admin/settings/audit".to_owned(), vec![planted("token-name ")]),
    ] {
        tab.open(&path).await;
        assert_text(&tab, &path, &shown).await;
    }
    tab.ends().await;
}

#[tokio::test]
async fn what_a_test_and_the_playground_answer_arrives_as_text_too() {
    let Some(tab) = Tab::new().await else { return };
    let Garden { world, webhook, .. } = plant().await;
    tab.turns_to(&world);
    tab.sign_in_as_admin().await;
    tab.open(&format!("/admin/webhooks/{webhook}/test")).await;
    tab.fill("Own data", &json!({ "a": planted("typed ") }).to_string()).await;
    tab.click("Send test").await;
    tab.shows("What came back").await;
    let answered = [planted("response-body "), planted("response-header "), in_json("typed ")];
    assert_text(&tab, "the test", &answered).await;
    tab.open("/admin/plugins/handmade").await;
    tab.fill("Settings", &json!({ "mask": planted("typed ") }).to_string()).await;
    tab.click("Run").await;
    tab.shows("plugin-log").await;
    assert_text(&tab, "the playground", &[planted("plugin-log "), in_json("typed ")]).await;
    tab.ends().await;
}

/// Names that stand in addresses can't hold it at all, so nothing of it can be planted there.
#[tokio::test]
async fn names_of_tenants_environments_and_types_cannot_hold_markup() {
    let world = World::start().await;
    let refused = |fields: Value| {
        let mut body = json!({ "url": world.sink.url(), "events": ["*"] });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        world.post("/api/webhooks", body)
    };
    for fields in [json!({ "tenant": MARKUP }), json!({ "environment": MARKUP }), json!({ "events": [MARKUP] })] {
        assert_eq!(refused(fields.clone()).await.status, 422, "{fields}");
    }
    let event = json!({ "type": MARKUP, "data": 1 });
    assert_eq!(world.post("/api/events", event).await.status, 422);
}

#[tokio::test]
async fn what_is_in_an_address_is_text_on_every_page() {
    let Some(tab) = Tab::new().await else { return };
    let place = Installation::stocked().await;
    tab.turns_to(&place.world);
    tab.sign_in_as_admin().await;
    let markup: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let names = ["search", "type", "status", "since", "webhook", "event", "tenant", "after", "done", "next", "back"];
    let query = names.map(|name| format!("{name}={markup}")).join("&");
    for page in PAGES {
        let address = page.address(&place);
        let address = format!("{}?{query}", address.split('?').next().unwrap());
        tab.open(&address).await;
        assert_text(&tab, &address, &[]).await;
    }
    tab.ends().await;
}
