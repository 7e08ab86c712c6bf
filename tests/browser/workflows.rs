//! The workflows of the documents that the portal answers to, click by click as they are written there. Next: `troubles.rs`.

use serde_json::{Value, json};

use crate::tab::{ENTER, Tab};
use crate::world::World;

/// The secret that a page shows once.
pub(crate) async fn shown_once(tab: &Tab) -> String {
    tab.shows("Copy the secret now").await;
    let secret = tab.script("return document.querySelector('[data-copy]').dataset.copy", json!([])).await;
    secret.as_str().unwrap().to_owned()
}

/// That the newest request was signed with this secret, as the library of Standard Webhooks says.
#[track_caller]
pub(crate) fn assert_signed(world: &World, secret: &str) {
    let (headers, body) = world.sink.requests().pop().expect("a request");
    let header = |name: &str| headers[name].to_str().unwrap();
    let key = standardwebhooks::Webhook::new(secret).unwrap();
    let expected = key.sign(header("webhook-id"), header("webhook-timestamp").parse().unwrap(), body.as_bytes());
    assert!(header("webhook-signature").split(' ').any(|one| one == expected.as_ref().unwrap()), "another secret");
}

pub(crate) async fn webhook(world: &World, webhook: Value) -> String {
    world.webhook_with(webhook).await["id"].as_str().unwrap().to_owned()
}

/// "Workflow 1: Setting up an Activation Alert".
#[tokio::test]
async fn an_activation_alert_is_set_up() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.click("Webhooks").await;
    tab.at("/admin/webhooks").await;
    tab.click("Create webhook").await;
    tab.fill("Name", "Slack Activation Alerts").await;
    tab.fill("Target URL", &world.sink.url()).await;
    tab.choose("Environment", "Production").await;
    tab.click("activation.created").await;
    tab.click("activation.failed").await;
    tab.click("Save").await;
    let secret = shown_once(&tab).await;
    // "Test a license activation to see the data flow."
    world.publish("activation.created", json!({ "deviceName": "Render node 4" })).await;
    world.deliver().await;
    assert_signed(&world, &secret);
    tab.click("To the webhook").await;
    tab.shows("Slack Activation Alerts").await.shows("activation.created").await.shows("100 %").await;
    tab.click("Deliveries").await;
    tab.click("activation.created").await;
    tab.shows("Made it in 1 attempt.").await.shows("Response 200").await.shows("seen").await;
    tab.shows("\"deviceName\": \"Render node 4\"").await;
    tab.ends().await;
}

/// "Workflow 2: Updating a Webhook Endpoint".
#[tokio::test]
async fn an_endpoint_is_updated_and_gets_a_new_secret() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    let id = webhook(&world, json!({ "name": "CRM sync", "events": ["license.*"] })).await;
    webhook(&world, json!({ "name": "Another one", "events": ["order.*"] })).await;
    tab.sign_in_as_admin().await;
    tab.click("Webhooks").await;
    tab.fill("Search by name or URL", "crm").await;
    tab.press(&[ENTER]).await;
    tab.at("/admin/webhooks?search=crm").await.shows("CRM sync").await.lacks("Another one").await;
    tab.click("Edit CRM sync").await;
    let url = format!("{}/new-endpoint", world.sink.url());
    tab.fill("Target URL", &url).await;
    tab.click("Generate a new secret when this is saved").await;
    tab.click("Save").await;
    let secret = shown_once(&tab).await;
    world.publish("license.expired", json!({})).await;
    world.deliver().await;
    assert_signed(&world, &secret);
    assert_eq!(world.get(&format!("/api/webhooks/{id}")).await.ok()["url"], json!(url));
    tab.click("To the webhook").await;
    tab.shows("/new-endpoint").await.shows("Changed URL").await;
    tab.ends().await;
}

/// "What You Can Do Here": the columns, search and filters, the switch, deleting.
#[tokio::test]
async fn the_list_is_searched_filtered_switched_and_cleared() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    webhook(&world, json!({ "name": "CRM sync", "events": ["license.*", "order.paid"] })).await;
    webhook(&world, json!({ "name": "Fraud review", "events": ["*"], "environment": "staging" })).await;
    tab.sign_in_as_admin().await;
    tab.click("Webhooks").await;
    for column in ["Name", "URL", "Environment", "Events", "Status", "Actions"] {
        tab.shows(column).await;
    }
    // A choice is applied at once.
    tab.choose("Environment", "staging").await;
    tab.at("/admin/webhooks?environment=staging").await.shows("Fraud review").await.lacks("CRM sync").await;
    tab.click("Clear").await;
    tab.at("/admin/webhooks").await;
    tab.click("Active: CRM sync").await;
    tab.shows("The webhook is inactive").await;
    tab.choose("Status", "Inactive").await;
    tab.at("/admin/webhooks?status=disabled").await.shows("CRM sync").await.lacks("Fraud review").await;
    tab.click("Active: CRM sync").await;
    tab.shows("The webhook is active").await;
    tab.open("/admin/webhooks").await;
    tab.click("Delete Fraud review").await;
    tab.shows("This can’t be undone.").await;
    tab.click("Delete webhook").await;
    tab.shows("The webhook was deleted.").await.shows("CRM sync").await.lacks("Fraud review").await;
    tab.ends().await;
}

