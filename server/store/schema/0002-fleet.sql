-- What fleets need beside profiles and deliveries.
CREATE TABLE counters (
	name   TEXT PRIMARY KEY NOT NULL,
	value  INTEGER NOT NULL              -- the last one that was given out
) WITHOUT ROWID;
