//! The documentation names everything that there is.

use waxwing::config::table::SETTINGS;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

#[test]
fn every_setting_is_documented_with_its_three_names() {
    for setting in SETTINGS {
        let flag = setting.flag.map_or("–".to_owned(), |flag| format!("`--{flag}`"));
        let row = format!("| `{}` | `{}` | {flag} |", setting.key, setting.env);
        assert!(CONFIGURATION.contains(&row), "docs/configuration.md lacks {row}");
    }
}
