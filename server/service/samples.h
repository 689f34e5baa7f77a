/* Clouds of samples (search/samples.h) as the bytes that dashboards take, made when they are asked for and the recently
 * used ones kept in memory.  doc/api.md, "Clouds of samples", is the format. */
#ifndef OFAD_SERVICE_SAMPLES_H
#define OFAD_SERVICE_SAMPLES_H

#include "jobs/lru.h"
#include "search/samples.h"
#include "service/bindings.h"

#define SAMPLES_TYPE "application/vnd.ofa.samples"
#define SAMPLES_DEFAULT 20000

/* Immutable. */
struct sampled {
	struct shared shared;
	uint8_t *data; /* owned */
	size_t size;
	uint8_t sha256[OFA_SHA256_BYTES];
};
void sampled_unref(struct sampled *x); /* NULL is allowed */

/* All is borrowed. */
struct samples_question {
	const struct network *network;
	const struct known_profile *profile; /* or NULL: latencies are unknown, as where its table is of another type */
	enum ofa_precision precision;
	int n; /* 1 to OFA_SAMPLES_MAX */
	uint64_t seed;
};

struct samples;

/* bindings and cancel, which ends the drawing, are borrowed. */
enum ofa_status samples_new(struct bindings *bindings, size_t cache_bytes, const atomic_bool *cancel,
			    struct samples **ret, struct ofa_error *err) OFA_MUST_CHECK;
void samples_free(struct samples *s); /* NULL is allowed */
struct lru *samples_cache(struct samples *s); /* borrowed, for its size */

/* A new reference to what is in memory, or NULL. */
struct sampled *samples_peek(struct samples *s, const struct samples_question *q);
/* A new reference; draws them if need be, which takes milliseconds to a tenth of a second: on a worker.  Errors as
 * bindings_get() and ofa_samples_draw(). */
enum ofa_status samples_of(struct samples *s, const struct samples_question *q, struct sampled **ret,
			   struct ofa_error *err) OFA_MUST_CHECK;

#endif
