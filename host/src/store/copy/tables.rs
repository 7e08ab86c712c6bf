//! What is copied, and in which order: one entry a table, with its columns as both databases have them.
//!
//! Left out is what a database keeps for itself: SQLite's index of idempotency keys and PostgreSQL's callers' ids (each makes its own of
//! what is copied), nodes and counters. A test compares this list with the tables and columns that there are.

use super::rows::Kind;
use crate::store::postgres::OF_KEPT_AT;

#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// The order in which its rows are copied: unique, and indexed.
    pub key: &'static [Column],
    /// The same on PostgreSQL, where it is another one.
    pub postgres_key: Option<&'static [Column]>,
    pub columns: &'static [Column],
    /// Which rows are copied, as a condition on `r`.
    pub only: &'static str,
    /// Where PostgreSQL keeps the rows by the class of their tenant's retention: that tenant of `r`, as SQLite finds it.
    pub tenant: Option<&'static str>,
    /// Where SQLite may have several rows with the same value in this column: only the one that comes last is kept.
    pub once_by: Option<&'static str>,
    /// What PostgreSQL keeps besides: the column, and of which others it is made.
    pub postgres_derived: Option<(&'static str, &'static str)>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, kind: Kind::Boolean }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes }
}

const fn table(name: &'static str, key: &'static [Column], columns: &'static [Column]) -> Table {
    Table { name, key, postgres_key: None, columns, only: "TRUE", tenant: None, once_by: None, postgres_derived: None }
}

/// One that PostgreSQL keeps by class.
const fn kept_for_a_time(
    name: &'static str,
    key: &'static [Column],
    tenant: &'static str,
    columns: &'static [Column],
) -> Table {
    Table { tenant: Some(tenant), ..table(name, key, columns) }
}

const ID: &[Column] = &[integer("id")];
const DIGEST: &[Column] = &[bytes("digest")];
const HASH: &[Column] = &[bytes("hash")];
const NAME: &[Column] = &[text("name")];
const DELIVERY: &[Column] = &[integer("delivery")];

const OWN: &str = "r.tenant";
const OF_EVENT: &str = "(SELECT e.tenant FROM events AS e WHERE e.id = r.event)";
const OF_DELIVERY: &str = "coalesce((SELECT d.tenant FROM deliveries AS d WHERE d.id = r.delivery), \
                           (SELECT q.tenant FROM queue AS q WHERE q.id = r.delivery))";

