#include <string.h>
#include "clock.h"
#include "store/pg.h"
#include "store/pg_driver.h"

static const struct pg_statement profile_state = {
	.name = "profile_state",
	.sql = "SELECT n.revision, n.deleted_at IS NOT NULL, r.sha256 FROM profile_names n "
	       "JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision WHERE n.name = $1",
};
/* The revision and the name that leads to it, of which a trigger tells the replicas. */
static const struct pg_statement profile_put = {
	.name = "profile_put",
	.sql = "WITH revision AS (INSERT INTO profile_revisions (name, revision, sha256, size_bytes, author, "
	       "created_at, content) VALUES ($1, $2, $3, $4, $5, $6, $7)) "
	       "INSERT INTO profile_names AS n (name, revision, created_at, updated_at) "
	       "VALUES ($1, $2, $6, $6) ON CONFLICT (name) DO UPDATE SET revision = $2, updated_at = $6, "
	       "deleted_at = NULL, created_at = CASE WHEN n.deleted_at IS NULL THEN n.created_at ELSE $6 END",
};
static const struct pg_statement profile_get = {
	.name = "profile_get",
	.sql = "SELECT r.content, r.revision FROM profile_names n "
	       "JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision "
	       "WHERE n.name = $1 AND n.deleted_at IS NULL",
};
static const struct pg_statement profile_delete = {
	.name = "profile_delete",
	.sql = "UPDATE profile_names SET deleted_at = $2 WHERE name = $1",
};
static const struct pg_statement profile_list = {
	.name = "profile_list",
	.sql = "SELECT n.name, n.revision, r.sha256, n.created_at, n.updated_at FROM profile_names n "
	       "JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision "
	       "WHERE n.deleted_at IS NULL AND n.name > $1 ORDER BY n.name LIMIT $2",
};

/* ---- what a name stands for ---- */

/* And the last number that was given out under it. */
struct standing {
	struct store_profile_state state;
	uint64_t last;
};

static enum ofa_status read_row(const PGresult *res, struct standing *ret, struct ofa_error *err)
{
	struct standing standing = {.last = (uint64_t)pg_get_integer(res, 0, 0)};

	if (!pg_get_boolean(res, 0, 1)) {
		standing.state.revision = standing.last;
		if (!pg_get_digest(res, 0, 2, standing.state.sha256))
			return ofa_fail(err, OFA_ERR_IO, NULL, "database: a profile's digest is none");
	}
	*ret = standing;
	return OFA_OK;
}

static enum ofa_status read_standing(struct pg_conn *c, const char *name, struct standing *ret, struct ofa_error *err)
{
	struct standing standing = {.last = 0};
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, name);
	st = pg_on(c, &profile_state, &a, &res, err);
	if (st != OFA_OK)
		return st;
	if (PQntuples(res))
		st = read_row(res, &standing, err);
	PQclear(res);
	if (st == OFA_OK)
		*ret = standing;
	return st;
}

static bool gate_open(const struct store_gate *gate, const struct store_profile_state *state, bool same)
{
	return !gate || gate->open(gate->ctx, state, same);
}

/* ---- writing: one at a time for each name, over all replicas ---- */

static enum ofa_status write_revision(struct pg_conn *c, const struct store_profile *p, uint64_t revision,
				      struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};

	clock_rfc3339(now);
	pg_text(&a, p->name);
	pg_integer(&a, (int64_t)revision);
	pg_bytes(&a, p->sha256, OFA_SHA256_BYTES);
	pg_integer(&a, (int64_t)p->content_size);
	pg_text(&a, p->author);
	pg_text(&a, now);
	pg_text_n(&a, p->content, p->content_size);
	return pg_on(c, &profile_put, &a, NULL, err);
}

static enum ofa_status put(struct pg_conn *c, const struct store_profile *p, const struct store_gate *gate,
			   enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	struct standing standing;
	enum ofa_status st = read_standing(c, p->name, &standing, err);
	bool there, same;

	if (st != OFA_OK)
		return st;
	there = standing.state.revision > 0;
	same = there && memcmp(standing.state.sha256, p->sha256, OFA_SHA256_BYTES) == 0;
	*ret = !gate_open(gate, &standing.state, same) ? STORE_REFUSED
	       : same				       ? STORE_UNCHANGED
	       : there				       ? STORE_REPLACED
						       : STORE_CREATED;
	if (*ret == STORE_REPLACED || *ret == STORE_CREATED) {
		standing.state.revision = standing.last + 1;
		memcpy(standing.state.sha256, p->sha256, OFA_SHA256_BYTES);
		st = write_revision(c, p, standing.state.revision, err);
	}
	*ret_state = standing.state;
	return st;
}

