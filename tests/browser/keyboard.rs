//! Everything by keyboard alone: from the door to a webhook that was made and tested, and the menus. The mouse is never used here.

use serde_json::{Value, json};

use crate::tab::{ENTER, ESCAPE, PHONE, TAB, Tab};
use crate::world::ADMIN;

/// More stops than any page has before what is looked for.
const STOPS_MAX: usize = 120;

/// Where the focus is: its name, and whether one sees that it is there.
const FOCUSED: &str = r#"
const one = document.activeElement;
const style = getComputedStyle(one);
const { top, bottom, left, right } = one.getBoundingClientRect();
const inside = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth && bottom - top > 1;
const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
return { name: nameOf(one), tag: one.tagName, seen: inside && outlined };
"#;

async fn focused(tab: &Tab) -> Value {
    tab.script(FOCUSED, json!([])).await
}

/// Presses Tab until what is named like this has the focus; at each stop on the way, the focus is to be seen.
async fn tab_to(tab: &Tab, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..STOPS_MAX {
        tab.press(&[TAB]).await;
        let focused = focused(tab).await;
        assert_eq!(
            focused["seen"],
            json!(true),
            "nobody sees that the focus is on {focused} at {}",
            tab.address().await
        );
        if focused["name"] == name {
            return;
        }
        passed.push(focused["name"].clone());
    }
    panic!("Tab doesn't reach '{name}', only {passed:?}");
}

async fn typed(tab: &Tab, text: &str) {
    tab.press(&text.chars().collect::<Vec<char>>()).await;
}

#[tokio::test]
async fn somebody_without_a_mouse_signs_in_makes_a_webhook_and_tests_it() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.open("/admin/webhooks").await;
    tab.at("/admin/sign-in").await;
    // The first stop of every page leads past what is on all of them.
    tab.press(&[TAB]).await;
    assert_eq!(focused(&tab).await["name"], "Skip to content");
    tab_to(&tab, "Access token").await;
    typed(&tab, ADMIN).await;
    tab.press(&[ENTER]).await;
    tab.at("/admin/webhooks").await.shows("No webhooks yet").await;

    tab.press(&[TAB]).await;
    let skip = focused(&tab).await;
    assert_eq!((&skip["name"], &skip["seen"]), (&json!("Skip to content"), &json!(true)));
    tab.press(&[ENTER]).await;
    tab.until("the focus on the content", "return document.activeElement.id === 'main'", json!([])).await;
    tab.press(&[TAB]).await;
    assert_eq!(focused(&tab).await["name"], "Create webhook");
    tab.press(&[ENTER]).await;
    tab.at("/admin/webhooks/new").await.shows("Receiver").await;

    tab_to(&tab, "Name").await;
    typed(&tab, "CRM sync").await;
    tab_to(&tab, "Target URL").await;
    typed(&tab, &world.sink.url()).await;
    tab_to(&tab, "Environment").await;
    typed(&tab, "Stag").await;
    assert_eq!(tab.value("Environment").await, "staging");
    tab_to(&tab, "license.activated").await;
    typed(&tab, " ").await;
    tab_to(&tab, "Retry policy").await;
    tab_to(&tab, "Save").await;
    tab.press(&[ENTER]).await;
    tab.shows("Copy the secret now").await;
    let made = world.get("/api/webhooks").await.ok()["data"][0].clone();
    assert_eq!((&made["name"], &made["environment"]), (&json!("CRM sync"), &json!("staging")));
    assert_eq!(made["events"], json!(["license.activated"]));

    tab_to(&tab, "Send a test").await;
    tab.press(&[ENTER]).await;
    tab.shows("Sends one event now").await;
    tab_to(&tab, "Send test").await;
    typed(&tab, " ").await;
    tab.shows("What came back").await.shows("Delivered").await;
    assert_eq!(world.sink.requests().len(), 1);
    tab.ends().await;
}

#[tokio::test]
async fn enter_in_a_field_saves_and_the_focus_goes_to_what_is_wrong() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook(&["*"]).await;
    tab.sign_in_as_admin().await;
    tab.open("/admin/webhooks/new").await;
    tab_to(&tab, "Target URL").await;
    // The buttons of the chain stand before Save in no way that counts.
    typed(&tab, "nonsense").await;
    tab.press(&[ENTER]).await;
    tab.shows("2 things need correcting").await;
    tab.until("the focus on the faults", "return document.activeElement.id === 'faults'", json!([])).await;
    tab_to(&tab, "Target URL").await;
    tab.press(&[ENTER]).await;
    let there = "return document.activeElement.name === 'url' || location.hash === '#field-url'";
    tab.until("the field that is wrong", there, json!([])).await;
    tab.ends().await;
}

#[tokio::test]
async fn the_menu_of_a_phone_opens_closes_and_leads_on_by_keys() {
    let Some((_world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.is_sized(PHONE).await;
    tab.open("/admin/webhooks").await;
    tab_to(&tab, "Menu").await;
    tab.press(&[ENTER]).await;
    tab.shows("Event types").await;
    let inside = "const { left, right } = document.querySelector('.sheet').getBoundingClientRect(); \
                  return left >= 0 && right <= innerWidth";
    assert_eq!(tab.script(inside, json!([])).await, json!(true));
    tab_to(&tab, "Events").await;
    tab.press(&[ESCAPE]).await;
    tab.until("a closed menu", "return !document.querySelector('details.menu').open", json!([])).await;
    assert_eq!(focused(&tab).await["name"], "Menu");
    typed(&tab, " ").await;
    tab_to(&tab, "Events").await;
    tab.press(&[ENTER]).await;
    tab.at("/admin/events").await;
    tab.ends().await;
}

#[tokio::test]
async fn a_switch_a_filter_and_what_is_folded_away_work_by_keys() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    world.webhook_with(json!({ "name": "CRM sync", "events": ["*"] })).await;
    world.publish("license.expired", json!({})).await;
    world.deliver().await;
    tab.sign_in_as_admin().await;
    tab.open("/admin/webhooks").await;
    tab_to(&tab, "Active: CRM sync").await;
    typed(&tab, " ").await;
    tab.shows("The webhook is inactive").await;
    tab.open("/admin/deliveries").await;
    tab_to(&tab, "More filters").await;
    tab.press(&[ENTER]).await;
    tab_to(&tab, "Event id").await;
    tab_to(&tab, "license.expired").await;
    tab.press(&[ENTER]).await;
    tab_to(&tab, "Request").await;
    typed(&tab, " ").await;
    tab.shows("webhook-signature").await;
    tab.ends().await;
}
