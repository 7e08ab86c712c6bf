-- Who is signed in to the portal, and links that sign in once. What the cookie or the link holds is kept as its SHA-256.

CREATE TABLE sessions (
    hash       BYTEA   PRIMARY KEY,
    maker      TEXT    COLLATE "C" NOT NULL, -- the token that it came from, as the audit log calls it
    proof      BYTEA,                        -- of that token: tells whether it is the same still; NULL: the server itself
    by_link    BOOLEAN NOT NULL,
    role       TEXT    COLLATE "C" NOT NULL,
    tenant     TEXT    COLLATE "C",
    origin     TEXT    COLLATE "C",          -- who may frame the pages; NULL: nobody
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE sign_in_links (
    hash       BYTEA   PRIMARY KEY,
    maker      TEXT    COLLATE "C" NOT NULL,
    proof      BYTEA,
    role       TEXT    COLLATE "C" NOT NULL,
    tenant     TEXT    COLLATE "C",
    origin     TEXT    COLLATE "C",
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX sign_in_links_by_end ON sign_in_links (expires_at);
