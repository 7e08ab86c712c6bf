//! What the documents advise where something doesn't work: the status, the environment, the log, the secret, the time that a receiver takes.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::tab::Tab;
use crate::workflows::{assert_signed, shown_once, webhook};
use crate::world::World;

/// The deliveries that are due so many seconds later.
async fn later(world: &World, seconds: u64) {
    world.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    world.deliver().await;
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
    tab.shows("for 0 of 1 webhook.").await.shows("It was disabled since").await;
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
