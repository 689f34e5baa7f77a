#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cost/pointer.h"
#include "search/problem.h"
#include "service/question.h"

/* Part of every key, so that a later way of answering does not find the answers of this one. */
#define KEY_VERSION "ofad question 3"

#define ARCH_TEXT_MAX 1024

static void put_u64(struct ofa_sha256 *h, uint64_t v)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	ofa_sha256_update(h, bytes, sizeof(bytes));
}

static void put_double(struct ofa_sha256 *h, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_u64(h, bits);
}

/* By the text, which does not change when a space's genes are kept otherwise. */
static void put_arch(struct ofa_sha256 *h, const struct ofa_space *s, const struct ofa_arch *arch)
{
	char text[ARCH_TEXT_MAX];

	ofa_arch_snprint(s, arch, text, sizeof(text));
	ofa_sha256_update(h, "arch", sizeof("arch"));
	ofa_sha256_update(h, text, strlen(text) + 1);
}

static void put_limits(struct ofa_sha256 *h, const struct ofa_limits *limits)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		put_double(h, limits->max[r]);
}

/* Digest of what is to be answered, from which the seed is derived: the same content has the same seed, whichever
 * revision it is. */
static enum ofa_status hash_rest(const struct question *q, uint8_t out[OFA_SHA256_BYTES])
{
	struct ofa_sha256 *h = ofa_sha256_new();
	const char *name = q->network->net->name;

	if (!h)
		return OFA_ERR_NOMEM;
	ofa_sha256_update(h, KEY_VERSION, sizeof(KEY_VERSION));
	ofa_sha256_update(h, name, strlen(name) + 1);
	ofa_sha256_update(h, q->network->net->sha256, OFA_SHA256_BYTES);
	put_u64(h, q->profile != NULL);
	put_u64(h, q->stored);
	if (q->profile)
		ofa_sha256_update(h, q->profile->sha256, OFA_SHA256_BYTES);
	put_limits(h, &q->limits);
	ofa_sha256_final(h, out);
	return OFA_OK;
}

static uint64_t derive_seed(const uint8_t digest[OFA_SHA256_BYTES])
{
	uint64_t seed = 0;

	for (int i = 0; i < 8; i++)
		seed |= (uint64_t)digest[i] << (8 * i);
	return seed & QUESTION_SEED_MAX;
}

/* A revision whose content was there before is a question of its own, so that its answer is newer than those for the
 * revisions between.  What was not said adds nothing: so questions from before there was a choice keep their
 * keys. */
static enum ofa_status set_key(struct question *q, const uint8_t rest[OFA_SHA256_BYTES])
{
	struct ofa_sha256 *h = ofa_sha256_new();

	if (!h)
		return OFA_ERR_NOMEM;
	ofa_sha256_update(h, rest, OFA_SHA256_BYTES);
	put_u64(h, q->seed);
	put_u64(h, question_revision(q));
	if (q->calibrated) {
		put_double(h, q->calibration.scale);
		put_double(h, q->calibration.offset_ms);
	}
	if (q->precision != OFA_FLOAT32)
		put_u64(h, (uint64_t)q->precision);
	if (q->given)
		put_arch(h, &q->network->net->space, &q->arch);
	ofa_sha256_final(h, q->key.bytes);
	return OFA_OK;
}

uint64_t question_revision(const struct question *q)
{
	return q->stored ? q->profile->revision : 0;
}

/* Does a limit come from the profile, at least as strict as the request's own? */
static bool limited_by_profile(const struct question *q, const char *field)
{
	static const char prefix[] = "/limits/";
	int r = strncmp(field, prefix, strlen(prefix)) == 0 ? ofa_resource_find(field + strlen(prefix)) : -1;

	return r >= 0 && q->profile && q->profile->profile.limits.max[r] <= q->limits.max[r];
}

void question_place(const struct question *q, struct ofa_error *err)
{
	if (!limited_by_profile(q, err->field))
		return;
	if (q->stored)
		snprintf(err->field, sizeof(err->field), "/profile");
	else
		ofa_pointer_place(err, "/profile");
}

/* A latency is limited that nothing predicts. */
static enum ofa_status refuse_latency(const struct question *q, struct ofa_error *err)
{
	const char *wanted = ofa_precision_name(q->precision), *there;
	const double limit = q->limits.max[OFA_LATENCY_MS];

	if (q->profile && q->profile->profile.has_table) {
		there = ofa_precision_name(q->profile->profile.table.precision);
		ofa_fail(err, OFA_ERR_INVALID, "/limits/latency_ms",
			 "latency_ms is limited to %g, but the latency table of profile %s is of %s packages and "
			 "predicts nothing of %s: ask for \"dtype\": \"%s\", or name a profile that `ofa measure "
			 "--dtype %s` made",
			 limit, q->profile->profile.name, there, wanted, there, wanted);
	} else {
		ofa_fail(err, OFA_ERR_INVALID, "/limits/latency_ms",
			 "latency_ms is limited to %g, but there is no latency table to predict it from: name a "
			 "profile that has one",
			 limit);
	}
	question_place(q, err);
	return OFA_ERR_INVALID;
}

