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

-- What the table predicted for an answer that is for a revision; NULL without a table.
ALTER TABLE deliveries ADD COLUMN latency_ms REAL;
CREATE INDEX deliveries_predicted ON deliveries (subnet, number)
	WHERE profile_revision IS NOT NULL AND latency_ms IS NOT NULL;

-- What devices say of the packages that they run.  The newest are kept, of each device and of each package.
CREATE TABLE measurements (
	number            INTEGER PRIMARY KEY,   -- order of arrival
	subnet            TEXT NOT NULL,
	author            TEXT NOT NULL,         -- id of the token; '' where none was needed
	device            TEXT NOT NULL,         -- as it calls itself; '' where it does not say
	latency_ms        REAL NOT NULL,
	p50_ms            REAL,
	p95_ms            REAL,
	accuracy          REAL,
	profile           TEXT,                  -- of the newest delivery of the subnet that predicted a latency
	profile_revision  INTEGER,               -- for a revision; all three NULL where there is none
	predicted_ms      REAL,
	created_at        TEXT NOT NULL
);
CREATE INDEX measurements_by_device ON measurements (subnet, author, device, number);
CREATE INDEX measurements_by_subnet ON measurements (subnet, number);
CREATE INDEX measurements_by_profile ON measurements (profile, profile_revision, number) WHERE profile IS NOT NULL;

-- What was spent for each network and how many devices were served; added to every few seconds.
CREATE TABLE ledger (
	network             TEXT PRIMARY KEY NOT NULL, -- SHA-256 of its file, hex
	name                TEXT NOT NULL,             -- the file's at that time; for people
	since               TEXT NOT NULL,
	deliveries          INTEGER NOT NULL,
	searches            INTEGER NOT NULL,
	search_cpu_seconds  REAL NOT NULL,
	fronts              INTEGER NOT NULL,
	front_cpu_seconds   REAL NOT NULL,
	packages            INTEGER NOT NULL,
	pack_cpu_seconds    REAL NOT NULL
) WITHOUT ROWID;