/// "Event Selection".
#[tokio::test]
async fn every_event_of_the_documents_can_be_chosen_one_by_one_and_by_group() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.open("/admin/webhooks/new").await;
    tab.shows("License events").await.shows("Telemetry events").await;
    let boxes = "return [...document.querySelectorAll('input[name=events]')].map((box) => box.value)";
    let boxes = tab.script(boxes, json!([])).await;
    for (group, ends) in [
        (
            "license",
            "created updated deleted assigned activated deactivated suspended expired revoked validated disabled",
        ),
        ("activation", "created deleted failed"),
        ("product", "created updated deleted"),
        ("contract", "created updated deleted suspended"),
        ("telemetry", "received flagged"),
    ] {
        for end in ends.split(' ').chain(["*"]) {
            let name = json!(format!("{group}.{end}"));
            assert!(boxes.as_array().unwrap().contains(&name), "{name} is not in {boxes}");
        }
    }
    tab.fill("Target URL", &world.sink.url()).await;
    tab.click("All of this group contract.*").await;
    tab.click("telemetry.flagged").await;
    tab.click("Save").await;
    shown_once(&tab).await;
    let made = world.get("/api/webhooks").await.ok();
    assert_eq!(made["data"][0]["events"], json!(["contract.*", "telemetry.flagged"]));
    tab.ends().await;
}

/// "Related pages: Settings, configure default webhook retry policies."
#[tokio::test]
async fn the_default_retry_policy_is_set_and_new_webhooks_have_it() {
    let Some((_world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.click("Settings").await;
    tab.choose_value("Retry policy", "license-validator").await;
    tab.click("Save").await;
    tab.shows("The settings were changed").await;
    tab.click("Webhooks").await;
    tab.click("Create webhook").await;
    assert_eq!(tab.value("Retry policy").await, "license-validator");
    tab.ends().await;
}

/// "Register Your Webhook: enter your webhook URL (must be HTTPS)"; "Clicking New Endpoint will reveal a form to add a new URL".
#[tokio::test]
async fn a_url_that_is_not_https_is_refused_beside_its_field_and_the_rest_stays() {
    let Some(tab) = Tab::new().await else { return };
    let world = World::with(&[]).await;
    tab.turns_to(&world);
    tab.sign_in_as_admin().await;
    tab.open("/admin/webhooks/new").await;
    tab.fill("Name", "Endpoint").await;
    tab.fill("Target URL", "http://receiver.example/hook").await;
    tab.click("license.created").await;
    tab.click("Save").await;
    tab.shows("One thing needs correcting").await;
    let beside = "const field = named(TYPED, 'Target URL'); \
                  return document.getElementById(field.id + '-error').textContent.includes('https') && field.ariaInvalid";
    assert_eq!(tab.script(beside, json!([])).await, json!("true"));
    tab.fill("Target URL", "https://receiver.example/hook").await;
    tab.click("Save").await;
    shown_once(&tab).await;
    let made = world.get("/api/webhooks").await.ok();
    assert_eq!(made["data"][0]["name"], "Endpoint");
    assert_eq!(made["data"][0]["events"], json!(["license.created"]));
    tab.ends().await;
}

/// "Test Your Webhook: use the Test button", "check the response".
#[tokio::test]
async fn a_test_is_sent_and_its_answer_shown() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    webhook(&world, json!({ "name": "CRM sync", "events": ["license.validated"] })).await;
    tab.sign_in_as_admin().await;
    tab.click("Webhooks").await;
    tab.click("CRM sync").await;
    tab.click("Test").await;
    tab.click("Send test").await;
    tab.shows("What came back").await.shows("200").await.shows("seen").await;
    assert!(world.sink.requests()[0].1.contains("license.validated"));
    world.sink.answers(&[401]);
    tab.click("Send again").await;
    tab.shows("Not delivered").await.shows("Answered 401.").await;
    tab.ends().await;
}

/// "Plan availability": a plan without webhooks, and one with a number of them.
#[tokio::test]
async fn a_plan_without_a_free_place_says_so_in_the_form() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.put("/api/tenants/acme", json!({ "maxWebhooks": 0 })).await.ok();
    tab.sign_in(&world.token("tenant", Some("acme")).await).await;
    tab.click("Webhooks").await;
    tab.click("Create webhook").await;
    tab.fill("Target URL", &world.sink.url()).await;
    tab.click("license.created").await;
    tab.click("Save").await;
    tab.shows("One thing needs correcting").await.shows("webhooks").await;
    assert_eq!(tab.value("Target URL").await, world.sink.url());
    assert_eq!(world.get("/api/webhooks").await.ok()["data"], json!([]));
    tab.ends().await;
}
