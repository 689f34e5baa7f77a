#include "store/pg.h"
#include "store/pg_driver.h"

static const struct pg_statement counter_get = {
	.name = "counter_get",
	.sql = "SELECT value FROM counters WHERE name = $1",
};
static const struct pg_statement counter_next = {
	.name = "counter_next",
	.sql = "INSERT INTO counters AS c (name, value) VALUES ($1, greatest(1, $2::bigint)) "
	       "ON CONFLICT (name) DO UPDATE SET value = greatest(c.value + 1, $2::bigint) RETURNING value",
};

enum ofa_status pg_counter_get(struct store *s, const char *name, uint64_t *ret, struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, name);
	st = pg_run(pg_of(s), &counter_get, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = PQntuples(res) ? (uint64_t)pg_get_integer(res, 0, 0) : 0;
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_counter_next(struct store *s, const char *name, uint64_t floor, uint64_t *ret, struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, name);
	pg_integer(&a, (int64_t)floor);
	/* a number that was given out to a connection that is lost is nobody's: a gap */
	st = pg_run(pg_of(s), &counter_next, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = (uint64_t)pg_get_integer(res, 0, 0);
	PQclear(res);
	return OFA_OK;
}
