#include <stdio.h>
#include <string.h>
#include "store/notification.h"
#include "store/pg_driver.h"
#include "store/pg_session.h"

/* Ids, a comma behind each, within braces: an array as PostgreSQL reads it. */
#define IDS_MAX (STORE_JOBS_MAX * (STORE_JOB_ID_CHARS + 1) + 2)

static struct store_pg *pg_with_sharing(struct store *s, const char **ret_replica)
{
	*ret_replica = s->driver->sharing->replica(s);
	return pg_of(s);
}

/* The view as well when there is room, so that those who hear of it need not ask. */
static void tell(const char *id, const char *view, char out[NOTIFICATION_MAX])
{
	char text[STORE_TEXT_MAX + 1];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s %s", id, view);

	if (n >= sizeof(text) || !notification_format(STORE_TOPIC_JOB, text, out))
		(void)notification_format(STORE_TOPIC_JOB, id, out);
}

/* ---- writing ---- */

/* What a statement tells is told when it is committed, and not at all when it changed nothing. */
static enum ofa_status run_and_count(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
				     bool *ret_any, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st = pg_run(s, q, a, PG_AGAIN, &res, err);

	if (st != OFA_OK)
		return st;
	if (ret_any)
		*ret_any = PQntuples(res) > 0;
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_job_add(struct store *base, const struct store_job *j, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_add",
		"WITH added AS (INSERT INTO jobs (id, owner, question, view) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (id) DO NOTHING RETURNING id) SELECT pg_notify('" PG_CHANNEL "', $5) FROM added",
		false};
	char told[NOTIFICATION_MAX];
	struct pg_args a = {0};

	tell(j->id, j->view, told);
	pg_text(&a, j->id);
	pg_text(&a, j->owner);
	pg_text(&a, j->question);
	pg_text(&a, j->view);
	pg_text(&a, told);
	return run_and_count(pg_of(base), &q, &a, NULL, err);
}

enum ofa_status pg_job_write(struct store *base, const char *id, unsigned term, const char *view, bool over,
			     bool *ret_written, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_write",
		"WITH written AS (UPDATE jobs SET view = $3, over_at = CASE WHEN $4 THEN now() END"
		" WHERE id = $1 AND term = $2 AND over_at IS NULL RETURNING id)"
		" SELECT pg_notify('" PG_CHANNEL "', $5) FROM written",
		false};
	char told[NOTIFICATION_MAX];
	struct pg_args a = {0};

	tell(id, view, told);
	pg_text(&a, id);
	pg_integer(&a, term);
	pg_text(&a, view);
	pg_boolean(&a, over);
	pg_text(&a, told);
	return run_and_count(pg_of(base), &q, &a, ret_written, err);
}

/* A second time it does nothing. */
enum ofa_status pg_job_take(struct store *base, const char *id, unsigned term, bool *ret_taken, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_take",
		"UPDATE jobs SET owner = $3, term = $2 + 1,"
		" deaths = deaths + coalesce((term = $2 AND owner <> $3)::integer, 0)"
		" WHERE id = $1 AND (term = $2 OR (term = $2 + 1 AND owner = $3)) AND over_at IS NULL RETURNING id",
		false};
	struct pg_args a = {0};
	const char *replica;
	struct store_pg *s = pg_with_sharing(base, &replica);

	pg_text(&a, id);
	pg_integer(&a, term);
	pg_text(&a, replica);
	return run_and_count(s, &q, &a, ret_taken, err);
}

enum ofa_status pg_job_release(struct store *base, const char *id, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_release",
		"WITH released AS (UPDATE jobs SET owner = NULL"
		" WHERE owner = $1 AND over_at IS NULL AND ($2::text IS NULL OR id = $2) RETURNING id)"
		" SELECT pg_notify('" PG_CHANNEL "', $3) FROM released WHERE $2::text IS NULL LIMIT 1",
		false};
	char told[NOTIFICATION_MAX];
	struct pg_args a = {0};
	const char *replica;
	struct store_pg *s = pg_with_sharing(base, &replica);

	(void)notification_format(STORE_TOPIC_JOB, STORE_JOBS_RELEASED, told);
	pg_text(&a, replica);
	pg_text(&a, id);
	pg_text(&a, told);
	return run_and_count(s, &q, &a, NULL, err);
}

