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
