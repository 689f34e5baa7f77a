#include "clock.h"
#include "log.h"
#include "store/pg.h"
#include "store/pg_driver.h"

#define COLUMNS \
	"number, subnet, author, device, latency_ms, p50_ms, p95_ms, accuracy, profile, profile_revision, " \
	"predicted_ms, created_at"

/* Gives no row for a subnet that was never delivered. */
static const struct pg_statement measurement_put = {
	.name = "measurement_put",
	.sql = "INSERT INTO measurements (subnet, author, device, latency_ms, p50_ms, p95_ms, accuracy, created_at, "
	       "profile, profile_revision, predicted_ms) "
	       "SELECT $1::text, $2::text, $3::text, $4::float8, $5::float8, $6::float8, $7::float8, $8::text, "
	       "d.profile, d.profile_revision, d.latency_ms "
	       "FROM (SELECT 1 FROM deliveries WHERE subnet = $1 LIMIT 1) AS delivered "
	       "LEFT JOIN (SELECT profile, profile_revision, latency_ms FROM deliveries "
	       "WHERE subnet = $1 AND profile_revision IS NOT NULL AND latency_ms IS NOT NULL "
	       "ORDER BY number DESC LIMIT 1) d ON true RETURNING number",
};
static const struct pg_statement prune_device = {
	.name = "measurement_prune_device",
	.sql = "DELETE FROM measurements WHERE subnet = $1 AND author = $2 AND device = $3 AND number <= "
	       "(SELECT number FROM measurements WHERE subnet = $1 AND author = $2 AND device = $3 "
	       "ORDER BY number DESC LIMIT 1 OFFSET $4)",
};
static const struct pg_statement prune_subnet = {
	.name = "measurement_prune_subnet",
	.sql = "DELETE FROM measurements WHERE subnet = $1 AND number <= (SELECT number FROM measurements "
	       "WHERE subnet = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)",
};
static const struct pg_statement measurement_list = {
	.name = "measurement_list",
	.sql = "SELECT " COLUMNS " FROM measurements WHERE subnet = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
};
static const struct pg_statement of_profile = {
	.name = "measurement_of_profile",
	.sql = "SELECT " COLUMNS " FROM (SELECT " COLUMNS " FROM measurements WHERE profile = $1 AND "
	       "profile_revision = $2 ORDER BY number DESC LIMIT $3) m ORDER BY subnet, author, device, latency_ms",
};

/* ---- writing ---- */

/* Alone, so that many wait for the disk together. */
static enum ofa_status insert(struct store_pg *s, const struct store_measurement *m, uint64_t *ret_number,
			      struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};
	enum ofa_status st;
	PGresult *res;

	clock_rfc3339(now);
	pg_text(&a, m->subnet);
	pg_text(&a, m->author);
	pg_text(&a, m->device);
	pg_real(&a, m->latency_ms);
	pg_real(&a, m->p50_ms);
	pg_real(&a, m->p95_ms);
	pg_real(&a, m->accuracy);
	pg_text(&a, now);
	st = pg_run(s, &measurement_put, &a, PG_ONCE, &res, err);
	if (st != OFA_OK)
		return st;
	if (PQntuples(res))
		*ret_number = (uint64_t)pg_get_integer(res, 0, 0);
	else
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no subnet %.80s", m->subnet);
	PQclear(res);
	return st;
}

static enum ofa_status erase_older(struct pg_conn *c, const struct store_measurement *m, const struct store_keep *keep,
				   struct ofa_error *err)
{
	struct pg_args of_device = {0}, of_subnet = {0};
	enum ofa_status st;

	pg_text(&of_device, m->subnet);
	pg_text(&of_device, m->author);
	pg_text(&of_device, m->device);
	pg_integer(&of_device, keep->per_device);
	st = pg_on(c, &prune_device, &of_device, NULL, err);
	if (st != OFA_OK)
		return st;
	pg_text(&of_subnet, m->subnet);
	pg_integer(&of_subnet, keep->per_subnet);
	return pg_on(c, &prune_subnet, &of_subnet, NULL, err);
}

/* One at a time for each subnet; whoever comes last sees what all have written.  What a crash brings back goes with the
 * next one, so that nobody waits for the disk. */
static enum ofa_status prune(struct store_pg *s, const struct store_measurement *m, const struct store_keep *keep,
			     struct ofa_error *err)
{
	struct pg_conn *c;
	enum ofa_status st = pg_begin_locked(s, PG_LOCK_MEASUREMENT, m->subnet, &c, err);

	if (st != OFA_OK)
		return st;
	st = pg_command(c->pq, "SET LOCAL synchronous_commit = off", NULL, err);
	if (st == OFA_OK)
		st = erase_older(c, m, keep, err);
	return pg_end(s, c, st, err);
}

/* A measurement that is there was put, whether or not older ones could be erased. */
enum ofa_status pg_measurement_put(struct store *base, const struct store_measurement *m, const struct store_keep *keep,
				   uint64_t *ret_number, struct ofa_error *err)
{
	struct store_pg *s = pg_of(base);
	struct ofa_error said = {0};
	enum ofa_status st = insert(s, m, ret_number, err);

	if (st == OFA_OK && prune(s, m, keep, &said) != OFA_OK && s->log)
		log_message(s->log, LOG_LEVEL_WARN, "old measurements of %.16s.. the next one erases: %s", m->subnet,
			    said.message);
	return st;
}

/* ---- reading ---- */

static enum ofa_status each_row(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
				enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				void *ctx, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st = pg_run(s, q, a, PG_AGAIN, &res, err);

	if (st != OFA_OK)
		return st;
	for (int i = 0; st == OFA_OK && i < PQntuples(res); i++) {
		struct store_measurement_entry entry = {
			.number = (uint64_t)pg_get_integer(res, i, 0),
			.measured =
				{
					.subnet = pg_get_text(res, i, 1),
					.author = pg_get_text(res, i, 2),
					.device = pg_get_text(res, i, 3),
					.latency_ms = pg_get_real(res, i, 4),
					.p50_ms = pg_get_real(res, i, 5),
					.p95_ms = pg_get_real(res, i, 6),
					.accuracy = pg_get_real(res, i, 7),
				},
			.profile = pg_get_text(res, i, 8),
			.profile_revision = (uint64_t)pg_get_integer(res, i, 9),
			.predicted_ms = pg_get_real(res, i, 10),
			.created_at = pg_get_text(res, i, 11),
		};

		st = each(ctx, &entry);
	}
	PQclear(res);
	return st;
}

enum ofa_status pg_measurement_list(struct store *s, const char *subnet, uint64_t before, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				    void *ctx, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, subnet);
	pg_integer(&a, before ? (int64_t)before : INT64_MAX);
	pg_integer(&a, limit);
	return each_row(pg_of(s), &measurement_list, &a, each, ctx, err);
}

enum ofa_status pg_measurement_of_profile(struct store *s, const char *profile, uint64_t revision, unsigned limit,
					  enum ofa_status (*each)(void *ctx,
								  const struct store_measurement_entry *entry),
					  void *ctx, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, profile);
	pg_integer(&a, (int64_t)revision);
	pg_integer(&a, limit);
	return each_row(pg_of(s), &of_profile, &a, each, ctx, err);
}
