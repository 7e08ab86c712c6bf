-- Receivers of the server's own, for trying things out.

-- `hash` is the SHA-256 of the token in the sink's URL.
CREATE TABLE sinks (
    id         BIGINT PRIMARY KEY,
    tenant     TEXT   COLLATE "C" NOT NULL,
    name       TEXT   NOT NULL,
    hash       BYTEA  NOT NULL UNIQUE,
    sealed     BYTEA  NOT NULL,      -- the token
    answer     TEXT   NOT NULL,      -- JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX sinks_by_tenant ON sinks (tenant, id);

-- What came, unmasked: all of it is sealed.
CREATE TABLE sink_requests (
    id   BIGINT PRIMARY KEY,
    sink BIGINT NOT NULL,
    head BYTEA  NOT NULL,            -- method, path, headers, length, signature
    body BYTEA  NOT NULL             -- at most 64 KiB of it
);
CREATE INDEX sink_requests_by_sink ON sink_requests (sink, id);
-- Sealed bytes can't be packed.
ALTER TABLE sink_requests ALTER COLUMN head SET STORAGE EXTERNAL, ALTER COLUMN body SET STORAGE EXTERNAL;
