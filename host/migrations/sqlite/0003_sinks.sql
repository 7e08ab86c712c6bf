-- Receivers of the server's own, for trying things out.

-- `hash` is the SHA-256 of the token in the sink's URL.
CREATE TABLE sinks (
    id         INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE,
    sealed     BLOB    NOT NULL,     -- the token
    answer     TEXT    NOT NULL,     -- JSON
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sinks_by_tenant ON sinks (tenant, id);

-- What came, unmasked: all of it is sealed.
CREATE TABLE sink_requests (
    id   INTEGER PRIMARY KEY,
    sink INTEGER NOT NULL,
    head BLOB    NOT NULL,           -- method, path, headers, length, signature
    body BLOB    NOT NULL            -- at most 64 KiB of it
) STRICT;
CREATE INDEX sink_requests_by_sink ON sink_requests (sink, id);
