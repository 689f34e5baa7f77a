/* What the daemon counts while it runs: counters and histograms that any thread may add to, without a lock.
 *
 * Each is kept once per shard and summed when it is read; a thread adds to the shard of the processor it is on, so that
 * threads do not fight for a cache line.  Adding costs some ten nanoseconds.  A reader sees each number at some moment
 * during its reading: none ever falls, but two of them may be a request apart.
 *
 * A new count is a line in the enum here and a row in the table in metrics.c. */
#ifndef OFAD_METRICS_METRICS_H
#define OFAD_METRICS_METRICS_H

#include <stdint.h>
#include "base/status.h"

/* Rows of one family (metrics.c) stand together. */
enum metrics_counter {
	METRICS_LOOKUP_MEMORY, /* POST /subnets: the answer was in memory, */
	METRICS_LOOKUP_FLIGHT, /* is being made for somebody else, */
	METRICS_LOOKUP_STORE,  /* was found on disk, */
	METRICS_LOOKUP_MISS,   /* had to be searched */
	METRICS_SEARCH_BUDGET, /* why searches stopped */
	METRICS_SEARCH_CONVERGED,
	METRICS_SEARCH_FRONT,
	METRICS_SEARCH_INFEASIBLE,
	METRICS_SEARCH_CANCELLED,
	METRICS_SEARCH_FAILED,
	METRICS_EVALUATIONS,
	METRICS_REPLICA_WAITS, /* another server was found to search for the same question */
	METRICS_REPLICA_ANSWERS,
	METRICS_FRONTS_COMPUTED,
	METRICS_FRONTS_DROPPED,
	METRICS_DELIVERIES, /* questions that were answered with a subnet */
	METRICS_MEASUREMENTS,
	METRICS_PACKAGES_DROPPED_AGE,   /* why packages were dropped */
	METRICS_PACKAGES_DROPPED_BYTES,
	METRICS_PACKAGES_REBUILT, /* those that were, and were asked for again */
	METRICS_SIGNATURES_MANIFEST, /* made anew; those in memory are not made */
	METRICS_SIGNATURES_MINISIG,
	METRICS_RESPONSE_BYTES,
	METRICS_PACKAGE_BYTES,
	METRICS_RESPONSES_CUT, /* the client went away before the last byte */
	METRICS_COUNTER_COUNT
};

enum metrics_histogram {
	METRICS_QUEUE_SECONDS, /* from asking for a worker to having one */
	METRICS_SEARCH_SECONDS,
	METRICS_CALIBRATE_SECONDS,
	METRICS_PACK_SECONDS,
	METRICS_HISTOGRAM_COUNT
};

/* Upper bounds of the buckets of every histogram, seconds; one more takes the rest. */
#define METRICS_BOUNDS 16
extern const double metrics_bounds[METRICS_BOUNDS];

struct metrics;

enum ofa_status metrics_new(struct metrics **ret, struct ofa_error *err) OFA_MUST_CHECK;
void metrics_free(struct metrics *m); /* NULL is allowed */

/* Any thread; m may be NULL, then nothing is counted. */
void metrics_add(struct metrics *m, enum metrics_counter c, uint64_t n);
void metrics_observe_ms(struct metrics *m, enum metrics_histogram h, double ms);

/* ---- requests, told apart by what was called ---- */

#define METRICS_ENDPOINTS_MAX 256

/* What one series of requests is known by; the strings are borrowed and outlive m. */
struct metrics_endpoint {
	const char *listener, *route, *method;
};

/* Before the first request; the number to count it by, or -1 when there are METRICS_ENDPOINTS_MAX. */
int metrics_endpoint_add(struct metrics *m, const struct metrics_endpoint *e);
/* Any thread.  status 0: none was sent.  An endpoint of -1 is not counted. */
void metrics_request(struct metrics *m, int endpoint, unsigned status, double ms);

/* ---- refusals, by their number in the registry of problems ---- */

#define METRICS_PROBLEMS_MAX 128
/* Any thread. */
void metrics_problem(struct metrics *m, unsigned number);

/* ---- reading; any thread ---- */

/* Status classes: none sent, 1xx, 2xx, ... 5xx. */
#define METRICS_CLASSES 6
extern const char *const metrics_class_names[METRICS_CLASSES];

struct metrics_histogram_reading {
	uint64_t bucket[METRICS_BOUNDS + 1]; /* each for itself */
	uint64_t count;                      /* their sum */
	double sum;                          /* seconds */
};

uint64_t metrics_read(const struct metrics *m, enum metrics_counter c);
void metrics_read_histogram(const struct metrics *m, enum metrics_histogram h, struct metrics_histogram_reading *ret);
/* The n-th endpoint, or NULL past the last. */
const struct metrics_endpoint *metrics_read_endpoint(const struct metrics *m, unsigned n,
						     uint64_t ret_classes[METRICS_CLASSES],
						     struct metrics_histogram_reading *ret);
uint64_t metrics_read_problem(const struct metrics *m, unsigned number);

/* How a counter or histogram is presented. */
struct metrics_about {
	const char *family, *help;
	const char *label, *value; /* NULL: the family's only member */
};
const struct metrics_about *metrics_counter_about(enum metrics_counter c);
const struct metrics_about *metrics_histogram_about(enum metrics_histogram h);

#endif
