//! What happens while somebody looks: rows that appear, states that change, without loading the page again and without taking away what
//! he was about to do.

use serde_json::json;

use crate::tab::Tab;

/// Left behind in a page, so that it shows when another one takes its place.
const MARK: &str = "window.isStillThisPage = true";
const IS_MARKED: &str = "return window.isStillThisPage === true";

/// Waits for a row with both.
async fn row(tab: &Tab, event_type: &str, status: &str) {
    let look = "return [...document.querySelectorAll('tbody tr')].some((row) => args.every((text) => row.innerText.includes(text)))";
    tab.until(&format!("a row {event_type}, {status}"), look, json!([event_type, status])).await;
}

#[tokio::test]
async fn rows_appear_and_change_while_the_list_is_open() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "Shop", "events": ["*"], "retry": { "delaysSeconds": [60] } })).await;
    world.sink.answers(&[503, 200, 200, 200]);
    tab.sign_in_as_admin().await;
    tab.click("Deliveries").await;
    tab.shows("No deliveries yet").await;
    tab.script(MARK, json!([])).await;
    world.publish("order.first", json!({})).await;
    world.deliver().await;
    row(&tab, "order.first", "Pending").await;
    tab.script("document.querySelector('input[name=id]').click()", json!([])).await;
    world.publish("order.second", json!({})).await;
    world.deliver().await;
    row(&tab, "order.second", "Delivered").await;
    let first = "return document.querySelector('tbody tr:last-child input[name=id]').checked";
    assert_eq!(tab.script(first, json!([])).await, true, "a tick stays where it was");
    let read_out = "return document.querySelector('[data-live-said]').textContent.includes('new deliver')";
    tab.until("what came is read out", read_out, json!([])).await;
    tab.click("Pause").await;
    tab.shows("Paused").await;
    world.publish("order.third", json!({})).await;
    world.deliver().await;
    tab.click("Resume").await;
    row(&tab, "order.third", "Delivered").await;
    assert_eq!(tab.script(IS_MARKED, json!([])).await, true, "it is the same page");
    tab.ends().await;
}

#[tokio::test]
async fn a_delivery_and_the_overview_follow_what_becomes_of_an_event() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "Shop", "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[503, 200]);
    tab.sign_in_as_admin().await;
    tab.script(MARK, json!([])).await;
    world.publish("order.lost", json!({})).await;
    world.deliver().await;
    tab.shows("Newest failed deliveries").await.shows("order.lost").await;
    assert_eq!(tab.script(IS_MARKED, json!([])).await, true);
    tab.click("order.lost").await;
    tab.shows("Answered 503.").await;
    tab.script(MARK, json!([])).await;
    let failed = world.get("/api/deliveries").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    world.post(&format!("/api/deliveries/{failed}/retry"), json!({})).await.ok();
    world.deliver().await;
    tab.shows("Attempt 2").await.shows("Made it in 2 attempts.").await;
    assert_eq!(tab.script(IS_MARKED, json!([])).await, true);
    tab.ends().await;
}

#[tokio::test]
async fn what_would_be_sent_is_shown_before_a_webhook_is_saved() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.click("Plugins").await;
    tab.click("Templates").await;
    tab.click("Use it: Slack alerts").await;
    tab.fill("Target URL", &format!("{}/hook", world.sink.url())).await;
    tab.click("Show what would be sent").await;
    tab.shows("Plugin slack@").await.shows("Signed request").await.shows("POST ").await;
    assert_eq!(tab.value("Name").await, "Slack alerts");
    assert!(world.sink.requests().is_empty());
    tab.click("Save").await;
    tab.shows("Copy the secret now").await;
    tab.ends().await;
}

#[tokio::test]
async fn all_deliveries_of_a_page_are_chosen_by_one_box() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "Shop", "events": ["*"], "retry": { "delaysSeconds": [] } })).await;
    world.sink.answers(&[500, 500, 200, 200]);
    for _ in 0..2 {
        world.publish("order.lost", json!({})).await;
        world.deliver().await;
    }
    tab.sign_in_as_admin().await;
    tab.click("Deliveries").await;
    tab.click("Choose all on this page").await;
    let ticked = "return document.querySelectorAll('input[name=id]:checked').length";
    assert_eq!(tab.script(ticked, json!([])).await, 2);
    tab.click("Retry chosen").await;
    tab.at("/admin/deliveries?done=").await;
    world.deliver().await;
    let none = "return document.querySelectorAll('tbody .badge.bad').length === 0";
    tab.until("no failed row", none, json!([])).await;
    assert_eq!(world.sink.requests().len(), 4);
    tab.ends().await;
}
