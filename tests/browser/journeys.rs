//! What people do that takes several pages, and what those may not do who only look, or belong to another tenant.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::pages::{PAGES, Page};
use crate::tab::Tab;

#[tokio::test]
async fn a_plugin_is_uploaded_by_the_page_and_used_by_a_webhook() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    let file = tempfile::Builder::new().suffix(".wasm").tempfile().unwrap();
    std::fs::write(file.path(), waxwing_bundle::faulty()).unwrap();
    tab.sign_in_as_admin().await;
    tab.click("Plugins").await;
    tab.click("Upload plugin").await;
    let label = tab.script("return nameOf(document.querySelector('input[type=file]'))", json!([])).await;
    tab.give(label.as_str().unwrap(), file.path()).await;
    tab.click("Upload").await;
    tab.shows("The plugin was checked and compiled").await;
    tab.click("Webhooks").await;
    tab.click("Create webhook").await;
    tab.fill("Name", "Through my plugin").await;
    tab.fill("Target URL", &world.sink.url()).await;
    tab.click("license.created").await;
    tab.choose_value("Add a plugin", "faulty@").await;
    tab.click("Add").await;
    // What was typed is there still, and the plugin has a field for each of its settings.
    assert_eq!(tab.value("Name").await, "Through my plugin");
    tab.choose_value("Fault", "log-flood").await;
    tab.fill("Amount", "3").await;
    tab.click("Save").await;
    tab.shows("Copy the secret now").await;
    world.publish("license.created", json!({})).await;
    world.deliver().await;
    tab.click("Deliveries").await;
    tab.click("license.created").await;
    tab.shows("Plugin faulty@").await.shows("line 2").await.shows("Made it in 1 attempt.").await;
    tab.click("Plugins").await;
    tab.shows("1 webhook").await;
    tab.ends().await;
}

#[tokio::test]
async fn a_failed_delivery_is_found_explained_and_replayed() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "ERP", "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[503]);
    world.publish("license.expired", json!({ "licenseId": "lic_7q2m4x9k" })).await;
    world.deliver().await;
    tab.sign_in_as_admin().await;
    tab.shows("Failing webhooks").await.shows("Newest failed deliveries").await;
    tab.click("license.expired").await;
    tab.shows("Failed").await.shows("Answered 503.").await.shows("Response 503").await;
    tab.shows("\"licenseId\": \"lic_7q2m4x9k\"").await;
    tab.click("Explain who got the event, and who didn’t").await;
    tab.shows("1 of 1 webhook").await.shows("Subscribed and active.").await;
    // The receiver was mended meanwhile.
    tab.script("history.back()", json!([])).await;
    tab.click("Replay").await;
    tab.shows("This is a new delivery of the same event").await.shows("Replay of").await;
    world.deliver().await;
    tab.open(&tab.address().await).await;
    tab.shows("Made it in 1 attempt.").await;
    tab.click("Overview").await;
    tab.shows("Every webhook took what was last sent to it.").await;
    tab.ends().await;
}

#[tokio::test]
async fn all_that_failed_is_counted_and_then_replayed() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "ERP", "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[500, 500, 500]);
    for _ in 0..3 {
        world.publish("license.expired", json!({})).await;
        world.deliver().await;
    }
    world.publish("license.created", json!({})).await;
    world.deliver().await;
    tab.sign_in_as_admin().await;
    tab.click("Deliveries").await;
    tab.choose("Status", "Failed").await;
    tab.at("/admin/deliveries?status=failed").await;
    tab.click("Replay all that match").await;
    tab.shows("Replay 3 deliveries?").await;
    tab.click("Replay 3").await;
    tab.shows("All of them were replayed").await;
    assert_eq!(world.deliver().await, 3);
    tab.ends().await;
}

/// What a page offers to change, beside what is everybody's own: how it looks, and signing out.
const CONTROLS: &str =
    "return [...document.querySelectorAll('main form[method=post], main [role=switch]')].map(nameOf)";
/// Posts a form as the page would, with the session's own field; gives the status.
const POST: &str = r#"
const csrf = document.querySelector("input[name=csrf]").value;
const body = new URLSearchParams({ csrf, ...args[1] });
return fetch(args[0], { method: "POST", body }).then((answer) => answer.status);
"#;

