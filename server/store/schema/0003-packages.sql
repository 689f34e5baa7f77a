-- The packages that were made, so that it is known what they take, which of them are asked for, and, of one that was
-- dropped, what it was made from.  A row is there before its package and stays when that is dropped.
CREATE TABLE packages (
	id              TEXT PRIMARY KEY NOT NULL, -- SHA-256, hex
	size_bytes      INTEGER NOT NULL,
	network         TEXT NOT NULL,             -- its name
	network_sha256  TEXT NOT NULL,             -- of its file, hex; '' where that was not noted
	created_at      INTEGER NOT NULL,          -- Unix seconds, as all of these
	used_at         INTEGER NOT NULL,          -- raised now and then while it is asked for
	dropped_at      INTEGER                    -- NULL while it is kept
) WITHOUT ROWID;
CREATE INDEX packages_by_use ON packages (used_at, size_bytes) WHERE dropped_at IS NULL;
INSERT INTO packages (id, size_bytes, network, network_sha256, created_at, used_at)
	SELECT subnet, max(size_bytes), min(network), '', CAST(strftime('%s', 'now') AS INTEGER),
		CAST(strftime('%s', 'now') AS INTEGER) FROM deliveries GROUP BY subnet;
