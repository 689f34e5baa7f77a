-- What fleets need beside profiles and deliveries.
CREATE TABLE counters (
	name   TEXT PRIMARY KEY NOT NULL,
	value  INTEGER NOT NULL              -- the last one that was given out
) WITHOUT ROWID;

-- Bearer tokens.  The token itself is told once, to whoever asked for it.
CREATE TABLE tokens (
	id          TEXT PRIMARY KEY NOT NULL,
	sha256      BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	name        TEXT NOT NULL,          -- what it is for; for people
	owner       TEXT NOT NULL,          -- whose profiles it may write; '' = anybody's
	scopes      TEXT NOT NULL,          -- separated by spaces
	created_at  TEXT NOT NULL,
	expires     INTEGER NOT NULL,       -- Unix seconds; 0 = never
	revoked_at  TEXT                    -- NULL = it was not
) WITHOUT ROWID;
