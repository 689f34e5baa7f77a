#include "store/pg.h"
#include "store/pg_driver.h"

static const struct pg_statement revision_get = {
	.name = "revision_get",
	.sql = "SELECT content FROM profile_revisions WHERE name = $1 AND revision = $2",
};
static const struct pg_statement revision_list = {
	.name = "revision_list",
	.sql = "SELECT revision, sha256, size_bytes, author, created_at FROM profile_revisions "
	       "WHERE name = $1 AND revision < $2 ORDER BY revision DESC LIMIT $3",
};

enum ofa_status pg_revision_get(struct store *s, const char *name, uint64_t revision, struct ofa_buf *content,
				struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;

	pg_text(&a, name);
	pg_integer(&a, (int64_t)revision);
	st = pg_fetch_text(pg_of(s), &revision_get, &a, content, NULL, err);
	if (st == OFA_ERR_NOT_FOUND)
		return ofa_fail(err, st, NULL, "there is no revision %llu of a profile \"%s\"",
				(unsigned long long)revision, name);
	return st;
}

static enum ofa_status each_revision(const PGresult *res,
				     enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
				     void *ctx)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < PQntuples(res); i++) {
		struct store_revision_entry entry = {
			.revision = (uint64_t)pg_get_integer(res, i, 0),
			.sha256 = sha256,
			.size_bytes = (uint64_t)pg_get_integer(res, i, 2),
			.author = pg_get_text(res, i, 3),
			.created_at = pg_get_text(res, i, 4),
		};

		st = pg_get_digest(res, i, 1, sha256) ? each(ctx, &entry) : OFA_ERR_IO;
	}
	return st;
}

enum ofa_status pg_revision_list(struct store *s, const char *name, uint64_t before, unsigned limit,
				 enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
				 void *ctx, struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, name);
	pg_integer(&a, before ? (int64_t)before : INT64_MAX);
	pg_integer(&a, limit);
	st = pg_run(pg_of(s), &revision_list, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	st = each_revision(res, each, ctx);
	PQclear(res);
	return st;
}
