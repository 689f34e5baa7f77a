#include <stdio.h>
#include "store/pg.h"
#include "store/pg_driver.h"

static const struct pg_statement ledger_add = {
	.name = "ledger_add",
	.sql = "INSERT INTO ledger AS l (network, name, since, deliveries, searches, search_cpu_seconds, fronts, "
	       "front_cpu_seconds, packages, pack_cpu_seconds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
	       "ON CONFLICT (network) DO UPDATE SET deliveries = l.deliveries + $4, searches = l.searches + $5, "
	       "search_cpu_seconds = l.search_cpu_seconds + $6, fronts = l.fronts + $7, "
	       "front_cpu_seconds = l.front_cpu_seconds + $8, packages = l.packages + $9, "
	       "pack_cpu_seconds = l.pack_cpu_seconds + $10",
};
static const struct pg_statement ledger_get = {
	.name = "ledger_get",
	.sql = "SELECT since, deliveries, searches, search_cpu_seconds, fronts, front_cpu_seconds, packages, "
	       "pack_cpu_seconds FROM ledger WHERE network = $1",
};

enum ofa_status pg_ledger_add(struct store *s, const struct store_ledger *more, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, more->network);
	pg_text(&a, more->name);
	pg_text(&a, more->since);
	pg_integer(&a, (int64_t)more->deliveries);
	for (int w = 0; w < STORE_LEDGER_WORKS; w++) {
		pg_integer(&a, (int64_t)more->n[w]);
		pg_real(&a, more->cpu_seconds[w]);
	}
	return pg_run(pg_of(s), &ledger_add, &a, PG_ONCE, NULL, err);
}

enum ofa_status pg_ledger_get(struct store *s, const char *network, char ret_since[STORE_TIME_MAX],
			      uint64_t *ret_deliveries, uint64_t ret_n[STORE_LEDGER_WORKS],
			      double ret_cpu_seconds[STORE_LEDGER_WORKS], struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, network);
	st = pg_run(pg_of(s), &ledger_get, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	if (PQntuples(res) == 0) {
		PQclear(res);
		return OFA_ERR_NOT_FOUND;
	}
	snprintf(ret_since, STORE_TIME_MAX, "%s", pg_get_text(res, 0, 0));
	*ret_deliveries = (uint64_t)pg_get_integer(res, 0, 1);
	for (int w = 0; w < STORE_LEDGER_WORKS; w++) {
		ret_n[w] = (uint64_t)pg_get_integer(res, 0, 2 + 2 * w);
		ret_cpu_seconds[w] = pg_get_real(res, 0, 3 + 2 * w);
	}
	PQclear(res);
	return OFA_OK;
}
