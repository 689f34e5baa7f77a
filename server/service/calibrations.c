#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cost/profile.h"
#include "jobs/lru.h"
#include "service/calibrations.h"

struct calibrations {
	struct store *store;
	struct workers *workers;
	struct lru *cache;
	atomic_ullong generation; /* one more with each measurement */
	struct calibration_gauges gauges;
};

/* What is cached. */
struct computed {
	struct shared shared;
	struct calibration calibration;
	unsigned long long generation; /* read before the store was */
	double computed_ms;
	atomic_bool renewing; /* a worker is told to compute it anew */
};

static void computed_destroy(struct shared *self)
{
	free(self);
}

enum ofa_status calibrations_new(struct store *store, struct workers *workers, size_t cache_bytes,
				 struct calibrations **ret, struct ofa_error *err)
{
	struct calibrations *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	calibration_gauges_init(&s->gauges);
	s->store = store;
	s->workers = workers;
	st = lru_new(cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		calibration_gauges_release(&s->gauges);
		free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void calibrations_free(struct calibrations *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	calibration_gauges_release(&s->gauges);
	free(s);
}

struct calibration_gauges *calibrations_gauges(struct calibrations *s)
{
	return &s->gauges;
}

void calibrations_touch(struct calibrations *s)
{
	atomic_fetch_add(&s->generation, 1);
}

/* ---- gathering ---- */

/* Rows come by subnet, author, device and latency; the last of each that came is remembered. */
struct gathering {
	struct calibration_report *report;
	char author[64], device[80]; /* longer than either can be */
	double predicted_ms;
	size_t n_values, n_medians, n_devices;
	double values[CALIBRATION_MEASUREMENTS_MAX];  /* of one device */
	double medians[CALIBRATION_MEASUREMENTS_MAX]; /* of the devices of one subnet */
	uint64_t devices[CALIBRATION_MEASUREMENTS_MAX]; /* a number made of each name, for counting them */
};

/* FNV-1a */
static uint64_t number_of(const char *author, const char *device)
{
	uint64_t h = 0xcbf29ce484222325;

	for (const char *s = author; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	h *= 0x100000001b3; /* a NUL between them */
	for (const char *s = device; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t count_devices(struct gathering *g)
{
	size_t n = 0;

	qsort(g->devices, g->n_devices, sizeof(*g->devices), ascending);
	for (size_t i = 0; i < g->n_devices; i++)
		n += i == 0 || g->devices[i] != g->devices[i - 1];
	return n;
}

static void end_device(struct gathering *g)
{
	if (g->n_values == 0)
		return;
	g->medians[g->n_medians++] = calibration_median(g->values, g->n_values);
	g->devices[g->n_devices++] = number_of(g->author, g->device);
	g->report->points[g->report->n].measurements += (unsigned)g->n_values;
	g->n_values = 0;
}

static void end_subnet(struct gathering *g)
{
	struct calibration_point *p = &g->report->points[g->report->n];

	end_device(g);
	if (g->n_medians == 0)
		return;
	p->predicted_ms = g->predicted_ms;
	p->measured_ms = calibration_median(g->medians, g->n_medians);
	p->devices = (unsigned)g->n_medians;
	g->n_medians = 0;
	g->report->n++;
	g->report->measurements += p->measurements;
}

static enum ofa_status gather(void *ctx, const struct store_measurement_entry *e)
{
	const struct store_measurement *m = &e->measured;
	struct gathering *g = ctx;
	struct calibration_point *p = &g->report->points[g->report->n];
	bool same_subnet = strcmp(p->subnet, m->subnet) == 0;

	if (!same_subnet) {
		end_subnet(g);
		/* those that are left out are as good as those that are not: ids are digests */
		if (g->report->n == CALIBRATION_POINTS_MAX)
			return OFA_ERR_LIMIT;
		p = &g->report->points[g->report->n];
		*p = (struct calibration_point){.subnet = ""};
		snprintf(p->subnet, sizeof(p->subnet), "%s", m->subnet);
	} else if (strcmp(g->author, m->author) != 0 || strcmp(g->device, m->device) != 0) {
		end_device(g);
	}
	snprintf(g->author, sizeof(g->author), "%s", m->author);
	snprintf(g->device, sizeof(g->device), "%s", m->device);
	g->predicted_ms = e->predicted_ms;
	if (e->predicted_ms > 0 && m->latency_ms > 0 && g->n_values < CALIBRATION_MEASUREMENTS_MAX)
		g->values[g->n_values++] = m->latency_ms;
	return OFA_OK;
}

static enum ofa_status read_points(struct calibrations *s, const char *profile, uint64_t revision,
				   struct calibration_report *report, struct ofa_error *err)
{
	struct gathering *g = malloc(sizeof(*g));
	enum ofa_status st;

	if (!g)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	g->report = report;
	g->n_values = g->n_medians = g->n_devices = 0;
	g->author[0] = g->device[0] = '\0';
	st = s->store->driver->measurement_of_profile(s->store, profile, revision, CALIBRATION_MEASUREMENTS_MAX,
						      gather, g, err);
	if (st == OFA_ERR_LIMIT)
		st = OFA_OK;
	else if (st == OFA_OK)
		end_subnet(g);
	report->devices = count_devices(g);
	free(g);
	return st;
}

/* ---- reading ---- */

static struct job_key key_of(const char *profile, uint64_t revision)
{
	char text[256];
	struct job_key key;

	snprintf(text, sizeof(text), "%s@%llu", profile, (unsigned long long)revision);
	ofa_sha256(text, strlen(text), key.bytes);
	return key;
}

static void remember(struct calibrations *s, const struct job_key *key, const struct calibration *calibration,
		     unsigned long long generation)
{
	struct computed *c = malloc(sizeof(*c));

	if (!c)
		return;
	shared_init(&c->shared, computed_destroy);
	c->calibration = *calibration;
	c->generation = generation;
	c->computed_ms = clock_ms();
	atomic_init(&c->renewing, false);
	lru_put(s->cache, key, &c->shared, sizeof(*c));
	shared_unref(&c->shared);
}

static void publish(struct calibrations *s, const char *profile, uint64_t revision,
		    const struct calibration_report *report)
{
	struct calibration_gauge gauge = {
		.revision = revision,
		.scale = report->calibration.scale,
		.offset_ms = report->calibration.offset_ms,
		.error_before = report->before.mape,
		.error_after = report->after.mape,
		.points = report->n,
		.devices = report->devices,
		.measurements = report->measurements,
	};

	snprintf(gauge.profile, sizeof(gauge.profile), "%s", profile);
	calibration_gauges_set(&s->gauges, &gauge);
}

enum ofa_status calibrations_read(struct calibrations *s, const char *profile, uint64_t revision,
				  struct calibration_report *ret, struct ofa_error *err)
{
	struct job_key key = key_of(profile, revision);
	unsigned long long generation = atomic_load(&s->generation);
	enum ofa_status st;

	memset(ret, 0, sizeof(*ret));
	st = read_points(s, profile, revision, ret, err);
	if (st == OFA_OK)
		st = calibration_from(ret->points, ret->n, &ret->calibration, err);
	if (st != OFA_OK)
		return st;
	ret->correlation = calibration_correlation(ret->points, ret->n);
	if (ret->n > 0) {
		calibration_judge(ret->points, ret->n, NULL, &ret->before);
		calibration_judge(ret->points, ret->n, &ret->calibration, &ret->after);
		publish(s, profile, revision, ret);
	}
	remember(s, &key, &ret->calibration, generation);
	return OFA_OK;
}

/* ---- answering ---- */

struct renewal {
	struct task task;
	struct calibrations *calibrations;
	struct computed *old; /* a reference */
	char profile[OFA_PROFILE_NAME_MAX];
	uint64_t revision;
};

/* To no report's use but what is remembered of it. */
static enum ofa_status compute(struct calibrations *s, const char *profile, uint64_t revision, struct calibration *ret,
			       struct ofa_error *err)
{
	struct calibration_report *report = malloc(sizeof(*report));
	enum ofa_status st;

	if (!report)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = calibrations_read(s, profile, revision, report, err);
	if (st == OFA_OK)
		*ret = report->calibration;
	free(report);
	return st;
}

static void renewal_free(struct renewal *r)
{
	atomic_store(&r->old->renewing, false);
	shared_unref(&r->old->shared);
	free(r);
}

static void renew(struct task *task)
{
	struct renewal *r = (struct renewal *)(void *)task;
	struct calibration c;

	/* what cannot be read now stays as it was: whoever asks for the calibration itself is told why */
	(void)!compute(r->calibrations, r->profile, r->revision, &c, NULL);
	renewal_free(r);
}

/* Without room in the queue nothing happens, and a later request tries again. */
static void submit_renewal(struct calibrations *s, const char *profile, uint64_t revision, struct computed *old)
{
	struct renewal *r = malloc(sizeof(*r));

	if (!r) {
		atomic_store(&old->renewing, false);
		return;
	}
	*r = (struct renewal){.task.run = renew, .calibrations = s, .old = old, .revision = revision};
	shared_ref(&old->shared);
	snprintf(r->profile, sizeof(r->profile), "%s", profile);
	if (!workers_submit(s->workers, TASK_CALL, &r->task))
		renewal_free(r);
}

bool calibrations_peek(struct calibrations *s, const char *profile, uint64_t revision, struct calibration *ret)
{
	struct job_key key = key_of(profile, revision);
	struct computed *c = (struct computed *)(void *)lru_get(s->cache, &key);

	if (!c)
		return false;
	*ret = c->calibration;
	if (c->generation != atomic_load(&s->generation) && clock_ms() - c->computed_ms > CALIBRATION_AGE_MS &&
	    !atomic_exchange(&c->renewing, true))
		submit_renewal(s, profile, revision, c);
	shared_unref(&c->shared);
	return true;
}

enum ofa_status calibrations_get(struct calibrations *s, const char *profile, uint64_t revision,
				 struct calibration *ret, struct ofa_error *err)
{
	return calibrations_peek(s, profile, revision, ret) ? OFA_OK : compute(s, profile, revision, ret, err);
}
