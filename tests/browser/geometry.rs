//! Nothing sticks out, nothing lies on anything else: every page, on a desktop and on a phone, with the longest names and URLs.

use serde_json::json;

use crate::installation::Installation;
use crate::pages::{EMPTY, LONG, PAGES, Page, tour};
use crate::tab::{DESKTOP, PHONE, Size, Tab};

const CHECK: &str = include_str!("geometry.js");
/// How many parts a row of fields has with its button, and how far apart they end.
const ROW: &str = "const parts = [...document.querySelectorAll('.sift-row :is(input, select, button)')]; \
                   const ends = parts.map((part) => part.getBoundingClientRect().bottom); \
                   return [parts.length, Math.round(Math.max(...ends) - Math.min(...ends))];";
/// Where the side becomes a bar and tables become cards, the pages must hold, too.
const SIZES: [Size; 4] = [PHONE, Size(900, 800), Size(1190, 900), DESKTOP];

#[tokio::test]
async fn nothing_sticks_out_and_nothing_overlaps_at_any_size() {
    let Some(tab) = Tab::new().await else { return };
    let mut faults = Vec::new();
    let mut look = async |page: &Page| {
        for size in SIZES {
            tab.is_sized(size).await;
            let found = tab.script(CHECK, json!([])).await;
            let found = found.as_array().unwrap().iter();
            faults.extend(found.map(|fault| format!("{} at {}: {}", page.name, size.0, fault.as_str().unwrap())));
        }
    };
    let place = Installation::stocked().await.with_long_names().await;
    tour(&place, &tab, PAGES, &mut look).await;
    tour(&place, &tab, LONG, &mut look).await;
    tour(&Installation::empty().await, &tab, EMPTY, &mut look).await;
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
    tab.ends().await;
}

/// Without this, the test above might look at nothing.
#[tokio::test]
async fn what_sticks_out_or_overlaps_is_found() {
    let Some((_world, tab)) = Tab::on_a_new_server().await else { return };
    tab.open("/admin/sign-in").await;
    assert_eq!(tab.script(CHECK, json!([])).await, json!([]));
    let spoil = "const button = document.querySelector('button.primary'); button.style.marginTop = '-30px'; \
                 const wide = document.body.appendChild(document.createElement('p')); wide.style.width = '3000px'; \
                 wide.textContent = 'wide';";
    tab.script(spoil, json!([])).await;
    let found = tab.script(CHECK, json!([])).await.to_string();
    assert!(found.contains("the document is 3000 px wide") && found.contains("sticks out"), "{found}");
    assert!(found.contains("lies on"), "{found}");
}

#[tokio::test]
async fn a_button_is_level_with_the_fields_that_it_is_of() {
    let Some((world, tab)) = Tab::on_a_new_server().await else { return };
    tab.sign_in_as_admin().await;
    tab.is_sized(PHONE).await;
    tab.open("/admin/sinks").await;
    assert_eq!(tab.script(ROW, json!([])).await, json!([2, 0]));
    // With a second tenant there is one more filter: as many as there can be.
    world.put("/api/tenants/acme", json!({})).await.ok();
    tab.is_sized(DESKTOP).await;
    for (path, parts) in [("/admin/events", 7), ("/admin/events?type=order.paid", 7), ("/admin/sinks", 3)] {
        tab.open(path).await;
        assert_eq!(tab.script(ROW, json!([])).await, json!([parts, 0]), "{path}");
    }
    tab.ends().await;
}
