//! axe-core on every page, in both themes: nothing that it calls serious or critical.

use std::path::PathBuf;

use serde_json::json;

use crate::driver::left_out;
use crate::installation::Installation;
use crate::pages::{EMPTY, LONG, PAGES, Page, tour};
use crate::tab::{Tab, Theme};

/// Opens what is folded away, but for menus, and gives a sentence for each finding.
const CHECK: &str = r#"
for (const folded of document.querySelectorAll("details:not(.menu)")) folded.open = true;
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => {
  const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  done(bad.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ html, any }) => `${id} (${help}): ${html.slice(0, 200)} ${any.map((one) => one.message).join(" ")}`)));
}, (error) => done([String(error)]));
"#;

/// Where `tests/run` puts it.
fn axe() -> Option<String> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe-core/axe.min.js");
    let found = std::fs::read_to_string(&file).ok();
    if found.is_none() {
        left_out(&format!("there is no {} (tests/run fetches it): accessibility was not checked", file.display()));
    }
    found
}

async fn assert_accessible(theme: Theme) {
    let Some(axe) = axe() else { return };
    let Some(tab) = Tab::new().await else { return };
    tab.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe })).await;
    tab.looks(theme).await;
    let mut findings = Vec::new();
    let mut look = async |page: &Page| {
        let found = tab.awaits(CHECK, json!([])).await;
        findings.extend(found.as_array().unwrap().iter().map(|finding| format!("{}: {finding}", page.name)));
    };
    let place = Installation::stocked().await.with_long_names().await;
    tour(&place, &tab, PAGES, &mut look).await;
    tour(&place, &tab, LONG, &mut look).await;
    tour(&Installation::empty().await, &tab, EMPTY, &mut look).await;
    assert!(findings.is_empty(), "{findings:#?}");
    tab.ends().await;
}

#[tokio::test]
async fn nobody_is_shut_out_in_the_light_theme() {
    assert_accessible(Theme::Light).await;
}

#[tokio::test]
async fn nobody_is_shut_out_in_the_dark_theme() {
    assert_accessible(Theme::Dark).await;
}
