//! Nothing sticks out, nothing lies on anything else: every page, on a desktop and on a phone, with the longest names and URLs.

use serde_json::json;

use crate::installation::Installation;
use crate::pages::{EMPTY, LONG, PAGES, Page, tour};
use crate::tab::{DESKTOP, PHONE, Size, Tab};

const CHECK: &str = include_str!("geometry.js");
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
