#include "store/pg.h"
#include "store/pg_driver.h"

#define COLUMNS "id, size_bytes, network, network_sha256, used_at, dropped_at IS NOT NULL"

static const struct pg_statement package_add = {
	.name = "package_add",
	.sql = "INSERT INTO packages AS p (id, size_bytes, network, network_sha256, created_at, used_at) "
	       "VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO UPDATE SET dropped_at = NULL, "
	       "used_at = greatest(p.used_at, $5), network = $3, "
	       "network_sha256 = CASE WHEN $4 = '' THEN p.network_sha256 ELSE $4 END",
};
/* In the order of ids, so that two servers do not wait for each other. */
static const struct pg_statement package_used = {
	.name = "package_used",
	.sql = "UPDATE packages p SET used_at = $2 FROM (SELECT id FROM packages WHERE id = ANY ($1::text[]) "
	       "AND used_at < $2 AND dropped_at IS NULL ORDER BY id FOR UPDATE) u WHERE p.id = u.id",
};
static const struct pg_statement package_find = {
	.name = "package_find",
	.sql = "SELECT " COLUMNS " FROM packages WHERE id = $1",
};
static const struct pg_statement package_oldest = {
	.name = "package_oldest",
	.sql = "SELECT " COLUMNS " FROM packages WHERE dropped_at IS NULL AND used_at < $1 ORDER BY used_at LIMIT $2",
};
static const struct pg_statement package_dropped = {
	.name = "package_dropped",
	.sql = "UPDATE packages SET dropped_at = $3 WHERE id = $1 AND used_at <= $2 AND dropped_at IS NULL",
};
static const struct pg_statement package_totals = {
	.name = "package_totals",
	.sql = "SELECT count(*), coalesce(sum(size_bytes), 0)::bigint FROM packages WHERE dropped_at IS NULL",
};

enum ofa_status pg_package_add(struct store *s, const struct store_indexed *p, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, p->id);
	pg_integer(&a, (int64_t)p->size_bytes);
	pg_text(&a, p->network);
	pg_text(&a, p->network_sha256);
	pg_integer(&a, p->used_at);
	return pg_run(pg_of(s), &package_add, &a, PG_AGAIN, NULL, err);
}

/* An array as the database reads it: ids are hex digits, so nothing in it is to be quoted. */
static enum ofa_status format_ids(const char *const *ids, size_t n, struct ofa_buf *buf)
{
	enum ofa_status st = ofa_buf_append(buf, "{", 1);

	for (size_t i = 0; st == OFA_OK && i < n; i++)
		st = ofa_buf_printf(buf, "%s%s", i ? "," : "", ids[i]);
	return st == OFA_OK ? ofa_buf_append(buf, "}", 2) : st; /* with its NUL */
}

enum ofa_status pg_package_used(struct store *s, const char *const *ids, size_t n, int64_t now, struct ofa_error *err)
{
	struct pg_args a = {0};
	struct ofa_buf buf;
	enum ofa_status st;

	ofa_buf_init(&buf, 3 + n * (2 * OFA_SHA256_BYTES + 1));
	st = format_ids(ids, n, &buf);
	if (st == OFA_OK) {
		pg_text(&a, (const char *)buf.data);
		pg_integer(&a, now);
		st = pg_run(pg_of(s), &package_used, &a, PG_AGAIN, NULL, err);
	} else {
		st = ofa_fail(err, st, NULL, "no memory for the ids of packages");
	}
	ofa_buf_release(&buf);
	return st;
}

static enum ofa_status each_row(PGresult *res, enum ofa_status (*each)(void *ctx, const struct store_indexed *p),
				void *ctx)
{
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < PQntuples(res); i++)
		st = each(ctx, &(struct store_indexed){
				       .id = pg_get_text(res, i, 0),
				       .size_bytes = (uint64_t)pg_get_integer(res, i, 1),
				       .network = pg_get_text(res, i, 2),
				       .network_sha256 = pg_get_text(res, i, 3),
				       .used_at = pg_get_integer(res, i, 4),
				       .dropped = pg_get_boolean(res, i, 5),
			       });
	PQclear(res);
	return st;
}

enum ofa_status pg_package_find(struct store *s, const char *id,
				enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, id);
	st = pg_run(pg_of(s), &package_find, &a, PG_AGAIN, &res, err);
	if (st == OFA_OK && PQntuples(res) == 0) {
		PQclear(res);
		return OFA_ERR_NOT_FOUND;
	}
	return st == OFA_OK ? each_row(res, each, ctx) : st;
}

enum ofa_status pg_package_oldest(struct store *s, int64_t before, unsigned limit,
				  enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				  struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_integer(&a, before);
	pg_integer(&a, limit);
	st = pg_run(pg_of(s), &package_oldest, &a, PG_AGAIN, &res, err);
	return st == OFA_OK ? each_row(res, each, ctx) : st;
}

enum ofa_status pg_package_dropped(struct store *s, const char *id, int64_t used_at, int64_t now, bool *ret,
				   struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, id);
	pg_integer(&a, used_at);
	pg_integer(&a, now);
	st = pg_run(pg_of(s), &package_dropped, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = pg_changed(res) > 0;
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_package_totals(struct store *s, struct store_package_totals *ret, struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	st = pg_run(pg_of(s), &package_totals, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = (struct store_package_totals){.n = (uint64_t)pg_get_integer(res, 0, 0),
					     .bytes = (uint64_t)pg_get_integer(res, 0, 1)};
	PQclear(res);
	return OFA_OK;
}
