#include <stdlib.h>
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

static enum ofa_status pg_open(const char *url, const struct store_options *opt, struct store **ret,
			       struct ofa_error *err)
{
	struct store_pg *s = calloc(1, sizeof(*s));
	enum ofa_status st;

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
	.open = pg_open,
	.close = pg_close,
};
