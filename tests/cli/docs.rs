//! The documentation names everything that there is, as it is.

use waxwing::config::table::SETTINGS;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

#[test]
fn every_setting_is_documented_with_its_three_names_its_default_and_its_help() {
    for setting in SETTINGS {
        let flag = setting.flag.map_or("–".to_owned(), |flag| format!("`--{flag}`"));
        let default = if setting.default.is_empty() { "–" } else { setting.default };
        let row = format!("| `{}` | `{}` | {flag} | {default} | {}", setting.key, setting.env, setting.help);
        assert!(CONFIGURATION.contains(&row), "docs/configuration.md lacks {row}");
    }
    let rows = CONFIGURATION.lines().filter(|line| line.contains("| `WAXWING_")).count();
    assert_eq!(rows, SETTINGS.len(), "docs/configuration.md has a setting that there isn't");
}
