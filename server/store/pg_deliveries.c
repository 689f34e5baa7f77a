#include "clock.h"
#include "store/pg.h"
#include "store/pg_driver.h"

static const struct pg_statement delivery_put = {
	.name = "delivery_put",
	.sql = "INSERT INTO deliveries AS d (question, subnet, size_bytes, network, arch, profile, limits, seed, "
	       "evaluations, manifest, created_at, profile_revision, latency_ms) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12::bigint, 0), $13) "
	       "ON CONFLICT (question) DO UPDATE SET subnet = $2, size_bytes = $3, network = $4, arch = $5, "
	       "profile = $6, limits = $7, seed = $8, evaluations = $9, manifest = $10, created_at = $11, "
	       "profile_revision = nullif($12::bigint, 0), latency_ms = $13 WHERE d.subnet = $14",
};
static const struct pg_statement by_question = {
	.name = "delivery_by_question",
	.sql = "SELECT manifest FROM deliveries WHERE question = $1",
};
static const struct pg_statement by_subnet = {
	.name = "delivery_by_subnet",
	.sql = "SELECT manifest FROM deliveries WHERE subnet = $1 ORDER BY number LIMIT 1",
};

enum ofa_status pg_delivery_put(struct store *s, const struct store_delivery *d, struct ofa_error *err)
{
	char now[CLOCK_RFC3339_MAX];
	struct pg_args a = {0};

	clock_rfc3339(now);
	pg_bytes(&a, d->question, OFA_SHA256_BYTES);
	pg_text(&a, d->subnet);
	pg_integer(&a, (int64_t)d->size_bytes);
	pg_text(&a, d->network);
	pg_text(&a, d->arch);
	pg_text(&a, d->profile);
	pg_text(&a, d->limits);
	pg_integer(&a, (int64_t)d->seed);
	pg_integer(&a, d->evaluations);
	pg_text(&a, d->manifest);
	pg_text(&a, now);
	pg_integer(&a, (int64_t)d->profile_revision);
	pg_real(&a, d->latency_ms);
	pg_text(&a, d->replaces);
	/* a second time it would do nothing */
	return pg_run(pg_of(s), &delivery_put, &a, PG_AGAIN, NULL, err);
}

enum ofa_status pg_delivery_by_question(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
					struct ofa_buf *manifest, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_bytes(&a, question, OFA_SHA256_BYTES);
	return pg_fetch_text(pg_of(s), &by_question, &a, manifest, NULL, err);
}

enum ofa_status pg_delivery_by_subnet(struct store *s, const char *subnet, struct ofa_buf *manifest,
				      struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, subnet);
	return pg_fetch_text(pg_of(s), &by_subnet, &a, manifest, NULL, err);
}