enum ofa_status pg_profile_put(struct store *base, const struct store_profile *p, const struct store_gate *gate,
			       enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	struct store_profile_state state = {.revision = 0};
	enum store_written written = STORE_REFUSED;
	struct store_pg *s = pg_of(base);
	struct pg_conn *c;
	enum ofa_status st = pg_begin_locked(s, PG_LOCK_PROFILE, p->name, &c, err);

	if (st == OFA_OK)
		st = pg_end(s, c, put(c, p, gate, &written, &state, err), err);
	if (st == OFA_OK) {
		*ret = written;
		*ret_state = state;
	}
	return st;
}

static enum ofa_status erase(struct pg_conn *c, const char *name, const struct store_gate *gate,
			     enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};
	struct standing standing;
	enum ofa_status st = read_standing(c, name, &standing, err);

	if (st != OFA_OK)
		return st;
	if (standing.state.revision == 0)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	*ret_state = standing.state;
	*ret = gate_open(gate, &standing.state, false) ? STORE_REPLACED : STORE_REFUSED;
	if (*ret == STORE_REFUSED)
		return OFA_OK;
	clock_rfc3339(now);
	pg_text(&a, name);
	pg_text(&a, now);
	return pg_on(c, &profile_delete, &a, NULL, err);
}

enum ofa_status pg_profile_delete(struct store *base, const char *name, const struct store_gate *gate,
				  enum store_written *ret, struct store_profile_state *ret_state,
				  struct ofa_error *err)
{
	struct store_profile_state state = {.revision = 0};
	enum store_written written = STORE_REFUSED;
	struct store_pg *s = pg_of(base);
	struct pg_conn *c;
	enum ofa_status st = pg_begin_locked(s, PG_LOCK_PROFILE, name, &c, err);

	if (st == OFA_OK)
		st = pg_end(s, c, erase(c, name, gate, &written, &state, err), err);
	if (st == OFA_OK) {
		*ret = written;
		*ret_state = state;
	}
	return st;
}

/* ---- reading ---- */

/* A name that has revisions and no profile was deleted: what to say of it. */
static enum ofa_status missing(struct store_pg *s, const char *name, struct ofa_error *err)
{
	struct ofa_error said = {0};
	struct pg_args a = {0};
	uint64_t last = 0;
	PGresult *res = NULL;
	enum ofa_status st;

	pg_text(&a, name);
	st = pg_run(s, &profile_state, &a, PG_AGAIN, &res, &said);
	if (st != OFA_OK && st != OFA_ERR_INVALID) /* no text: no name */
		return ofa_fail(err, st, NULL, "%s", said.message);
	if (st == OFA_OK && PQntuples(res))
		last = (uint64_t)pg_get_integer(res, 0, 0);
	PQclear(res);
	if (last == 0)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL,
			"the profile \"%s\" was deleted; its revisions can still be named, \"%s@%llu\" being the last",
			name, name, (unsigned long long)last);
}

enum ofa_status pg_profile_get(struct store *s, const char *name, struct ofa_buf *content, uint64_t *ret_revision,
			       struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;

	pg_text(&a, name);
	st = pg_fetch_text(pg_of(s), &profile_get, &a, content, ret_revision, err);
	return st == OFA_ERR_NOT_FOUND ? missing(pg_of(s), name, err) : st;
}

static enum ofa_status each_profile(const PGresult *res,
				    enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry),
				    void *ctx)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < PQntuples(res); i++) {
		struct store_profile_entry entry = {
			.name = pg_get_text(res, i, 0),
			.revision = (uint64_t)pg_get_integer(res, i, 1),
			.sha256 = sha256,
			.created_at = pg_get_text(res, i, 3),
			.updated_at = pg_get_text(res, i, 4),
		};

		st = pg_get_digest(res, i, 2, sha256) ? each(ctx, &entry) : OFA_ERR_IO;
	}
	return st;
}

enum ofa_status pg_profile_list(struct store *s, const char *after, unsigned limit,
				enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry), void *ctx,
				struct ofa_error *err)
{
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	pg_text(&a, after);
	pg_integer(&a, limit);
	st = pg_run(pg_of(s), &profile_list, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	st = each_profile(res, each, ctx);
	PQclear(res);
	return st;
}
