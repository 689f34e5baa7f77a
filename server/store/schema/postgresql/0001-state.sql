-- The tables of the SQLite schema, as it stands after its 0002.  Texts are in the order of their bytes, as there; times
-- are texts because they are handed out as they were written (RFC 3339, UTC).

-- Every content that a profile had.  Rows never change; numbers run from 1 for each name and are never given out again.
CREATE TABLE profile_revisions (
	name        text COLLATE "C" NOT NULL,
	revision    bigint NOT NULL CHECK (revision >= 1),
	sha256      bytea NOT NULL CHECK (length(sha256) = 32),
	size_bytes  bigint NOT NULL,
	author      text NOT NULL,          -- who stored it: id of a token; '' where none was needed
	created_at  text NOT NULL,
	content     text NOT NULL,          -- canonical JSON
	PRIMARY KEY (name, revision)
);

-- What a name stands for now; a row outlives the deletion of its profile, for the sake of the numbers.
CREATE TABLE profile_names (
	name        text COLLATE "C" PRIMARY KEY,
	revision    bigint NOT NULL,        -- the latest
	created_at  text NOT NULL,
	updated_at  text NOT NULL,
	deleted_at  text                    -- NULL while there is such a profile
);

-- One row for each question that was answered.  Several questions may have the same package.
CREATE TABLE deliveries (
	number            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of arrival
	question          bytea NOT NULL UNIQUE CHECK (length(question) = 32),
	subnet            text COLLATE "C" NOT NULL, -- SHA-256 of the package, hex: its id
	size_bytes        bigint NOT NULL,
	network           text NOT NULL,
	arch              text NOT NULL,    -- JSON
	profile           text COLLATE "C", -- name; NULL without a profile
	limits            text NOT NULL,    -- JSON, profile and request merged
	seed              bigint NOT NULL,
	evaluations       integer NOT NULL,
	manifest          text NOT NULL,    -- JSON, as answered
	created_at        text NOT NULL,
	profile_revision  bigint,           -- NULL where the profile was not kept here
	latency_ms        double precision  -- what the table predicted; NULL without a table
);
CREATE INDEX deliveries_by_subnet ON deliveries (subnet, number);
CREATE INDEX deliveries_predicted ON deliveries (subnet, number)
	WHERE profile_revision IS NOT NULL AND latency_ms IS NOT NULL;

CREATE TABLE counters (
	name   text COLLATE "C" PRIMARY KEY,
	value  bigint NOT NULL              -- the last one that was given out
);

-- Bearer tokens.  The token itself is told once, to whoever asked for it.
CREATE TABLE tokens (
	id          text COLLATE "C" PRIMARY KEY,
	sha256      bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
	name        text NOT NULL,          -- what it is for; for people
	owner       text NOT NULL,          -- whose profiles it may write; '' = anybody's
	scopes      text NOT NULL,          -- separated by spaces
	created_at  text COLLATE "C" NOT NULL,
	expires     bigint NOT NULL,        -- Unix seconds; 0 = never
	revoked_at  text                    -- NULL = it was not
);

-- What devices say of the packages that they run.  The newest are kept, of each device and of each package.
CREATE TABLE measurements (
	number            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of arrival
	subnet            text COLLATE "C" NOT NULL,
	author            text COLLATE "C" NOT NULL, -- id of the token; '' where none was needed
	device            text COLLATE "C" NOT NULL, -- as it calls itself; '' where it does not say
	latency_ms        double precision NOT NULL,
	p50_ms            double precision,
	p95_ms            double precision,
	accuracy          double precision,
	profile           text COLLATE "C", -- of the newest delivery of the subnet that predicted a latency
	profile_revision  bigint,           -- for a revision; all three NULL where there is none
	predicted_ms      double precision,
	created_at        text NOT NULL
);
CREATE INDEX measurements_by_device ON measurements (subnet, author, device, number);
CREATE INDEX measurements_by_subnet ON measurements (subnet, number);
CREATE INDEX measurements_by_profile ON measurements (profile, profile_revision, number) WHERE profile IS NOT NULL;

-- What was spent for each network and how many devices were served; added to every few seconds, by every replica.
CREATE TABLE ledger (
	network             text COLLATE "C" PRIMARY KEY, -- SHA-256 of its file, hex
	name                text NOT NULL,  -- the file's at that time; for people
	since               text NOT NULL,
	deliveries          bigint NOT NULL,
	searches            bigint NOT NULL,
	search_cpu_seconds  double precision NOT NULL,
	fronts              bigint NOT NULL,
	front_cpu_seconds   double precision NOT NULL,
	packages            bigint NOT NULL,
	pack_cpu_seconds    double precision NOT NULL
);

-- Every replica is told of what it may remember, in the moment in which it becomes true (server/store/notification.h).
CREATE FUNCTION ofad_tell_of_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('ofad', 'tokens');
	RETURN NULL;
END $$;
CREATE TRIGGER ofad_tell AFTER INSERT OR UPDATE OR DELETE ON tokens
	FOR EACH STATEMENT EXECUTE FUNCTION ofad_tell_of_tokens();

CREATE FUNCTION ofad_tell_of_profile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('ofad', 'profile ' || NEW.name);
	RETURN NULL;
END $$;
CREATE TRIGGER ofad_tell AFTER INSERT OR UPDATE ON profile_names
	FOR EACH ROW EXECUTE FUNCTION ofad_tell_of_profile();
