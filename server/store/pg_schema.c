#include "embedded.h"
#include "store/pg.h"

/* Nothing else is in this file, so that a program that brings a table of its own is linked without it. */
const struct pg_migration pg_migrations[] = {
	{.name = "0001-state", .sql = embedded_schema_postgresql_0001, .least_program = 1},
	{.name = "0002-packages", .sql = embedded_schema_postgresql_0002, .least_program = 1},
	{.name = "0003-replicas", .sql = embedded_schema_postgresql_0003, .least_program = 1},
};
const size_t pg_n_migrations = OFA_ARRAY_LEN(pg_migrations);
