-- Ids are 63 bits that sort by time; times are milliseconds since 1970. Sealed columns open only with the server's key.
-- Text that is compared or ordered has the collation "C", so that the order is that of the bytes, wherever the database was made.

-- What is kept for a time is partitioned by the class of its retention (days), then by the day in its id (UTC). Days are made ahead
-- and on demand by the program, and dropped whole. There is no default partition: nothing would ever leave it.

-- Accepted once, then immutable. `first_delivery` to `last_delivery` is where the deliveries made at acceptance stand among all
-- deliveries, so that those of one event are found without an index that every delivery would pay for; `additions` has the rest.
CREATE TABLE events (
    id             BIGINT NOT NULL,
    class          BIGINT NOT NULL,
    tenant         TEXT   COLLATE "C" NOT NULL,
    environment    TEXT   COLLATE "C" NOT NULL,
    type           TEXT   COLLATE "C" NOT NULL,
    occurred_at    BIGINT NOT NULL,
    content_type   TEXT   COLLATE "C",       -- NULL: JSON
    external_id    TEXT   COLLATE "C",
    deliveries     BIGINT NOT NULL,          -- made at acceptance
    first_delivery BIGINT,
    last_delivery  BIGINT,
    data           BYTEA  NOT NULL,
    PRIMARY KEY (id, class)
) PARTITION BY LIST (class);
CREATE INDEX events_by_tenant ON events (tenant, id);
CREATE INDEX events_by_external_id ON events (external_id, id) WHERE external_id IS NOT NULL;

-- One narrow row a delivery, written at its end.
CREATE TABLE deliveries (
    id          BIGINT NOT NULL,
    class       BIGINT NOT NULL,
    event       BIGINT NOT NULL,
    webhook     BIGINT NOT NULL,
    tenant      TEXT   COLLATE "C" NOT NULL,
    status      BIGINT NOT NULL,             -- 1 delivered, 2 failed, 3 dropped, 4 cancelled
    cause       BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    last_status BIGINT,
    reason      TEXT   COLLATE "C",
    revision    BIGINT,
    replay_of   BIGINT,
    ended_at    BIGINT NOT NULL,
    PRIMARY KEY (id, class)
) PARTITION BY LIST (class);
CREATE INDEX deliveries_by_tenant ON deliveries (tenant, id);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
CREATE INDEX deliveries_not_delivered ON deliveries (id) WHERE status <> 1;

-- One row a try. `fence` tells a late node's try from the one that counted.
CREATE TABLE attempts (
    delivery   BIGINT NOT NULL,
    class      BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    fence      BIGINT NOT NULL,
    cause      BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    outcome    BIGINT NOT NULL,              -- 0 delivered, 1 rejected, 2 unreachable, 3 dropped, 4 transform failed, 5 format failed
    micros     BIGINT NOT NULL,
    next_at    BIGINT,
    detail     BYTEA  NOT NULL,              -- packed JSON
    response   BYTEA,                        -- packed bytes
    PRIMARY KEY (delivery, number, fence, class)
) PARTITION BY LIST (class);

-- Only what a plugin made and differs from the event's data.
CREATE TABLE bodies (
    delivery BIGINT NOT NULL,
    class    BIGINT NOT NULL,
    draft    TEXT   COLLATE "C",             -- NULL: new data for the format's envelope
    body     BYTEA  NOT NULL,                -- packed bytes
    PRIMARY KEY (delivery, class)
) PARTITION BY LIST (class);

-- These are packed already: PostgreSQL need not try again.
ALTER TABLE attempts ALTER COLUMN detail SET STORAGE EXTERNAL, ALTER COLUMN response SET STORAGE EXTERNAL;
ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL;

DO $$
DECLARE
    parent TEXT;
    class  INTEGER;
BEGIN
    FOREACH parent IN ARRAY ARRAY['events', 'deliveries', 'attempts', 'bodies'] LOOP
        FOREACH class IN ARRAY ARRAY[1, 7, 30, 90, 365] LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%s) PARTITION BY RANGE (%I)',
                parent || '_' || class, parent, class, CASE WHEN parent IN ('attempts', 'bodies') THEN 'delivery' ELSE 'id' END);
        END LOOP;
    END LOOP;
END
$$;

-- Only what is pending. Claimed: `node` is set; scheduled: `due_at` is; waiting for its webhook: neither.
-- The rows of the hot path are born claimed and deleted claimed: no secondary index holds them.
CREATE TABLE queue (
    id          BIGINT PRIMARY KEY,
    class       BIGINT NOT NULL,             -- its event's
    event       BIGINT NOT NULL,
    webhook     BIGINT NOT NULL,
    tenant      TEXT   COLLATE "C" NOT NULL,
    node        BIGINT,
    due_at      BIGINT,
    fence       BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    cause       BIGINT NOT NULL,             -- 0 automatic, 1 manual, 2 test
    last_status BIGINT,
    reason      TEXT   COLLATE "C",
    revision    BIGINT,
    replay_of   BIGINT
);
CREATE INDEX queue_due ON queue (due_at, id) WHERE node IS NULL AND due_at IS NOT NULL;
CREATE INDEX queue_waiting ON queue (webhook, id) WHERE node IS NULL AND due_at IS NULL;
CREATE INDEX queue_scheduled ON queue (webhook, id) WHERE node IS NULL AND due_at IS NOT NULL;
-- What was taken from the queue, as against born claimed: asked for where the order of a webhook's deliveries counts.
CREATE INDEX queue_taken ON queue (webhook) WHERE node IS NOT NULL AND fence > 1;
-- Its rows come and go all the time: cleaned up by how many died, not by what share of a table that is mostly empty.
ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
                       autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