enum ofa_status question_init(struct question *q, const struct network *network, struct known_profile *profile,
			      bool stored, enum ofa_precision precision, const struct ofa_limits *limits,
			      const uint64_t *seed, struct ofa_error *err)
{
	uint8_t rest[OFA_SHA256_BYTES];

	*q = (struct question){
		.network = network, .profile = profile, .stored = stored, .precision = precision, .limits = *limits};
	if (profile)
		ofa_limits_merge(&q->limits, &profile->profile.limits);
	if (isfinite(q->limits.max[OFA_LATENCY_MS]) && !known_profile_times(profile, precision))
		return refuse_latency(q, err);
	if (precision == OFA_INT8 && network->net->calibration.n == 0)
		return ofa_fail(err, OFA_ERR_INVALID, "/dtype",
				"network \"%s\" has no calibration images, from which int8 takes its ranges; it is "
				"delivered as float32 or float16",
				network->net->name);
	if (hash_rest(q, rest) != OFA_OK)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	q->seed = seed ? *seed : derive_seed(rest);
	return set_key(q, rest) == OFA_OK ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

static enum ofa_status renew_key(struct question *q, struct ofa_error *err)
{
	uint8_t rest[OFA_SHA256_BYTES];

	if (hash_rest(q, rest) != OFA_OK || set_key(q, rest) != OFA_OK)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	return OFA_OK;
}

/* ---- given ---- */

enum ofa_status question_give(struct question *q, const struct ofa_arch *arch, struct ofa_error *err)
{
	q->given = true;
	q->arch = *arch;
	q->seed = 0;
	return renew_key(q, err);
}

enum ofa_status question_check_costs(const struct question *q, const double value[OFA_RESOURCE_COUNT],
				     struct ofa_error *err)
{
	const struct ofa_limits limits = question_table_limits(q);

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		const bool calibrated = q->calibrated && r == OFA_LATENCY_MS;
		const double told = calibrated ? question_latency_ms(q, value[r]) : value[r];
		char field[64];

		if (!(value[r] > limits.max[r]))
			continue;
		snprintf(field, sizeof(field), "/limits/%s", ofa_resource_name(r));
		return ofa_fail(err, OFA_ERR_INFEASIBLE, field, "this subnet has %s%s of %.10g; the limit is %.10g",
				calibrated ? "a calibrated " : "", ofa_resource_name(r), told, q->limits.max[r]);
	}
	return OFA_OK;
}

/* ---- calibrated ---- */

enum ofa_status question_calibrate(struct question *q, const struct calibration *c, struct ofa_error *err)
{
	if (!q->stored || !known_profile_times(q->profile, q->precision))
		return ofa_fail(err, OFA_ERR_INVALID, "/calibrated",
				"only predictions from a stored profile's latency table can be calibrated: name a "
				"profile that has one of %s packages",
				ofa_precision_name(q->precision));
	q->calibrated = true;
	q->calibration = *c;
	return renew_key(q, err);
}

struct ofa_limits question_table_limits(const struct question *q)
{
	struct ofa_limits l = q->limits;
	double *latency = &l.max[OFA_LATENCY_MS];

	/* a limit that no prediction is within is refused as infeasible, one of 0 would be as no limit */
	if (q->calibrated && isfinite(*latency))
		*latency = fmax(calibration_limit(&q->calibration, *latency), DBL_MIN);
	return l;
}

double question_latency_ms(const struct question *q, double predicted_ms)
{
	return q->calibrated ? calibration_apply(&q->calibration, predicted_ms) : predicted_ms;
}

void question_restate_feasible(const struct question *q, struct ofa_feasible *feasible)
{
	double *min = &feasible->min[OFA_LATENCY_MS], *max = &feasible->max[OFA_LATENCY_MS];

	if (!q->calibrated || !feasible->known[OFA_LATENCY_MS])
		return;
	*min = question_latency_ms(q, *min);
	*max = question_latency_ms(q, *max);
}

void question_restate_error(const struct question *q, const struct ofa_feasible *feasible, struct ofa_error *err)
{
	struct ofa_error together = {0};

	if (!q->calibrated || err->status != OFA_ERR_INFEASIBLE)
		return;
	if (strcmp(err->field, "/limits/latency_ms") == 0)
		snprintf(err->message, sizeof(err->message),
			 "no subnet has a calibrated latency_ms of %.10g or less; the smallest reaches %.10g, the "
			 "largest %.10g",
			 q->limits.max[OFA_LATENCY_MS], feasible->min[OFA_LATENCY_MS],
			 feasible->max[OFA_LATENCY_MS]);
	else if (strcmp(err->field, "/limits") == 0 &&
		 ofa_problem_refuse_together(&q->limits, &together) == OFA_ERR_INFEASIBLE)
		*err = together;
}

void question_release(struct question *q)
{
	known_profile_unref(q->profile);
}

bool question_profile_revision(const struct question *q, char out[PROFILE_REVISION_MAX])
{
	char hex[2 * OFA_SHA256_BYTES + 1];

	if (!q->profile)
		return false;
	if (question_revision(q)) {
		snprintf(out, PROFILE_REVISION_MAX, "%s@%llu", q->profile->profile.name,
			 (unsigned long long)question_revision(q));
		return true;
	}
	ofa_hex(q->profile->sha256, OFA_SHA256_BYTES, hex);
	snprintf(out, PROFILE_REVISION_MAX, "%s@sha256-%s", q->profile->profile.name, hex);
	return true;
}
