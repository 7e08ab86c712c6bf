use std::collections::HashMap;
use std::path::Path;

use super::table::{SETTINGS, Setting, setting};
use super::*;
use crate::model::name::Environment;
use crate::model::webhook::FormatName;

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
        env("WAXWING_DATABASE", "mysql://db/x"),
        "WAXWING_DATABASE: must be sqlite:PATH, such as sqlite:/var/lib/waxwing/waxwing.db, or postgres://HOST/DATABASE"
    );
    assert_eq!(
        env("WAXWING_DEFAULT_FORMAT", "xml"),
        format!("WAXWING_DEFAULT_FORMAT: {}", crate::model::webhook::UnknownFormat)
    );
}

#[test]
fn a_part_of_the_work_needs_a_database_that_nodes_can_share() {
    let said = read("role = 'worker'", &[], &[]).unwrap_err().to_string();
    assert!(said.starts_with("waxwing.toml: role: one process has an SQLite database"), "{said}");
    let database = [("database", "postgres://db/waxwing"), ("key", "k"), ("role", "api")];
    assert_eq!(read("", &[], &database).unwrap().server.role, Role::Api);
    assert_eq!(
        read("", &[("WAXWING_ROLE", "boss")], &[]).unwrap_err().to_string(),
        "WAXWING_ROLE: must be all, api or worker"
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
fn a_postgresql_database_needs_a_name_known_parameters_and_a_key_that_is_said() {
    let url = "postgres://waxwing:very%20secret@db.example.com:6432/events?sslmode=verify-full";
    let said = [("WAXWING_DATABASE", url), ("WAXWING_KEY", "c2VjcmV0")];
    let storage = read("", &said, &[]).unwrap().storage;
    let Database::Postgres(database) = &storage.database else { panic!("{storage:?}") };
    assert_eq!((database.expose(), database.to_string().as_str()), (url, "postgres://db.example.com:6432/events"));
    assert!(!format!("{storage:?}").contains("secret"), "{storage:?}");

    let refused = |url: &str| read("", &[("WAXWING_DATABASE", url), ("WAXWING_KEY", "c2VjcmV0")], &[]).unwrap_err();
    for (url, because) in [
        ("postgres://db", "names no database"),
        ("postgres://db/x?sslmod=verify-full", "'sslmod' is no parameter"),
        ("postgres://d b/x", "must be postgres://"),
    ] {
        let error = refused(url).to_string();
        assert!(error.starts_with("WAXWING_DATABASE: ") && error.contains(because), "{error}");
    }
    let keyless = read("", &[("WAXWING_DATABASE", "postgres://db/x")], &[]).unwrap_err().to_string();
    assert!(keyless.contains("--key-file"), "{keyless}");
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

#[test]
fn saying_a_default_changes_nothing() {
    let unsaid = format!("{:?}", read("", &[], &[]).unwrap());
    let plain = |setting: &&Setting| !setting.default.is_empty() && !setting.default.contains(' ');
    for setting in SETTINGS.iter().filter(plain) {
        // What the API may set stays unsaid here; behind it all stands the type's own default.
        match setting.key {
            "delivery.format" => assert_eq!(setting.default.parse(), Ok(FormatName::default())),
            "delivery.environment" => assert_eq!(setting.default.parse(), Ok(Environment::default())),
            _ => {}
        }
        if matches!(setting.key, "delivery.format" | "delivery.environment") {
            continue;
        }
        let said = read("", &[(setting.env, setting.default)], &[]).unwrap();
        assert_eq!(format!("{said:?}"), unsaid, "{}", setting.key);
    }
}

#[test]
fn a_number_is_taken_within_the_bounds_that_its_help_tells_and_not_beyond() {
    let mut bounded = 0;
    for setting in SETTINGS {
        let words: Vec<&str> = setting.help.split([' ', ',', ';']).collect();
        let is_bound = |at: &usize| words[*at] == "to" && words[at - 1].parse::<u64>().is_ok();
        let Some(at) = (1..words.len()).find(is_bound) else {
            assert!(setting.default.parse::<u64>().is_err(), "{} doesn't tell its bounds", setting.key);
            continue;
        };
        let (low, high): (u64, u64) = (words[at - 1].parse().unwrap(), words[at + 1].parse().unwrap());
        let takes = |number: u64| {
            // One webhook's share is bounded by the whole, too.
            let whole = if setting.key == "delivery.per-webhook" { ("WAXWING_IN_FLIGHT", "65536") } else { ("", "") };
            let share = if setting.key == "delivery.in-flight" { ("WAXWING_PER_WEBHOOK", "1") } else { ("", "") };
            read("", &[(setting.env, &number.to_string()), whole, share], &[]).is_ok()
        };
        assert!(takes(low) && takes(high), "{}", setting.key);
        assert!(!takes(high + 1) && low.checked_sub(1).is_none_or(|below| !takes(below)), "{}", setting.key);
        bounded += 1;
    }
    assert!(bounded >= 9, "{bounded}");
}

#[test]
fn one_webhook_may_not_have_more_than_all_of_them() {
    let config = read("[delivery]\nin-flight = 40\nper-webhook = 40", &[], &[]).unwrap();
    assert_eq!((config.delivery.in_flight, config.delivery.per_webhook), (40, 40));
    let error = read("[delivery]\nin-flight = 40\nper-webhook = 41", &[], &[]).unwrap_err().to_string();
    assert_eq!(error, "waxwing.toml: delivery.per-webhook: is more than all that may be under way (40)");
}

#[test]
fn the_way_out_is_checked_at_the_start() {
    let egress = |name: &str, value: &str| read("", &[(name, value)], &[]).map(|config| config.egress);
    for bad in ["https://proxy.example:3128", "socks5://proxy.example:1080", "proxy.example:3128"] {
        let error = egress("WAXWING_PROXY", bad).unwrap_err().to_string();
        assert!(error.starts_with("WAXWING_PROXY: "), "{error}");
    }
    assert!(egress("WAXWING_SOURCE_ADDRESS", "example.com").is_err());
    let proxy = egress("WAXWING_PROXY", "http://user:hush@proxy.example:3128").unwrap();
    assert_eq!(proxy.proxy.as_ref().unwrap().origin(), "http://proxy.example:3128");
    assert!(!format!("{proxy:?}").contains("hush"));
    let source = egress("WAXWING_SOURCE_ADDRESS", "192.0.2.7").unwrap().source_address;
    assert_eq!(source, Some("192.0.2.7".parse().unwrap()));
}