enum ofa_status pg_job_prune(struct store *base, double keep_seconds, unsigned max, struct ofa_error *err)
{
	static const struct pg_statement old = {
		"job_prune_old", "DELETE FROM jobs WHERE over_at < now() - $1::float8 * interval '1 second'", false};
	static const struct pg_statement many = {
		"job_prune_many",
		"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE over_at IS NOT NULL ORDER BY over_at DESC"
		" OFFSET greatest(0, $1::bigint - (SELECT count(*) FROM jobs WHERE over_at IS NULL)))",
		false};
	struct store_pg *s = pg_of(base);
	struct pg_args a = {0}, b = {0};
	enum ofa_status st;

	pg_real(&a, keep_seconds);
	st = pg_run(s, &old, &a, PG_AGAIN, NULL, err);
	if (st != OFA_OK)
		return st;
	pg_integer(&b, max);
	return pg_run(s, &many, &b, PG_AGAIN, NULL, err);
}

/* ---- reading ---- */

static void write_ids(const char *const *ids, size_t n, char out[IDS_MAX])
{
	size_t len = 0;

	out[len++] = '{';
	for (size_t i = 0; i < n && i < STORE_JOBS_MAX; i++)
		len += (size_t)snprintf(out + len, IDS_MAX - len, "%s%.*s", i ? "," : "", STORE_JOB_ID_CHARS, ids[i]);
	snprintf(out + len, IDS_MAX - len, "}");
}

enum ofa_status pg_job_get(struct store *base, const char *const *ids, size_t n, bool questions,
			   void (*each)(void *ctx, const struct store_job *j), void *ctx, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_get",
		"SELECT id, owner, term, deaths, CASE WHEN $2 THEN question END, view, over_at IS NOT NULL FROM jobs"
		" WHERE id = ANY ($1::text[])",
		false};
	char list[IDS_MAX];
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	write_ids(ids, n, list);
	pg_text(&a, list);
	pg_boolean(&a, questions);
	st = pg_run(pg_of(base), &q, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	for (int i = 0; i < PQntuples(res); i++) {
		const struct store_job j = {
			.id = pg_get_text(res, i, 0),
			.owner = pg_get_text(res, i, 1),
			.term = (unsigned)pg_get_integer(res, i, 2),
			.deaths = (unsigned)pg_get_integer(res, i, 3),
			.question = pg_get_text(res, i, 4),
			.view = pg_get_text(res, i, 5),
			.over = pg_get_boolean(res, i, 6),
		};

		each(ctx, &j);
	}
	PQclear(res);
	return OFA_OK;
}

static enum ofa_status list_texts(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
				  void (*each)(void *ctx, const char *text), void *ctx, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st = pg_run(s, q, a, PG_AGAIN, &res, err);

	if (st != OFA_OK)
		return st;
	for (int i = 0; i < PQntuples(res); i++)
		each(ctx, pg_get_text(res, i, 0));
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_job_owners(struct store *base, void (*each)(void *ctx, const char *owner), void *ctx,
			      struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_owners",
		"SELECT DISTINCT owner FROM jobs WHERE over_at IS NULL AND owner IS DISTINCT FROM $1", false};
	struct pg_args a = {0};
	const char *replica;
	struct store_pg *s = pg_with_sharing(base, &replica);

	pg_text(&a, replica);
	return list_texts(s, &q, &a, each, ctx, err);
}

/* In another order for each replica, so that two who take them do not always reach for the same. */
enum ofa_status pg_job_of(struct store *base, const char *owner, unsigned limit,
			  void (*each)(void *ctx, const char *id), void *ctx, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"job_of",
		"SELECT id FROM jobs WHERE over_at IS NULL AND owner IS NOT DISTINCT FROM $1"
		" ORDER BY md5(id || $3) LIMIT $2",
		false};
	struct pg_args a = {0};
	const char *replica;
	struct store_pg *s = pg_with_sharing(base, &replica);

	pg_text(&a, owner);
	pg_integer(&a, limit);
	pg_text(&a, replica);
	return list_texts(s, &q, &a, each, ctx, err);
}
