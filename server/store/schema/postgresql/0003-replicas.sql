-- What replicas hold in common of their clients' business: jobs, and keys of requests that are repeated.

-- Each change of a job is told on the channel `ofad`.
CREATE TABLE jobs (
	id         text PRIMARY KEY,
	owner      text,                        -- the replica that works at it; NULL: the next one takes it
	term       integer NOT NULL DEFAULT 0,  -- how often it was taken
	deaths     integer NOT NULL DEFAULT 0,  -- how often from an owner that was dead
	question   text NOT NULL,               -- JSON, enough to ask it again
	view       text NOT NULL,               -- JSON, what clients are told
	created_at timestamptz NOT NULL DEFAULT now(),
	over_at    timestamptz                  -- NULL: it is not
) WITH (fillfactor = 70);
CREATE INDEX jobs_under_way ON jobs (owner) WHERE over_at IS NULL;
CREATE INDEX jobs_over ON jobs (over_at) WHERE over_at IS NOT NULL;

CREATE TABLE idempotency_keys (
	key         bytea PRIMARY KEY,  -- SHA-256 of who used it, where, and what it was
	fingerprint bytea NOT NULL,     -- SHA-256 of the request
	owner       text NOT NULL,      -- the replica where the request is, or was, under way
	result      bytea,              -- NULL: it is under way
	expires     timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires);
