-- Ids are 63 bits that sort by time; times are milliseconds since 1970. Sealed columns open only with the server's key.

-- Accepted once, then immutable. `first_delivery` to `last_delivery` is where the deliveries made at acceptance stand among all
-- deliveries, so that those of one event are found without an index that every delivery would pay for; `additions` has the rest.
CREATE TABLE events (
    id             INTEGER PRIMARY KEY,
    tenant         TEXT    NOT NULL,
    environment    TEXT    NOT NULL,
    type           TEXT    NOT NULL,
    occurred_at    INTEGER NOT NULL,
    content_type   TEXT,             -- NULL: JSON
    external_id    TEXT,
    deliveries     INTEGER NOT NULL, -- made at acceptance
    first_delivery INTEGER,
    last_delivery  INTEGER,
    data           BLOB    NOT NULL
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant, id);
CREATE INDEX events_by_external_id ON events (external_id, id) WHERE external_id IS NOT NULL;

-- Only what is pending. Claimed: `node` is set; scheduled: `due_at` is; waiting for its webhook: neither.
-- The rows of the hot path are born claimed and deleted claimed: no secondary index holds them.
CREATE TABLE queue (
    id          INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL,
    webhook     INTEGER NOT NULL,
    tenant      TEXT    NOT NULL,
    node        INTEGER,
    due_at      INTEGER,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    cause       INTEGER NOT NULL,    -- 0 automatic, 1 manual, 2 test
    last_status INTEGER,
    reason      TEXT,
    revision    INTEGER,
    replay_of   INTEGER
) STRICT;
CREATE INDEX queue_due ON queue (due_at) WHERE node IS NULL AND due_at IS NOT NULL;
CREATE INDEX queue_waiting ON queue (webhook, id) WHERE node IS NULL AND due_at IS NULL;
CREATE INDEX queue_scheduled ON queue (webhook, id) WHERE node IS NULL AND due_at IS NOT NULL;

-- One narrow row a delivery, written at its end.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL,
    webhook     INTEGER NOT NULL,
    tenant      TEXT    NOT NULL,
    status      INTEGER NOT NULL,    -- 1 delivered, 2 failed, 3 dropped, 4 cancelled
    cause       INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    last_status INTEGER,
    reason      TEXT,
    revision    INTEGER,
    replay_of   INTEGER,
    ended_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_tenant ON deliveries (tenant, id);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
CREATE INDEX deliveries_not_delivered ON deliveries (id) WHERE status <> 1;

-- Deliveries that were made after their event was accepted: replays, tests, recovered ones.
CREATE TABLE additions (
    event    INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (event, delivery)
) STRICT, WITHOUT ROWID;

-- One row a try. `fence` tells a late node's try from the one that counted.
CREATE TABLE attempts (
    delivery   INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    cause      INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    outcome    INTEGER NOT NULL,     -- 0 delivered, 1 rejected, 2 unreachable, 3 dropped, 4 transform failed, 5 format failed
    micros     INTEGER NOT NULL,
    next_at    INTEGER,
    detail     BLOB    NOT NULL,     -- packed JSON
    response   BLOB,                 -- packed bytes
    PRIMARY KEY (delivery, number, fence)
) STRICT, WITHOUT ROWID;

-- Only what a plugin made and differs from the event's data.
CREATE TABLE bodies (
    delivery INTEGER PRIMARY KEY,
    draft    TEXT,                   -- NULL: new data for the format's envelope
    body     BLOB NOT NULL           -- packed bytes
) STRICT;

-- Written in the order of arrival. `scope` is the SHA-256 of tenant, path and key.
CREATE TABLE idempotency_keys (
    id          INTEGER PRIMARY KEY,
    scope       BLOB    NOT NULL,
    body_digest BLOB    NOT NULL,
    answer      BLOB    NOT NULL,
    kept_at     INTEGER NOT NULL
) STRICT;

-- Where a key stands, by the first 8 bytes of its scope. Filled behind: it is complete up to the setting `keys_indexed`.
CREATE TABLE idempotency_index (
    day         INTEGER NOT NULL,    -- since 1970
    fingerprint INTEGER NOT NULL,
    key         INTEGER NOT NULL,
    PRIMARY KEY (day, fingerprint, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    id          INTEGER PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    deleted_at  INTEGER,
    revision    INTEGER NOT NULL,    -- the current one
    policies    TEXT    NOT NULL,    -- JSON
    sealed      BLOB    NOT NULL     -- URL, header values, signing secrets
) STRICT;
CREATE INDEX webhooks_by_tenant ON webhooks (tenant, id);

CREATE TABLE revisions (
    id         INTEGER PRIMARY KEY,
    webhook    INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    body       TEXT    NOT NULL,     -- JSON
    sealed     BLOB    NOT NULL      -- the URL then, and the secrets of the plugins' settings
) STRICT;
CREATE INDEX revisions_by_webhook ON revisions (webhook, id);

CREATE TABLE revision_plugins (
    digest   BLOB    NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (digest, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE health (
    webhook       INTEGER PRIMARY KEY,
    last_success  INTEGER,
    failing_since INTEGER,
    failures      INTEGER NOT NULL   -- since the last success
) STRICT;

CREATE TABLE plugins (
    digest      BLOB    PRIMARY KEY,
    name        TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    manifest    TEXT    NOT NULL,    -- JSON
    size        INTEGER NOT NULL,
    uploaded_at INTEGER NOT NULL,
    bundled     INTEGER NOT NULL,
    shared      INTEGER NOT NULL,
    UNIQUE (name, version)
) STRICT;

CREATE TABLE components (
    digest BLOB PRIMARY KEY,
    wasm   BLOB NOT NULL
) STRICT;

CREATE TABLE tenants (
    name         TEXT    PRIMARY KEY,
    created_at   INTEGER NOT NULL,
    max_webhooks INTEGER,
    max_held     INTEGER NOT NULL,
    retention    INTEGER NOT NULL,   -- days
    strict       INTEGER NOT NULL,
    defaults     TEXT    NOT NULL    -- JSON
) STRICT;

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    tenant     TEXT,
    hash       BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE catalogue (
    type        TEXT    PRIMARY KEY,
    description TEXT    NOT NULL,
    schema      TEXT,
    sample      TEXT,
    deprecated  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    tenant TEXT,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant, id);
