//! Every setting: its name in TOML, in the environment and as a flag, and what it means. The one list that the flags, the
//! environment, the check for unknown keys and the documentation go by.

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    One,
    /// `true` or `false`; a flag without a value.
    Switch,
    /// TOML: an array. Environment: separated by commas. Flag: repeated.
    Many,
}

#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// In TOML, sections by dots: `plugins.fuel`.
    pub key: &'static str,
    pub env: &'static str,
    /// Without `--`; `None` for a secret, which no process list should show.
    pub flag: Option<&'static str>,
    pub takes: Takes,
    pub default: &'static str,
    pub help: &'static str,
}

const fn one(
    key: &'static str,
    (env, flag): (&'static str, &'static str),
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, env, flag: Some(flag), takes: Takes::One, default, help }
}

const fn secret(key: &'static str, env: &'static str, help: &'static str) -> Setting {
    Setting { key, env, flag: None, takes: Takes::One, default: "", help }
}

/// In the order in which `--help` and the documentation show them.
pub const SETTINGS: &[Setting] = &[
    one(
        "listen",
        ("WAXWING_LISTEN", "listen"),
        "127.0.0.1:8480",
        "Where API and portal answer; port 0 picks a free one",
    ),
    secret("admin-token", "WAXWING_ADMIN_TOKEN", "An admin token that always works, at least 16 characters"),
    one(
        "public-url",
        ("WAXWING_PUBLIC_URL", "public-url"),
        "as the browser asks",
        "Where browsers find the portal, for links to it and for its cookies: https://waxwing.example.com",
    ),
    one(
        "drain-seconds",
        ("WAXWING_DRAIN_SECONDS", "drain-seconds"),
        "20",
        "How long a SIGTERM lets deliveries under way end, 0 to 300",
    ),
    one(
        "intake-mib",
        ("WAXWING_INTAKE_MIB", "intake-mib"),
        "128",
        "How many MiB of what is posted may be in memory until it is durable, 1 to 65536; one too many is answered with 429",
    ),
    one(
        "role",
        ("WAXWING_ROLE", "role"),
        "all",
        "What this node does: all, api (accepts and answers) or worker (delivers)",
    ),
    one("data", ("WAXWING_DATA", "data"), "data", "The folder for the SQLite file, the key and compiled plugins"),
    one(
        "database",
        ("WAXWING_DATABASE", "database"),
        "sqlite: waxwing.db in the data folder",
        "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
    ),
    one(
        "wait-for-database",
        ("WAXWING_WAIT_FOR_DATABASE", "wait-for-database"),
        "until it answers",
        "How many seconds a start waits for PostgreSQL to answer, 0 to 86400",
    ),
    one(
        "key-file",
        ("WAXWING_KEY_FILE", "key-file"),
        "key in the data folder, made at the first start",
        "The file that holds the key for secrets at rest: 32 bytes, base64",
    ),
    secret("key", "WAXWING_KEY", "The key itself, in place of the key file"),
    Setting {
        key: "allow-http",
        env: "WAXWING_ALLOW_HTTP",
        flag: Some("allow-http"),
        takes: Takes::Switch,
        default: "false",
        help: "Webhooks may have http:// URLs",
    },
    Setting {
        key: "allow-networks",
        env: "WAXWING_ALLOW_NETWORKS",
        flag: Some("allow-network"),
        takes: Takes::Many,
        default: "",
        help: "Addresses (CIDR) that are otherwise refused: loopback, private, link-local, …",
    },
    one("source-address", ("WAXWING_SOURCE_ADDRESS", "source-address"), "", "The address that deliveries leave from"),
    one(
        "proxy",
        ("WAXWING_PROXY", "proxy"),
        "",
        "An HTTP proxy that deliveries leave through: http://[USER:PASSWORD@]HOST:PORT",
    ),
    one("delivery.format", ("WAXWING_DEFAULT_FORMAT", "format"), "standard", "The format of a webhook that names none"),
    one(
        "delivery.environment",
        ("WAXWING_DEFAULT_ENVIRONMENT", "environment"),
        "production",
        "The environment of a webhook or event that names none",
    ),
    one(
        "delivery.in-flight",
        ("WAXWING_IN_FLIGHT", "in-flight"),
        "512",
        "The most requests under way at once, 1 to 65536",
    ),
    one(
        "delivery.per-webhook",
        ("WAXWING_PER_WEBHOOK", "per-webhook"),
        "16",
        "The most requests under way to one webhook, 1 to 1024",
    ),
    one(
        "delivery.in-memory",
        ("WAXWING_IN_MEMORY", "in-memory"),
        "50000",
        "The most deliveries in memory, 100 to 10000000; the rest waits in the database",
    ),
    one(
        "plugins.fuel",
        ("WAXWING_PLUGINS_FUEL", "plugins-fuel"),
        "20000000",
        "Instructions that a stage may execute, 100000 to 10000000000, and",
    ),
    one(
        "plugins.fuel-per-byte",
        ("WAXWING_PLUGINS_FUEL_PER_BYTE", "plugins-fuel-per-byte"),
        "200",
        "so many more for each byte of data, 0 to 100000; a chain may use four times that",
    ),
    one(
        "plugins.memory-mib",
        ("WAXWING_PLUGINS_MEMORY_MIB", "plugins-memory-mib"),
        "64",
        "Memory of one run in MiB, 1 to 1024",
    ),
    one(
        "plugins.component-mib",
        ("WAXWING_PLUGINS_COMPONENT_MIB", "plugins-component-mib"),
        "16",
        "The largest component that can be uploaded in MiB, 1 to 64",
    ),
    one(
        "plugins.compile-seconds",
        ("WAXWING_PLUGINS_COMPILE_SECONDS", "plugins-compile-seconds"),
        "30",
        "CPU seconds that compiling one may take, 1 to 600",
    ),
    one(
        "plugins.compile-mib",
        ("WAXWING_PLUGINS_COMPILE_MIB", "plugins-compile-mib"),
        "2048",
        "Memory that compiling one may take in MiB, 256 to 16384",
    ),
    one("log.style", ("WAXWING_LOG", "log"), "text on a terminal, else json", "json or text"),
    one(
        "log.filter",
        ("WAXWING_LOG_FILTER", "log-filter"),
        "info",
        "What is logged, as in RUST_LOG: info,waxwing=debug",
    ),
];

/// The setting with this key.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
