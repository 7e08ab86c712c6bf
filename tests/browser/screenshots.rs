//! Pictures of the pages, written where `WAXWING_SCREENSHOTS` says, and only there.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::installation::Installation;
use crate::pages::{EMPTY, PAGES, Page, tour};
use crate::tab::{DESKTOP, PHONE, Size, Tab, Theme};

/// Those that look like another one, and would only make the folder larger.
const LEFT_OUT: [&str; 6] =
    ["webhook-recovery", "webhook-rest", "webhooks-none", "events-none", "webhook-test", "token-refused"];
/// The most of a page that is shown.
const HEIGHT_MAX: u64 = 900;

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how somebody says that he wants the pictures made")]
async fn pictures_are_made_if_somebody_asks_for_them() {
    let Ok(folder) = std::env::var("WAXWING_SCREENSHOTS") else { return };
    // Tests run in the crate's folder; what is asked for is meant from the repository's.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let tab = Tab::new().await.expect("a browser");
    let (place, empty) = (Installation::stocked().await, Installation::empty().await);
    for theme in [Theme::Light, Theme::Dark] {
        tab.looks(theme).await;
        let mut look = async |page: &Page| {
            if LEFT_OUT.contains(&page.name) {
                return;
            }
            for size in [PHONE, DESKTOP] {
                picture(&tab, size, file(&folder, page, theme, size)).await;
            }
        };
        tour(&place, &tab, PAGES, &mut look).await;
        tour(&empty, &tab, EMPTY, &mut look).await;
    }
    tab.ends().await;
}

fn file(folder: &Path, page: &Page, theme: Theme, size: Size) -> PathBuf {
    let theme = if theme == Theme::Light { "light" } else { "dark" };
    let size = if size.0 == PHONE.0 { "phone" } else { "desktop" };
    folder.join(format!("{}-{size}-{theme}.webp", page.name))
}

async fn picture(tab: &Tab, size: Size, file: PathBuf) {
    tab.is_sized(size).await;
    let height = tab.script("return document.documentElement.scrollHeight", json!([])).await.as_u64().unwrap();
    let height = height.clamp(u64::from(size.1), HEIGHT_MAX);
    tab.is_sized(Size(size.0, u32::try_from(height).unwrap())).await;
    let made = tab.cdp("Page.captureScreenshot", json!({ "format": "webp", "quality": 50 })).await;
    tab.is_sized(size).await;
    std::fs::write(file, STANDARD.decode(made["data"].as_str().unwrap()).unwrap()).unwrap();
}
