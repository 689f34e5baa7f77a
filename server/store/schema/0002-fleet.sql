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
-- Every content that a profile had.  Rows never change; numbers run from 1 for each name and are never given out again,
-- so that what was delivered for a revision can always be told.
CREATE TABLE profile_revisions (
	name        TEXT NOT NULL,
	revision    INTEGER NOT NULL CHECK (revision >= 1),
	sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
	size_bytes  INTEGER NOT NULL,
	author      TEXT NOT NULL,          -- who stored it: id of a token; '' where none was needed
	created_at  TEXT NOT NULL,
	content     TEXT NOT NULL,          -- canonical JSON; last, so that lists do not read past it
	PRIMARY KEY (name, revision)
);
INSERT INTO profile_revisions (name, revision, sha256, size_bytes, author, created_at, content)
	SELECT name, 1, sha256, length(CAST(content AS BLOB)), '', updated_at, content FROM profiles;

-- What a name stands for now; a row outlives the deletion of its profile, for the sake of the numbers.
CREATE TABLE profile_names (
	name        TEXT PRIMARY KEY NOT NULL,
	revision    INTEGER NOT NULL,       -- the latest
	created_at  TEXT NOT NULL,
	updated_at  TEXT NOT NULL,
	deleted_at  TEXT                    -- NULL while there is such a profile
) WITHOUT ROWID;
INSERT INTO profile_names (name, revision, created_at, updated_at)
	SELECT name, 1, created_at, updated_at FROM profiles;
DROP TABLE profiles;

-- Which revision an answer is for; NULL where the profile was not kept here.
ALTER TABLE deliveries ADD COLUMN profile_revision INTEGER;
