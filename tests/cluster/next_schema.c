/* In the place of server/store/pg_schema.c: the same migrations and one more, by which this program is the next version
 * of ofad.  It changes a table that is written to all the time, and lets programs that do not know it go on. */
#include "embedded.h"
#include "store/pg.h"

const struct pg_migration pg_migrations[] = {
	{.name = "0001-state", .sql = embedded_schema_postgresql_0001, .least_program = 1},
	{.name = "0002-packages", .sql = embedded_schema_postgresql_0002, .least_program = 1},
	{.name = "0003-replicas", .sql = embedded_schema_postgresql_0003, .least_program = 1},
	{.name = "0004-next",
	 .sql = "ALTER TABLE profile_revisions ADD COLUMN next_note text;"
		"ALTER TABLE deliveries ADD COLUMN next_note text;"
		"CREATE INDEX deliveries_next_note ON deliveries (next_note);"
		"CREATE TABLE next_things (number bigint PRIMARY KEY, content text NOT NULL);",
	 .least_program = 1},
};
const size_t pg_n_migrations = OFA_ARRAY_LEN(pg_migrations);
