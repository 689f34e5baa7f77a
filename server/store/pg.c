#include <stdlib.h>
#include "store/pg_driver.h"
#include "store/pg_session.h"

static void pg_close(struct store *base)
{
	struct store_pg *s = pg_of(base);

	pg_session_free(s->session);
	pg_pool_close(s);
	free(s);
}

static enum ofa_status migrate(struct store_pg *s, struct ofa_error *err)
{
	struct pg_conn *c;
	enum ofa_status st = pg_take(s, &c, err);

	if (st != OFA_OK)
		return st;
	st = pg_migrate(c->pq, err);
	pg_give(s, c);
	return st;
}

static enum ofa_status pg_check(const char *url, bool *ret_tokens, struct ofa_error *err)
{
	struct store_pg s = {.url = (char *)(uintptr_t)url};
	enum ofa_status st = pg_url_check(url, err);
	PGconn *pq;

	if (st == OFA_OK)
		st = pg_connect(&s, &pq, err);
	if (st != OFA_OK)
		return st;
	st = pg_may_migrate(pq, ret_tokens, err);
	PQfinish(pq);
	return st;
}

static enum ofa_status pg_open(const char *url, const struct store_options *opt, struct store **ret,
			       struct ofa_error *err)
{
	enum ofa_status st = pg_url_check(url, err);
	struct store_pg *s;

	if (st != OFA_OK)
		return st;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->base.driver = &store_postgresql;
	st = pg_pool_open(s, url, opt, err);
	if (st == OFA_OK)
		st = migrate(s, err);
	if (st == OFA_OK)
		st = pg_session_new(s, err);
	if (st != OFA_OK) {
		pg_close(&s->base);
		return st;
	}
	*ret = &s->base;
	return OFA_OK;
}

const struct store_driver store_postgresql = {
	.name = "postgresql",
	.sharing = &pg_sharing,
	.package_bytes = &pg_package_bytes,
	.open = pg_open,
	.close = pg_close,
	.check = pg_check,
	.reach = pg_reach,
	.profile_put = pg_profile_put,
	.profile_get = pg_profile_get,
	.profile_delete = pg_profile_delete,
	.profile_list = pg_profile_list,
	.revision_get = pg_revision_get,
	.revision_list = pg_revision_list,
	.measurement_put = pg_measurement_put,
	.measurement_list = pg_measurement_list,
	.measurement_of_profile = pg_measurement_of_profile,
	.delivery_put = pg_delivery_put,
	.delivery_by_question = pg_delivery_by_question,
	.delivery_by_subnet = pg_delivery_by_subnet,
	.token_add = pg_token_add,
	.token_list = pg_token_list,
	.token_revoke = pg_token_revoke,
	.token_purge = pg_token_purge,
	.counter_get = pg_counter_get,
	.counter_next = pg_counter_next,
	.ledger_add = pg_ledger_add,
	.ledger_get = pg_ledger_get,
	.package_add = pg_package_add,
	.package_used = pg_package_used,
	.package_find = pg_package_find,
	.package_oldest = pg_package_oldest,
	.package_dropped = pg_package_dropped,
	.package_totals = pg_package_totals,
};
