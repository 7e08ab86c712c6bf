-- Idempotency keys stand in a table a day, three by turns, so that those of a day are forgotten by emptying its table.
-- `slot` is the day since 1970, modulo 3.

ALTER TABLE idempotency_keys RENAME TO former_keys;
ALTER INDEX idempotency_keys_pkey RENAME TO former_keys_pkey;

CREATE TABLE idempotency_keys (
    slot        BIGINT NOT NULL,
    scope       BYTEA  NOT NULL,             -- the SHA-256 of tenant, path and key
    body_digest BYTEA  NOT NULL,
    answer      BYTEA  NOT NULL,
    kept_at     BIGINT NOT NULL,
    -- In this order: a list of scopes is looked up one by one, however few rows the planner takes the table to have.
    PRIMARY KEY (scope, slot)
) PARTITION BY LIST (slot);
-- Nothing in them is worth a vacuum: they are written once, and emptied before anything has to be frozen.
CREATE TABLE idempotency_keys_0 PARTITION OF idempotency_keys FOR VALUES IN (0) WITH (autovacuum_vacuum_insert_threshold = -1);
CREATE TABLE idempotency_keys_1 PARTITION OF idempotency_keys FOR VALUES IN (1) WITH (autovacuum_vacuum_insert_threshold = -1);
CREATE TABLE idempotency_keys_2 PARTITION OF idempotency_keys FOR VALUES IN (2) WITH (autovacuum_vacuum_insert_threshold = -1);

INSERT INTO idempotency_keys (slot, scope, body_digest, answer, kept_at)
    SELECT kept_at / 86400000 % 3, scope, body_digest, answer, kept_at FROM former_keys;
DROP TABLE former_keys;