/// What is small and what everything else goes by comes first.
pub static TABLES: &[Table] = &[
    Table {
        // The key's id is compared by itself; the others say how far something has come in this very database.
        only: "r.name NOT IN ('key_id', 'keys_indexed', 'unfinished_copy')",
        ..table("settings", NAME, &[text("name"), text("value")])
    },
    table(
        "tenants",
        NAME,
        &[
            text("name"),
            integer("created_at"),
            integer("max_webhooks"),
            integer("max_held"),
            integer("retention"),
            boolean("strict"),
            text("defaults"),
        ],
    ),
    table(
        "tokens",
        ID,
        &[
            integer("id"),
            text("name"),
            text("role"),
            text("tenant"),
            bytes("hash"),
            integer("created_at"),
            integer("expires_at"),
        ],
    ),
    table(
        "sessions",
        HASH,
        &[
            bytes("hash"),
            text("maker"),
            bytes("proof"),
            boolean("by_link"),
            text("role"),
            text("tenant"),
            text("origin"),
            integer("created_at"),
            integer("expires_at"),
        ],
    ),
    table(
        "sign_in_links",
        HASH,
        &[
            bytes("hash"),
            text("maker"),
            bytes("proof"),
            text("role"),
            text("tenant"),
            text("origin"),
            integer("created_at"),
            integer("expires_at"),
        ],
    ),
    table(
        "catalogue",
        &[text("type")],
        &[
            text("type"),
            text("description"),
            text("schema"),
            text("sample"),
            boolean("deprecated"),
            integer("updated_at"),
        ],
    ),
    table(
        "plugins",
        DIGEST,
        &[
            bytes("digest"),
            text("name"),
            text("version"),
            text("manifest"),
            integer("size"),
            integer("uploaded_at"),
            boolean("bundled"),
            boolean("shared"),
        ],
    ),
    table("components", DIGEST, &[bytes("digest"), bytes("wasm")]),
    table(
        "webhooks",
        ID,
        &[
            integer("id"),
            text("tenant"),
            text("name"),
            text("description"),
            integer("created_at"),
            integer("deleted_at"),
            integer("revision"),
            text("policies"),
            bytes("sealed"),
        ],
    ),
    table("revisions", ID, &[integer("id"), integer("webhook"), integer("valid_from"), text("body"), bytes("sealed")]),
    table("revision_plugins", &[bytes("digest"), integer("revision")], &[bytes("digest"), integer("revision")]),
    table(
        "health",
        &[integer("webhook")],
        &[integer("webhook"), integer("last_success"), integer("failing_since"), integer("failures")],
    ),
    table(
        "sinks",
        ID,
        &[
            integer("id"),
            text("tenant"),
            text("name"),
            bytes("hash"),
            bytes("sealed"),
            text("answer"),
            integer("created_at"),
        ],
    ),
    table("sink_requests", ID, &[integer("id"), integer("sink"), bytes("head"), bytes("body")]),
    table("audit", ID, &[integer("id"), text("tenant"), text("actor"), text("action"), text("target"), text("detail")]),
    kept_for_a_time(
        "events",
        ID,
        OWN,
        &[
            integer("id"),
            text("tenant"),
            text("environment"),
            text("type"),
            integer("occurred_at"),
            text("content_type"),
            text("external_id"),
            integer("deliveries"),
            integer("first_delivery"),
            integer("last_delivery"),
            bytes("data"),
        ],
    ),
    kept_for_a_time(
        "additions",
        &[integer("event"), integer("delivery")],
        OF_EVENT,
        &[integer("event"), integer("delivery")],
    ),
    kept_for_a_time(
        "queue",
        ID,
        OWN,
        &[
            integer("id"),
            integer("event"),
            integer("webhook"),
            text("tenant"),
            integer("node"),
            integer("due_at"),
            integer("fence"),
            integer("attempts"),
            integer("cause"),
            integer("last_status"),
            text("reason"),
            integer("revision"),
            integer("replay_of"),
        ],
    ),
    kept_for_a_time(
        "deliveries",
        ID,
        OWN,
        &[
            integer("id"),
            integer("event"),
            integer("webhook"),
            text("tenant"),
            integer("status"),
            integer("cause"),
            integer("fence"),
            integer("attempts"),
            integer("last_status"),
            text("reason"),
            integer("revision"),
            integer("replay_of"),
            integer("ended_at"),
        ],
    ),
    kept_for_a_time(
        "attempts",
        &[integer("delivery"), integer("number"), integer("fence")],
        OF_DELIVERY,
        &[
            integer("delivery"),
            integer("number"),
            integer("fence"),
            integer("cause"),
            integer("started_at"),
            integer("ended_at"),
            integer("outcome"),
            integer("micros"),
            integer("next_at"),
            bytes("detail"),
            bytes("response"),
        ],
    ),
    kept_for_a_time("bodies", DELIVERY, OF_DELIVERY, &[integer("delivery"), text("draft"), bytes("body")]),
    Table {
        // SQLite forgets them in the order in which they came: the last of these a day later than it might.
        postgres_key: Some(&[bytes("scope"), integer("slot")]),
        postgres_derived: Some(("slot", OF_KEPT_AT)),
        once_by: Some("scope"),
        ..table("idempotency_keys", ID, &[bytes("scope"), bytes("body_digest"), bytes("answer"), integer("kept_at")])
    },
];
