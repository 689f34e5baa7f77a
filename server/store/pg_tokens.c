#include "clock.h"
#include "store/pg.h"
#include "store/pg_driver.h"

/* Triggers tell the replicas of each. */
static const struct pg_statement token_add = {
	.name = "token_add",
	.sql = "INSERT INTO tokens (id, sha256, name, owner, scopes, created_at, expires) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7)",
};
static const struct pg_statement token_list = {
	.name = "token_list",
	.sql = "SELECT id, sha256, name, owner, scopes, created_at, expires, revoked_at FROM tokens "
	       "ORDER BY created_at, id",
};
static const struct pg_statement token_revoke = {
	.name = "token_revoke",
	.sql = "UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1",
};
static const struct pg_statement token_purge = {
	.name = "token_purge",
	.sql = "DELETE FROM tokens WHERE revoked_at IS NOT NULL OR (expires > 0 AND expires <= $1)",
};

enum ofa_status pg_token_add(struct store *s, const struct store_token *t, struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};

	clock_rfc3339(now);
	pg_text(&a, t->id);
	pg_bytes(&a, t->sha256, OFA_SHA256_BYTES);
	pg_text(&a, t->name);
	pg_text(&a, t->owner);
	pg_text(&a, t->scopes);
	pg_text(&a, now);
	pg_integer(&a, t->expires);
	return pg_run(pg_of(s), &token_add, &a, PG_ONCE, NULL, err);
}

static enum ofa_status each_token(const PGresult *res,
				  enum ofa_status (*each)(void *ctx, const struct store_token *row), void *ctx)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < PQntuples(res); i++) {
		struct store_token row = {
			.id = pg_get_text(res, i, 0),
			.sha256 = sha256,
			.name = pg_get_text(res, i, 2),
			.owner = pg_get_text(res, i, 3),
			.scopes = pg_get_text(res, i, 4),
			.created_at = pg_get_text(res, i, 5),
			.expires = pg_get_integer(res, i, 6),
			.revoked_at = pg_get_text(res, i, 7),
		};

		st = pg_get_digest(res, i, 1, sha256) ? each(ctx, &row) : OFA_ERR_IO;
	}
	return st;
}

enum ofa_status pg_token_list(struct store *s, enum ofa_status (*each)(void *ctx, const struct store_token *row),
			      void *ctx, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st = pg_run(pg_of(s), &token_list, NULL, PG_AGAIN, &res, err);

	if (st != OFA_OK)
		return st;
	st = each_token(res, each, ctx);
	PQclear(res);
	return st;
}

enum ofa_status pg_token_revoke(struct store *s, const char *id, struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	clock_rfc3339(now);
	pg_text(&a, id);
	pg_text(&a, now);
	st = pg_run(pg_of(s), &token_revoke, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	if (pg_changed(res) == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no token %.40s; ofad token list shows them", id);
	PQclear(res);
	return st;
}

enum ofa_status pg_token_purge(struct store *s, int64_t now, unsigned *ret_n, struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_integer(&a, now);
	/* not again: the second time would count none */
	st = pg_run(pg_of(s), &token_purge, &a, PG_ONCE, &res, err);
	if (st != OFA_OK)
		return st;
	*ret_n = (unsigned)pg_changed(res);
	PQclear(res);
	return OFA_OK;
}