async fn posted(tab: &Tab, path: &str, fields: Value) -> Value {
    tab.script(POST, json!([path, fields])).await
}

#[tokio::test]
async fn a_viewer_finds_nothing_to_change_and_may_change_nothing() {
    let Some(tab) = Tab::new().await else { return };
    let place = Installation::stocked().await;
    tab.turns_to(&place.world);
    tab.sign_in(&place.world.token("viewer", None).await).await;
    let mut looked = 0;
    for page in PAGES.iter().filter(|page| !page.name.starts_with("sign-in")) {
        tab.open(&page.address(&place)).await;
        assert_eq!(tab.script(CONTROLS, json!([])).await, json!([]), "{}", page.name);
        looked += 1;
    }
    assert!(looked > 30, "only {looked} pages");
    let webhook = format!("/admin/webhooks/{}", place.id("slack"));
    tab.open(&webhook).await;
    tab.shows("Slack Activation Alerts").await.lacks("kq3vX8").await;
    for (path, fields) in [
        (format!("{webhook}/pause"), json!({})),
        (format!("{webhook}/delete"), json!({})),
        (format!("{webhook}/secret"), json!({})),
        (format!("{webhook}/test"), json!({})),
        ("/admin/webhooks/new".to_owned(), json!({ "url": "https://example.com/", "events": "*" })),
        (format!("/admin/deliveries/{}/replay", place.id("failed")), json!({})),
        ("/admin/settings/tokens".to_owned(), json!({ "name": "mine", "role": "admin" })),
    ] {
        assert_eq!(posted(&tab, &path, fields).await, json!(403), "{path}");
    }
    assert_eq!(place.world.get(&format!("/api/webhooks/{}", place.id("slack"))).await.ok()["status"], "active");
    tab.ends().await;
}

#[tokio::test]
async fn a_tenant_sees_and_reaches_nothing_of_another() {
    let Some(tab) = Tab::new().await else { return };
    let place = Installation::stocked().await;
    tab.turns_to(&place.world);
    tab.sign_in(&place.world.token("tenant", Some("acme")).await).await;
    for (entry, shown) in [("Webhooks", "Acme status board"), ("Deliveries", "license."), ("Events", "license.")] {
        tab.click(entry).await;
        tab.shows(shown).await;
        for others in ["Slack Activation Alerts", "CRM sync", "ERP", "Data warehouse", "telemetry.", "nordwind"] {
            tab.lacks(others).await;
        }
    }
    let foreign = |page: &&Page| page.name.starts_with("webhook-") || page.name.starts_with("delivery");
    for page in PAGES.iter().filter(foreign).filter(|page| page.address(&place).contains('_')) {
        tab.open(&page.address(&place)).await;
        tab.shows("Not found").await;
    }
    for path in ["/admin/settings/tokens", "/admin/settings/audit", "/admin/portal-links"] {
        tab.open(path).await;
        tab.shows("Not allowed").await;
    }
    let webhook = format!("/admin/webhooks/{}", place.id("slack"));
    assert_eq!(posted(&tab, &format!("{webhook}/delete"), json!({})).await, json!(404));
    let replay = format!("/admin/deliveries/{}/replay", place.id("failed"));
    assert_eq!(posted(&tab, &replay, json!({})).await, json!(404));
    tab.ends().await;
}

#[tokio::test]
async fn somebody_signs_in_by_a_link_chooses_how_it_looks_and_signs_out() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    let made = world.post("/api/portal/links", json!({ "role": "viewer" })).await.ok();
    let link = url::Url::parse(made["url"].as_str().unwrap()).unwrap();
    tab.open(link.path()).await;
    tab.click("Continue").await;
    tab.at("/admin/overview").await.shows("Viewer").await;
    let page = "return getComputedStyle(document.body).backgroundColor";
    let light = tab.script(page, json!([])).await;
    tab.click("Dark").await;
    tab.until("the dark theme", "return document.documentElement.dataset.theme === 'dark'", json!([])).await;
    assert_ne!(tab.script(page, json!([])).await, light);
    tab.click("Sign out").await;
    tab.at("/admin/sign-in").await;
    tab.open(link.path()).await;
    tab.shows("This link no longer works").await;
    tab.ends().await;
}
