-- Packages in the database (--packages postgresql), in pieces, so that no statement has more than one of them to hold.
-- Rows never change; those of a package come and go together.  Packages are compressed where that pays, and no better.
CREATE TABLE package_bytes (
	id      text COLLATE "C" NOT NULL, -- SHA-256 of the package, hex
	number  integer NOT NULL CHECK (number >= 0),
	pieces  integer NOT NULL CHECK (pieces > number), -- of the whole package
	data    bytea NOT NULL,
	PRIMARY KEY (id, number)
);
ALTER TABLE package_bytes ALTER COLUMN data SET STORAGE EXTERNAL;

-- The packages that were made, wherever they are kept: as 0003 of the SQLite schema.  A row is there before its package
-- and stays when that is dropped.  Times are Unix seconds.
CREATE TABLE packages (
	id              text COLLATE "C" PRIMARY KEY, -- SHA-256, hex
	size_bytes      bigint NOT NULL,
	network         text NOT NULL,     -- its name
	network_sha256  text NOT NULL,     -- of its file, hex; '' where that was not noted
	created_at      bigint NOT NULL,
	used_at         bigint NOT NULL,   -- raised now and then while it is asked for
	dropped_at      bigint             -- NULL while it is kept
);
CREATE INDEX packages_by_use ON packages (used_at) INCLUDE (size_bytes) WHERE dropped_at IS NULL;
INSERT INTO packages (id, size_bytes, network, network_sha256, created_at, used_at)
	SELECT subnet, max(size_bytes), min(network), '', extract(epoch FROM now())::bigint,
		extract(epoch FROM now())::bigint FROM deliveries GROUP BY subnet;
