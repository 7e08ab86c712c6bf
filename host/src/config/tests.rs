use std::collections::HashMap;
use std::path::Path;

use super::table::{SETTINGS, setting};
use super::*;

fn environ(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let map: HashMap<String, String> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    move |name| map.get(name).cloned()
}

fn read(toml: &str, env: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    let mut layers = Layers::default();
    layers.add_toml(toml, Path::new("waxwing.toml"))?;
    let mut layers = layers.with_environ(&environ(env))?;
    for (key, value) in flags {
        layers.flag(setting(key).unwrap(), vec![(*value).into()]);
    }
    Config::read(&layers)
}

#[test]
fn nothing_needs_to_be_said() {
    let config = read("", &[], &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8480");
    assert_eq!(config.storage.database, Database::Sqlite("data/waxwing.db".into()));
    assert_eq!(config.storage.key, KeySource::File { path: "data/key".into(), make: true });
    assert_eq!(config.egress, EgressConfig::default());
    assert_eq!(config.plugins.memory, 64 * 1024 * 1024);
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let listen = |env: &[(&str, &str)], flags: &[(&'static str, &str)]| {
        read("listen = '127.0.0.1:1'", env, flags).unwrap().server.listen.port()
    };
    let env = [("WAXWING_LISTEN", "127.0.0.1:2")];
    assert_eq!(listen(&[], &[]), 1);
    assert_eq!(listen(&env, &[]), 2);
    assert_eq!(listen(&env, &[("listen", "localhost:3")]), 3);
}

#[test]
fn an_unknown_key_of_the_file_is_refused_with_what_was_probably_meant() {
    let error = |toml: &str| read(toml, &[], &[]).unwrap_err().to_string();
    assert_eq!(error("port = 1"), "waxwing.toml: there is no setting 'port'");
    assert_eq!(
        error("[plugin]\nfuel = 1"),
        "waxwing.toml: there is no setting 'plugin.fuel'; did you mean 'plugins.fuel'?"
    );
    assert!(error("listen = ").starts_with("waxwing.toml: not TOML"));
    assert_eq!(error("allow-networks = '10.0.0.0/8'"), "waxwing.toml: allow-networks: must be an array of texts");
}

#[test]
fn an_error_says_where_the_value_was_said() {
    let env = |name: &str, value: &str| read("", &[(name, value)], &[]).unwrap_err().to_string();
    assert_eq!(
        env("WAXWING_LISTEN", "here"),
        "WAXWING_LISTEN: 'here' is not an address and port such as 127.0.0.1:8480"
    );
    assert_eq!(
        env("WAXWING_ALLOW_NETWORKS", "10.0.0.0/8,x"),
        "WAXWING_ALLOW_NETWORKS: 'x' is not a network such as 10.0.0.0/8 or fd00::/8"
    );
    assert_eq!(env("WAXWING_PLUGINS_MEMORY_MIB", "0"), "WAXWING_PLUGINS_MEMORY_MIB: must be 1 to 1024");
    assert_eq!(
        env("WAXWING_DATABASE", "postgres://db/x"),
        "WAXWING_DATABASE: PostgreSQL is not supported by this version; use sqlite:PATH"
    );
    assert_eq!(
        env("WAXWING_DEFAULT_FORMAT", "xml"),
        format!("WAXWING_DEFAULT_FORMAT: {}", crate::model::webhook::UnknownFormat)
    );
}

#[test]
fn a_variable_may_name_a_file_that_holds_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "a-token-of-some-length\n").unwrap();
    let path = path.to_str().unwrap();
    let config = read("", &[("WAXWING_ADMIN_TOKEN_FILE", path)], &[]).unwrap();
    assert_eq!(config.server.admin_token.unwrap().expose(), "a-token-of-some-length");
    let both = [("WAXWING_ADMIN_TOKEN_FILE", path), ("WAXWING_ADMIN_TOKEN", "another-token-here")];
    assert!(read("", &both, &[]).unwrap_err().to_string().contains("keep one of them"));
    let key = read("", &[("WAXWING_KEY_FILE", "/etc/waxwing/key")], &[]).unwrap().storage.key;
    assert_eq!(key, KeySource::File { path: "/etc/waxwing/key".into(), make: false });
}

#[test]
fn debug_shows_no_secret() {
    let config = read("", &[("WAXWING_ADMIN_TOKEN", "very-secret-token-1"), ("WAXWING_KEY", "c2VjcmV0")], &[]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("very-secret") && !shown.contains("c2VjcmV0"), "{shown}");
}

#[test]
fn every_name_in_the_table_stands_once() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        let before = SETTINGS.iter().take(index);
        assert!(before.clone().all(|other| other.key != setting.key && other.env != setting.env), "{}", setting.key);
        assert!(setting.flag.is_none() || before.clone().all(|other| other.flag != setting.flag), "{}", setting.key);
    }
}
