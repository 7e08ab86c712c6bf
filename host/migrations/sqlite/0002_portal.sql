-- Who is signed in to the portal, and links that sign in once. What the cookie or the link holds is kept as its SHA-256.

CREATE TABLE sessions (
    hash       BLOB    PRIMARY KEY,
    maker      TEXT    NOT NULL,     -- the token that it came from, as the audit log calls it
    proof      BLOB,                 -- of that token: tells whether it is the same still; NULL: the server itself
    by_link    INTEGER NOT NULL,
    role       TEXT    NOT NULL,
    tenant     TEXT,
    origin     TEXT,                 -- who may frame the pages; NULL: nobody
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE sign_in_links (
    hash       BLOB    PRIMARY KEY,
    maker      TEXT    NOT NULL,
    proof      BLOB,
    role       TEXT    NOT NULL,
    tenant     TEXT,
    origin     TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_links_by_end ON sign_in_links (expires_at);
