-- Device profiles: the JSON as it is handed out, and what it is known by.
CREATE TABLE profiles (
	name        TEXT PRIMARY KEY NOT NULL,
	content     TEXT NOT NULL,          -- canonical JSON
	sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
	created_at  TEXT NOT NULL,          -- RFC 3339, UTC
	updated_at  TEXT NOT NULL
) WITHOUT ROWID;

-- One row for each question that was answered.  Several questions may have the same package.
CREATE TABLE deliveries (
	number       INTEGER PRIMARY KEY,   -- order of arrival
	question     BLOB NOT NULL UNIQUE CHECK (length(question) = 32),
	subnet       TEXT NOT NULL,         -- SHA-256 of the package, hex: its id
	size_bytes   INTEGER NOT NULL,
	network      TEXT NOT NULL,
	arch         TEXT NOT NULL,         -- JSON
	profile      TEXT,                  -- name; NULL without a profile
	limits       TEXT NOT NULL,         -- JSON, profile and request merged
	seed         INTEGER NOT NULL,
	evaluations  INTEGER NOT NULL,
	manifest     TEXT NOT NULL,         -- JSON, as answered
	created_at   TEXT NOT NULL
);

CREATE INDEX deliveries_by_subnet ON deliveries (subnet, number);