-- Deliveries that were made after their event was accepted: replays, tests, recovered ones.
CREATE TABLE additions (
    event    BIGINT NOT NULL,
    delivery BIGINT NOT NULL,
    class    BIGINT NOT NULL,                -- the event's
    PRIMARY KEY (event, delivery)
);

-- What must be unique has a table of its own, since a partitioned one can't say so over all its days.

-- `scope` is the SHA-256 of tenant, path and key.
CREATE TABLE idempotency_keys (
    scope       BYTEA  PRIMARY KEY,
    body_digest BYTEA  NOT NULL,
    answer      BYTEA  NOT NULL,
    kept_at     BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (kept_at);

CREATE TABLE external_ids (
    tenant      TEXT   COLLATE "C" NOT NULL,
    environment TEXT   COLLATE "C" NOT NULL,
    external_id TEXT   COLLATE "C" NOT NULL,
    event       BIGINT NOT NULL,             -- the newest that bears it
    PRIMARY KEY (tenant, environment, external_id)
);
CREATE INDEX external_ids_by_age ON external_ids (event);

-- Processes that are at work, by their lease in this database's own time. `id` is never used again; `number` is, by turns.
CREATE TABLE nodes (
    id         BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number     SMALLINT    NOT NULL UNIQUE,
    expires_at TIMESTAMPTZ NOT NULL,
    name       TEXT        NOT NULL,
    delivers   BOOLEAN     NOT NULL
);

-- `configuration` grows with every change of what is set up; `number` is the last one that a node was given.
CREATE TABLE counters (
    name  TEXT   COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('configuration', 0), ('number', 1023);

CREATE TABLE webhooks (
    id          BIGINT PRIMARY KEY,
    tenant      TEXT   COLLATE "C" NOT NULL,
    name        TEXT   COLLATE "C" NOT NULL,
    description TEXT   COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    deleted_at  BIGINT,
    revision    BIGINT NOT NULL,             -- the current one
    policies    TEXT   NOT NULL,             -- JSON
    sealed      BYTEA  NOT NULL              -- URL, header values, signing secrets
);
CREATE INDEX webhooks_by_tenant ON webhooks (tenant, id);

CREATE TABLE revisions (
    id         BIGINT PRIMARY KEY,
    webhook    BIGINT NOT NULL,
    valid_from BIGINT NOT NULL,
    body       TEXT   NOT NULL,              -- JSON
    sealed     BYTEA  NOT NULL               -- the URL then, and the secrets of the plugins' settings
);
CREATE INDEX revisions_by_webhook ON revisions (webhook, id);

CREATE TABLE revision_plugins (
    digest   BYTEA  NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (digest, revision)
);

CREATE TABLE health (
    webhook       BIGINT PRIMARY KEY,
    last_success  BIGINT,
    failing_since BIGINT,
    failures      BIGINT NOT NULL            -- since the last success
);

CREATE TABLE plugins (
    digest      BYTEA   PRIMARY KEY,
    name        TEXT    COLLATE "C" NOT NULL,
    version     TEXT    COLLATE "C" NOT NULL,
    manifest    TEXT    NOT NULL,            -- JSON
    size        BIGINT  NOT NULL,
    uploaded_at BIGINT  NOT NULL,
    bundled     BOOLEAN NOT NULL,
    shared      BOOLEAN NOT NULL,
    UNIQUE (name, version)
);

CREATE TABLE components (
    digest BYTEA PRIMARY KEY,
    wasm   BYTEA NOT NULL
);

CREATE TABLE tenants (
    name         TEXT    COLLATE "C" PRIMARY KEY,
    created_at   BIGINT  NOT NULL,
    max_webhooks BIGINT,
    max_held     BIGINT  NOT NULL,
    retention    BIGINT  NOT NULL,           -- days
    strict       BOOLEAN NOT NULL,
    defaults     TEXT    NOT NULL            -- JSON
);

CREATE TABLE tokens (
    id         BIGINT PRIMARY KEY,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    tenant     TEXT   COLLATE "C",
    hash       BYTEA  NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE TABLE catalogue (
    type        TEXT    COLLATE "C" PRIMARY KEY,
    description TEXT    NOT NULL,
    schema      TEXT,
    sample      TEXT,
    deprecated  BOOLEAN NOT NULL,
    updated_at  BIGINT  NOT NULL
);

CREATE TABLE settings (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE audit (
    id     BIGINT PRIMARY KEY,
    tenant TEXT   COLLATE "C",
    actor  TEXT   NOT NULL,
    action TEXT   NOT NULL,
    target TEXT   NOT NULL,
    detail TEXT   NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant, id);
