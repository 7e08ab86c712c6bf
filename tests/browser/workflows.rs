//! The workflows and the troubleshooting of the documents that the portal answers to, click by click as they are written there.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::tab::{ENTER, Tab};
use crate::world::World;

/// The secret that a page shows once.
async fn shown_once(tab: &Tab) -> String {
    tab.shows("Copy the secret now").await;
    let secret = tab.script("return document.querySelector('[data-copy]').dataset.copy", json!([])).await;
    secret.as_str().unwrap().to_owned()
}

/// That the newest request was signed with this secret, as the library of Standard Webhooks says.
#[track_caller]
fn assert_signed(world: &World, secret: &str) {
    let (headers, body) = world.sink.requests().pop().expect("a request");
    let header = |name: &str| headers[name].to_str().unwrap();
    let key = standardwebhooks::Webhook::new(secret).unwrap();
    let expected = key.sign(header("webhook-id"), header("webhook-timestamp").parse().unwrap(), body.as_bytes());
    assert!(header("webhook-signature").split(' ').any(|one| one == expected.as_ref().unwrap()), "another secret");
}

async fn webhook(world: &World, webhook: Value) -> String {
    world.webhook_with(webhook).await["id"].as_str().unwrap().to_owned()
}

/// The deliveries that are due so many seconds later.
async fn later(world: &World, seconds: u64) {
    world.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    world.deliver().await;
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

/// "The webhook isn't receiving events. Check Status: ensure the webhook toggle is set to Active."
#[tokio::test]
async fn an_event_that_did_not_come_is_explained_by_the_status_and_switching_it_on_helps() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    webhook(&world, json!({ "name": "CRM sync", "events": ["*"], "isActive": false })).await;
    world.publish("license.expired", json!({})).await;
    assert_eq!(world.deliver().await, 0);
    tab.sign_in_as_admin().await;
    tab.click("Events").await;
    tab.click("license.expired").await;
    tab.shows("0 of 1 webhook got it").await.shows("It was disabled since").await;
    tab.click("Webhooks").await;
    tab.shows("Inactive").await;
    tab.click("Active: CRM sync").await;
    tab.shows("The webhook is active").await;
    world.publish("license.expired", json!({})).await;
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 1);
    tab.ends().await;
}

/// "Check Environment: verify the event is happening in the same Environment as the webhook."
#[tokio::test]
async fn an_event_of_another_environment_is_explained_and_the_webhook_moved_there() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    webhook(&world, json!({ "name": "CRM sync", "events": ["*"], "environment": "staging" })).await;
    world.publish("license.expired", json!({})).await;
    tab.sign_in_as_admin().await;
    tab.click("Events").await;
    tab.click("license.expired").await;
    tab.shows("Its environment was staging.").await;
    tab.click("As it was then").await;
    tab.click("What the webhook is now").await;
    tab.click("Edit").await;
    tab.choose("Environment", "Production").await;
    tab.click("Save").await;
    tab.shows("Changed environment").await;
    world.publish("license.expired", json!({})).await;
    world.deliver().await;
    assert_eq!(world.sink.requests().len(), 1);
    tab.ends().await;
}

/// "Check Deliveries: go to Webhook Deliveries to see if there were failed attempts and check the response code." And the event logs:
/// status code, when it was sent and when it was received, "and the reason why a retry occurred for the request".
#[tokio::test]
async fn the_log_tells_each_attempt_with_its_code_its_time_and_why_it_was_tried_again() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.open("/admin/webhooks/new").await;
    tab.fill("Target URL", &world.sink.url()).await;
    tab.click("license.activated").await;
    // "1 minute after first failure, 5 minutes after second failure, 30 minutes final attempt."
    tab.choose("Retry policy", "License validator: after 1, 5 and 30 minutes").await;
    tab.click("Save").await;
    shown_once(&tab).await;
    world.sink.answers(&[500, 503, 404, 502]);
    world.publish("license.activated", json!({})).await;
    world.deliver().await;
    tab.open("/admin/webhook-deliveries").await;
    tab.at("/admin/deliveries").await.shows("Pending").await.shows("500").await;
    tab.choose("Answer", "5xx").await;
    tab.at("/admin/deliveries?httpClass=5").await;
    tab.click("license.activated").await;
    tab.shows("Answered 500.").await.shows("Again in").await.shows("First byte").await.shows("Total").await;
    let page = tab.address().await;
    // Each with its fifth more or less.
    for seconds in [80, 400, 2200] {
        later(&world, seconds).await;
    }
    tab.open(&page).await;
    for said in ["Answered 500.", "Answered 503.", "Answered 404.", "Answered 502.", "Attempt 4", "Failed"] {
        tab.shows(said).await;
    }
    assert_eq!(world.sink.requests().len(), 4);
    tab.ends().await;
}

/// "My server says the signature is invalid." Secret mismatch, payload modification.
#[tokio::test]
async fn a_secret_that_does_not_fit_is_replaced_and_the_page_says_how_to_verify() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    webhook(&world, json!({ "name": "CRM sync", "events": ["*"] })).await;
    tab.sign_in_as_admin().await;
    tab.click("Webhooks").await;
    tab.click("CRM sync").await;
    tab.choose("The old secret", "Both sign for 1 day").await;
    tab.click("Generate new secret").await;
    let secret = shown_once(&tab).await;
    tab.shows("The secret before it signs along").await;
    tab.shows("webhook-signature holds HMAC-SHA256").await.shows("Use the raw body, before anything parses it.").await;
    tab.click("Send a test").await;
    tab.click("Send test").await;
    tab.shows("What came back").await.shows("Delivered").await;
    assert_signed(&world, &secret);
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

/// "Webhook Timing Out: respond with 200 OK within 10 seconds."
#[tokio::test]
async fn a_receiver_that_takes_too_long_is_named_as_such() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    // Connections are taken, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let silent_one = json!({ "name": "Slow", "url": url, "events": ["*"], "timeoutSeconds": 1 });
    webhook(&world, silent_one).await;
    world.publish("license.expired", json!({})).await;
    world.deliver().await;
    tab.sign_in_as_admin().await;
    tab.click("Deliveries").await;
    tab.choose("Answer", "No answer").await;
    tab.at("/admin/deliveries?httpClass=0").await;
    tab.click("license.expired").await;
    tab.shows("No answer").await.shows("timeout").await.shows("Again in").await;
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
